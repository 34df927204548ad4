"""Run one handler in a fresh process and tell what it cost: `python -I -S child.py PATHS EVENTS RESULT [PAUSE_S]`.

PATHS are the folders of a Lambda (function, then layer), as `sys.path` would have them; EVENTS a file with a JSON list.
The first event is the cold one; before each further one the process sleeps PAUSE_S. Costs are user and system CPU of
this process (`getrusage`), in ms; the interpreter's own start stands apart, since every design has it.
"""

import resource
import sys
import time
from typing import Any


def cpu_ms() -> float:
    """Give the CPU that this process has used so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return (used.ru_utime + used.ru_stime) * 1000


class Context:
    """As much of Lambda's context as handlers ask for."""

    function_name = "measured"
    function_version = "1"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:measured"
    aws_request_id = "00000000-0000-0000-0000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Give the time left of a minute."""
        return 60_000


class Posting:
    """Notes the moment at which the first order is handed to the connection, where the function has httpx."""

    def __init__(self) -> None:
        self.at: float | None = None
        self.cpu: float | None = None
        httpx = sys.modules.get("httpx")
        if httpx is not None:
            self._send = httpx.HTTPTransport.handle_request
            httpx.HTTPTransport.handle_request = lambda transport, request: self._noted(transport, request)

    def _noted(self, transport: Any, request: Any) -> Any:
        if self.at is None and request.method == "POST" and request.url.path.endswith("/orders"):
            self.at, self.cpu = time.time() * 1000, cpu_ms()
        return self._send(transport, request)


class Sleeping:
    """Counts what a function sleeps: it is billed for that too."""

    def __init__(self) -> None:
        self.slept_ms = 0.0
        self._sleep = time.sleep
        time.sleep = self._counted

    def _counted(self, seconds: Any) -> None:
        self.slept_ms += float(seconds) * 1000
        self._sleep(seconds)


def main(paths: str, events_file: str, result_file: str, pause_s: str = "0") -> None:
    """Measure."""
    started = cpu_ms()
    sys.path[:0] = paths.split(":")
    import app  # type: ignore[import-not-found]  # the measured function's

    imported = cpu_ms()
    modules = len(sys.modules)
    import json
    from pathlib import Path

    events = json.loads(Path(events_file).read_text(encoding="utf-8"))
    pause, sleeping, posting = time.sleep, Sleeping(), Posting()
    invokes = []
    for number, event in enumerate(events):
        if number and pause_s != "0":
            pause(float(pause_s))
        sleeping.slept_ms = 0.0
        began_at, before = time.time() * 1000, cpu_ms()
        answer = app.handler(event, Context())
        used, ended_at = cpu_ms() - before, time.time() * 1000
        moments = {"began_at": began_at, "ended_at": ended_at, "slept_ms": sleeping.slept_ms}
        invokes.append({"answer": answer, "cpu_ms": used, **moments})
    result = {
        "start_ms": started,
        "import_ms": imported - started,
        "modules": modules,
        "invokes": invokes,
        "posted_at": posting.at,
        "posted_ms": posting.cpu,
    }
    Path(result_file).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
