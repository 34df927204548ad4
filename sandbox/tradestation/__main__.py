"""Serve a simulated TradeStation: `python -m sandbox.tradestation --port N`.

Prints one line of JSON with the base URL and the test logins, then serves until Ctrl-C or SIGTERM.
"""

import argparse
import json
import signal
import threading
from collections.abc import Sequence

from sandbox.simserver import Clock, ControlError, ManualClock, SystemClock, serve
from sandbox.tradestation.app import TradeStation
from sandbox.tradestation.seeds import KEYS, USERS
from sandbox.tradestation.switches import ALL


def greeting(url: str) -> dict[str, object]:
    """Give what a program needs to use the server at this URL."""
    key, public = KEYS
    return {
        "broker": "tradestation",
        "url": url,
        "base_url": f"{url}/v3",
        "auth_url": url,
        "control_url": f"{url}/_control",
        "client_id": key.client_id,
        "client_secret": key.client_secret,
        "public_client_id": public.client_id,
        "users": [
            {
                "username": user.name,
                "password": user.password,
                "refresh_token": user.refresh_token,
                "accounts": [{"id": account.id, "type": account.type} for account in user.accounts],
            }
            for user in USERS
        ],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted; answers 2 for a wrong option."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.tradestation", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (loopback unless you know why)")
    parser.add_argument("--port", type=int, default=0, help="port; 0 takes a free one")
    parser.add_argument("--switch", action="append", default=[], metavar="NAME=VALUE", help="set a switch at start")
    parser.add_argument("--callback", action="append", default=[], metavar="URL", help="allow another OAuth callback")
    parser.add_argument("--manual-clock-ms", type=int, help="start at this epoch ms and move only by control")
    parser.add_argument("--list-switches", action="store_true", help="print every switch and end")
    given = parser.parse_args(arguments)
    if given.list_switches:
        for switch in ALL:
            print(f"{switch.name:28} {'|'.join(switch.values):44} {switch.source:6} {switch.meaning}")
        return 0
    clock: Clock = SystemClock() if given.manual_clock_ms is None else ManualClock(given.manual_clock_ms)
    switches = dict(text.partition("=")[::2] for text in given.switch)
    try:
        app = TradeStation(clock, switches, callbacks=frozenset(given.callback))
    except ControlError as error:
        parser.error(str(error))
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with serve(app, host=given.host, port=given.port) as server:
        print(json.dumps(greeting(server.url)), flush=True)
        ended.wait()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
