"""Run the simulated TradeLocker: `python -m sandbox.tradelocker --port N`.

Prints one line of JSON (base URL, control URL, test logins) and serves until SIGTERM or SIGINT.
"""

import argparse
import json
import secrets
import signal
import threading

from sandbox.simserver import serve
from sandbox.tradelocker.app import TradeLockerApp
from sandbox.tradelocker.routes import PREFIX
from sandbox.tradelocker.seeds import LOGINS, describe
from sandbox.tradelocker.switches import SwitchError


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.tradelocker", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="a free one by default")
    parser.add_argument(
        "--switch", action="append", default=[], metavar="NAME=VALUE", help="see GET /_control/switches"
    )
    options = parser.parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        app = TradeLockerApp(switches=dict(one.split("=", 1) for one in options.switch), seed=secrets.token_hex(16))
    except (SwitchError, ValueError) as error:
        parser.error(str(error))
    with serve(app, port=options.port) as server:
        app.simulator.tokens.own_host = server.url.removeprefix("http://")
        first, *others = (describe(login) for login in LOGINS)
        line = {
            "broker": "tradelocker",
            "environment": server.url,
            "base_url": f"{server.url}{PREFIX}",
            "control_url": f"{server.url}/_control",
            "login": first,
            "other_logins": others,
        }
        print(json.dumps(line), flush=True)
        stop.wait()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
