"""A plugin of pytest that judges mutants: the tests are collected once, and each mutant is tried in a fork.

    one fork runs all tests without a mutant      which tests reach which function, and how long each takes
    a fork for each mutant                        its function's tests, until one fails

mutmut itself starts pytest anew for each mutant, with the names of the tests on the command line; some names of ours
cannot be read back from there, and collecting takes longer than most mutants live. First come the tests that have
killed another mutant of the same function, then those that have killed any, then the rest, the fast ones before the
slow ones.
"""

import gc
import json
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from mutmut.configuration import config
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state

TASK, RESULTS, REACH = "task.json", "results.jsonl", "reach.json"
LEAST_LIMIT_S = 5.0
"""CPU time that any test may take with a mutant in it; a slow one may take SLOWER times what it takes without."""
SLOWER = 10
HUNG_S = 120.0
PATIENCE_S = 25.0
"""CPU time after which a mutant counts as survived, whatever the tests that are left would have said."""


@dataclass
class Reached:
    """What the run without a mutant has shown of one test."""

    seconds: float = 0.0
    functions: list[str] = field(default_factory=list)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    """Run the mutants that the task names in place of the tests themselves."""
    task: dict[str, Any] = json.loads(Path(TASK).read_text())
    config()  # mutmut's settings are read from the working directory: before a test changes it
    session.items = [item for item in session.items if not re.search(task["left_out"], item.nodeid)]
    reach = _reach(session)
    print(f"{sum(one.seconds for one in reach.values()):.0f} s of CPU without a mutant, {len(reach)} tests", flush=True)  # noqa: T201
    Judge(session, reach, int(task["workers"])).judge(task["mutants"])
    return True


class Judge:
    """Tries mutants, and learns from each which test kills."""

    def __init__(self, session: pytest.Session, reach: Mapping[str, Reached], workers: int) -> None:
        self._session = session
        self._reach = reach
        self._workers = workers
        self._killers: Counter[tuple[str, str]] = Counter()
        self._running: dict[int, tuple[str, Any]] = {}

    def judge(self, mutants: Sequence[str]) -> None:
        """Write each mutant's result as it comes: a line of JSON."""
        gc.freeze()
        with Path(RESULTS).open("a") as results:
            for mutant in mutants:
                if len(self._running) == self._workers:
                    self._collect(results)
                order = self._order(mutant.partition("__mutmut_")[0])
                child = Fork(self._session, partial(self._try, mutant, order))
                self._running[child.pid] = (mutant, child)
            while self._running:
                self._collect(results)

    def _order(self, function: str) -> list[pytest.Item]:
        def rank(item: pytest.Item) -> tuple[int, int, float]:
            killed = self._killers
            return -killed[function, item.nodeid], -killed["", item.nodeid], self._reach[item.nodeid].seconds

        reaching = [item for item in self._session.items if function in self._reach[item.nodeid].functions]
        return sorted(reaching, key=rank)

    def _try(self, mutant: str, items: Sequence[pytest.Item]) -> dict[str, Any]:
        if not items:
            return {"result": "no tests"}
        set_mutant_under_test(mutant)
        began = process_time()
        for item, following in zip(items, [*items[1:], None], strict=True):
            limit_s = max(LEAST_LIMIT_S, SLOWER * self._reach[item.nodeid].seconds)
            signal.setitimer(signal.ITIMER_PROF, limit_s)
            signal.setitimer(signal.ITIMER_REAL, HUNG_S)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self._session.testsfailed:
                return {"result": "killed", "by": item.nodeid}
            if process_time() - began > PATIENCE_S:
                break
        return {"result": "survived"}

    def _collect(self, results: Any) -> None:
        pid, status = os.wait()
        mutant, child = self._running.pop(pid)
        ended = os.waitstatus_to_exitcode(status)
        told = child.read()
        # A fork that ends by a signal ran into its limit, or took the interpreter down: a test would hang or break.
        found = json.loads(told) if told else {"result": "timeout" if ended < 0 else "broken"}
        if found["result"] == "killed":
            self._killers[mutant.partition("__mutmut_")[0], found["by"]] += 1
            self._killers["", found["by"]] += 1
        results.write(json.dumps({"name": mutant, **found}) + "\n")
        results.flush()
        print(found["result"], mutant, found.get("by", ""), flush=True)  # noqa: T201


def _reach(session: pytest.Session) -> dict[str, Reached]:
    """Give what each test reaches; what an earlier run has written of it is believed."""
    path = Path(REACH)
    known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    fresh = [item for item in session.items if item.nodeid not in known]
    if fresh:
        child = Fork(session, lambda: _clean(session, fresh))
        found = json.loads(child.read() or "null")
        os.waitpid(child.pid, 0)
        if not isinstance(found, list):
            pytest.exit("the tests fail without a mutant", returncode=1)
        known |= dict(zip((item.nodeid for item in fresh), found, strict=True))
        path.write_text(json.dumps(known))
    return {item.nodeid: Reached(**known[item.nodeid]) for item in session.items}


def _clean(session: pytest.Session, items: Sequence[pytest.Item]) -> list[dict[str, Any]] | None:
    set_mutant_under_test("stats")
    found: list[dict[str, Any]] = []
    for item, following in zip(items, [*items[1:], None], strict=True):
        state()._stats.clear()
        began = process_time()
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        found.append({"seconds": process_time() - began, "functions": sorted(state()._stats)})
        if session.testsfailed:
            os.write(2, f"fails without a mutant: {item.nodeid}\n".encode())
            return None
    return found


class Fork:
    """A fork that does one thing, and the pipe on which it tells what came of it."""

    def __init__(self, session: pytest.Session, work: Callable[[], Any]) -> None:
        sys.stdout.flush()
        source, sink = os.pipe()
        self.pid = os.fork()
        self._source = source
        if self.pid == 0:
            os.close(source)
            os._exit(_told(session, work, sink))
        os.close(sink)

    def read(self) -> str:
        """Give what was told, empty if the fork died before."""
        with os.fdopen(self._source) as told:
            return told.read()


def _told(session: pytest.Session, work: Callable[[], Any], sink: int) -> int:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    session.config.pluginmanager.unregister(reporter)
    try:
        told = json.dumps(work())
    except BaseException as error:  # noqa: BLE001 -- whatever a mutant raises through pytest itself ends here
        told = json.dumps({"result": "broken", "by": repr(error)})
    with os.fdopen(sink, "w") as out:
        out.write(told)
    return 0
