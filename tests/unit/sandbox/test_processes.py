"""What a run starts, it also ends."""

import os
import sys
import time
from pathlib import Path

import pytest

from sandbox import processes

SPAWN_AND_WAIT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


def _start(code: str, folder: Path) -> processes.Child:
    return processes.start("child", [sys.executable, "-c", code], environment=os.environ, folder=folder, cwd=folder)


def _ends(pid: int) -> bool:
    """Tell whether a process that was sent its signal ends: the signal takes a moment."""
    for _ in range(400):
        if not _alive(pid):
            return True
        time.sleep(0.025)
    return False


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"


def test_stopped_process_ends_with_what_it_started(tmp_path: Path) -> None:
    child = _start(SPAWN_AND_WAIT, tmp_path)
    grandchild = int(processes.first_line(child, 10))

    child.stop()

    assert not child.running()
    assert _ends(grandchild)


def test_process_that_ignores_the_polite_signal_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "GRACE_S", 0.05)
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    child = _start(stubborn, tmp_path)
    processes.first_line(child, 10)

    child.stop()

    assert child.process.returncode == -9


def test_failed_process_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    child = _start("print('no such port'); raise SystemExit(3)", tmp_path)

    with pytest.raises(processes.StartError, match=r"exit code 3:\nno such port"):
        processes.finish(child, 10)


def test_server_that_ends_before_its_line_is_told(tmp_path: Path) -> None:
    child = _start("import sys; sys.stderr.write('port taken'); raise SystemExit(1)", tmp_path)

    with pytest.raises(processes.StartError, match="port taken"):
        processes.first_line(child, 10)


def test_process_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    child = _start("import time; time.sleep(600)", tmp_path)

    with pytest.raises(processes.StartError, match="longer than"):
        processes.finish(child, 0.05)

    assert not child.running()
