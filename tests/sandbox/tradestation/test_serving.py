"""The program: `python -m sandbox.tradestation`, and many requests at once over sockets."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.sandbox.tradestation.caller import MARGIN, order


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, Any]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.tradestation", "--port", "0", "--switch", "nulls=sent"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": "."},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.send_signal(signal.SIGTERM)
        code, errors = process.wait(10), process.stderr.read()
        process.stdout.close()
        process.stderr.close()
    assert (code, errors) == (0, b"")


@pytest.fixture
def client(running: dict[str, Any]) -> Iterator[httpx.Client]:
    """Give a signed-in client of the program."""
    fields = {
        "grant_type": "refresh_token",
        "client_id": running["client_id"],
        "client_secret": running["client_secret"],
        "refresh_token": running["users"][0]["refresh_token"],
    }
    with httpx.Client(base_url=running["url"], timeout=10, trust_env=False) as opened:
        reply = opened.post("/oauth/token", data=fields)
        opened.headers["Authorization"] = f"Bearer {reply.json()['access_token']}"
        yield opened


def test_program_tells_its_logins_and_serves(running: dict[str, Any], client: httpx.Client) -> None:
    rows = client.get("/v3/brokerage/accounts").json()["Accounts"]
    assert running["url"].startswith("http://127.0.0.1:")
    assert [row["AccountID"] for row in rows] == [account["id"] for account in running["users"][0]["accounts"]]


def test_orders_sent_at_once_are_each_booked_once(client: httpx.Client) -> None:
    client.post("/_control/reset")
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: client.post("/v3/orderexecution/orders", json=order("BUY", "1")), range(40)))
    state = client.get("/_control/state").json()
    positions = client.get(f"/v3/brokerage/accounts/{MARGIN}/positions").json()["Positions"]
    assert {reply.status_code for reply in replies} == {200}
    assert len(state["orders"]) == len({row["order_id"] for row in state["orders"]}) == 40
    assert positions[0]["Quantity"] == "40"


@pytest.mark.parametrize("option", ["nulls=maybe", "nosuch=1"])
def test_wrong_switch_ends_the_program_with_a_word(option: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.tradestation", "--switch", option], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "switch" in done.stderr
