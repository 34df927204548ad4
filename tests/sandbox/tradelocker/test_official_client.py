"""TradeLocker's own client library against the simulated broker, where there is a Python that has it.

Off unless `TRADELOCKER_CLIENT_PYTHON` names that Python: the client waits a second before each request, and pins
dependencies that have no place beside ours.
"""

import os
import subprocess
from pathlib import Path

import pytest

from sandbox.simserver import serve
from sandbox.tradelocker import TradeLockerApp

CLIENT_PYTHON = os.environ.get("TRADELOCKER_CLIENT_PYTHON", "")
SCRIPT = Path(__file__).with_name("official_client.py")


@pytest.mark.skipif(not CLIENT_PYTHON, reason="TRADELOCKER_CLIENT_PYTHON names no Python with the client")
@pytest.mark.parametrize("extra", [[], ["--by", "tokens", "--without-typeguard"]], ids=["password", "tokens"])
def test_official_client_works_unmodified_with_default_switches(extra: list[str]) -> None:
    with serve(TradeLockerApp()) as server:
        command = [CLIENT_PYTHON, str(SCRIPT), server.url, f"{server.url}/_control", *extra]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("held") == 11
