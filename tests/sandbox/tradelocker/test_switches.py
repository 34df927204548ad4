"""The list of switches, and the broker served over HTTP."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import sandbox.tradelocker
from sandbox.simserver import serve
from sandbox.tradelocker import TradeLockerApp
from sandbox.tradelocker.switches import ALL, SwitchError, Switches
from tests.sandbox.tradelocker.caller import Caller

PACKAGE = Path(sandbox.tradelocker.__file__).parent


def test_every_switch_has_a_source_more_than_one_value_and_is_read_somewhere() -> None:
    code = "".join(path.read_text() for path in PACKAGE.glob("*.py") if path.name != "switches.py")

    assert len({switch.name for switch in ALL}) == len(ALL)
    for switch in ALL:
        assert len(set(switch.values)) > 1, switch.name
        assert switch.source, switch.name
        assert f'"{switch.name}"' in code, switch.name


@pytest.mark.parametrize("switch", ALL, ids=lambda switch: switch.name)
def test_broker_trades_under_every_value_of_a_switch(switch: object) -> None:
    from sandbox.tradelocker.switches import Switch

    assert isinstance(switch, Switch)
    for value in switch.values:
        caller = Caller({"rate_limits": "off", switch.name: value})
        if (switch.name, value) in {
            ("host_claim", "wrong_shard"),
            ("eurusd_names", "only_x"),
            ("eurusd_names", "only_x_and_r"),
        }:
            continue
        info_route = caller.info_routes(206)[-1]
        body = {"stopLoss": 1000, "stopLossType": "absolute"}
        assert caller.try_place(206, qty="0.01", **body)["s"] == "ok"
        caller.clock.advance(60_000)
        assert len(caller.rows("positions")) == 1
        assert caller.get(f"/quotes?routeId={info_route}&tradableInstrumentId=206")["ap"] > 0


@pytest.mark.parametrize(
    "values", [{"nope": 1}, {"write_reply": 205}, {"history_lag_ms": -1}, {"history_lag_ms": "soon"}]
)
def test_unknown_switch_or_value_is_refused_and_changes_nothing(values: dict[str, object]) -> None:
    switches = Switches()

    with pytest.raises(SwitchError):
        switches.set({"close_without_qty": "refused", **values})

    assert switches["close_without_qty"] == "all"
    assert Caller().send("POST", "/_control/switches", values).status == 400


def test_switch_takes_booleans_and_numbers_from_json() -> None:
    switches = Switches({"old_refresh_token_dies": False, "history_lag_ms": 250, "write_reply": 204})

    assert not switches.on("old_refresh_token_dies")
    assert switches.number("history_lag_ms") == 250
    assert switches["write_reply"] == "204"


def test_token_of_another_broker_is_refused() -> None:
    first, second = TradeLockerApp(seed="one"), TradeLockerApp(seed="two")
    with serve(first) as one, serve(second) as two:
        login = {"email": "trader@sandbox.test", "password": "sandbox-password-1", "server": "SANDBOX"}
        token = httpx.post(f"{one.url}/backend-api/auth/jwt/token", json=login).json()["accessToken"]
        headers = {"Authorization": f"Bearer {token}"}
        answers = [httpx.get(f"{url}/backend-api/auth/jwt/all-accounts", headers=headers) for url in (one.url, two.url)]

    assert [answer.status_code for answer in answers] == [200, 401]


def test_command_prints_where_it_serves_and_ends_on_sigterm() -> None:
    command = [sys.executable, "-m", "sandbox.tradelocker", "--port", "0", "--switch", "write_reply=204"]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent.parent)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            printed = json.loads(process.stdout.readline())
            login = {name: printed["login"][name] for name in ("email", "password", "server")}
            answer = httpx.post(f"{printed['base_url']}/auth/jwt/token", json=login)
            switches = httpx.get(f"{printed['control_url']}/switches").json()["switches"]
        finally:
            process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=10)

    assert answer.status_code == 201
    assert switches["write_reply"]["value"] == "204"
    assert code == 0
