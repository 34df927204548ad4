"""Child processes that end, with their own children, when the run ends."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

GRACE_S = 3.0


class StartError(Exception):
    """A child process ended, or was not ready in time; the text holds the end of its log."""


@dataclass(frozen=True)
class Child:
    """One process in a session of its own, so that Ctrl-C reaches it only through `stop`."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def stop(self) -> None:
        """End the process and what it started: politely, then for good."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                break
            try:
                self.process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                continue
        self.process.wait()

    def running(self) -> bool:
        """Tell whether the process itself still lives."""
        return self.process.poll() is None

    def log_end(self, lines: int = 20) -> str:
        """Give the last lines that the process wrote."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def start(
    name: str, command: Sequence[str | Path], *, environment: Mapping[str, str], folder: Path, cwd: Path
) -> Child:
    """Start a process whose output goes to `folder/name.log`."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=cwd,
            start_new_session=True,
        )
    return Child(name, process, log)


def finish(child: Child, timeout_s: float) -> str:
    """Wait for a process that ends by itself and give its output.

    Raises `StartError` when it fails or takes too long.
    """
    try:
        code = child.process.wait(timeout_s)
    except subprocess.TimeoutExpired as error:
        child.stop()
        raise StartError(f"{child.name} took longer than {timeout_s:.0f} s:\n{child.log_end()}") from error
    except BaseException:
        child.stop()
        raise
    if code != 0:
        raise StartError(f"{child.name} failed with exit code {code}:\n{child.log_end()}")
    return child.log.read_text(encoding="utf-8", errors="replace")


def first_line(child: Child, timeout_s: float) -> str:
    """Give the first whole line that a process writes: servers say there where they listen.

    Raises `StartError` when it ends or stays silent.
    """
    give_up = time.monotonic() + timeout_s
    while time.monotonic() < give_up:
        line, newline, _ = child.log.read_text(encoding="utf-8", errors="replace").partition("\n")
        if newline:
            return line
        if not child.running():
            raise StartError(f"{child.name} ended with exit code {child.process.returncode}:\n{child.log_end()}")
        time.sleep(0.02)
    raise StartError(f"{child.name} said nothing within {timeout_s:.0f} s")
