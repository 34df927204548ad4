"""Drive TradeLocker's own client library, unmodified, against the simulated broker.

Run by a Python that has the client (`tradelocker` 0.56.2), in an environment of its own:

    python official_client.py BASE_URL CONTROL_URL [--by tokens] [--without-typeguard]

It calls everything public that the client has and checks what comes back. The client waits a second before each
request. Prints what it did, and ends with code 0 only if all of it held.
"""

import argparse
import functools
import importlib
import json
import logging
import sys
import time
import urllib.request
from collections.abc import Callable
from typing import Any

EMAIL, PASSWORD, SERVER = "trader@sandbox.test", "sandbox-password-1", "SANDBOX"
BTCUSD, ETHUSD = 206, 207
JUNE_2023_MS = 1_685_570_400_000
DAY_MS = 86_400_000

Check = Callable[[], None]


def post(url: str, body: object, method: str = "POST") -> Any:
    """Send JSON without the client: for control requests and a login of our own."""
    data = json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


class Acceptance:
    """The checks, one method a subject; each stands alone."""

    def __init__(self, environment: str, control_url: str, by: str) -> None:
        module = importlib.import_module("tradelocker")
        self.errors = importlib.import_module("tradelocker.exceptions")
        self.types = importlib.import_module("tradelocker.types")
        self.control_url = control_url
        self.login: dict[str, Any] = {"username": EMAIL, "password": PASSWORD, "server": SERVER}
        if by == "tokens":
            pair = post(
                f"{environment}/backend-api/auth/jwt/token", {"email": EMAIL, "password": PASSWORD, "server": SERVER}
            )
            self.login = {"access_token": pair["accessToken"], "refresh_token": pair["refreshToken"]}
        self.environment = environment
        self.client: Any = module.TLAPI
        self.tl: Any = self.make(acc_num=1)

    def make(self, **changes: int) -> Any:
        """Construct a client object."""
        return self.client(self.environment, **self.login, log_level="critical", **changes)

    def checks(self) -> dict[str, Check]:
        """Return the checks by name."""
        return {name: getattr(self, name) for name in dir(self) if name.startswith("check_")}

    def check_accounts(self) -> None:
        """The constructor finds accounts by number and by id, and refuses what is not there."""
        accounts = self.tl.get_all_accounts()
        assert list(accounts["id"]) == [1180, 1181, 1182]
        assert list(accounts["accountBalance"])[1] == 50000.0
        assert self.make(account_id=1181).acc_num == 2
        expect(ValueError, lambda: self.make(acc_num=-1))
        assert self.tl.get_trade_accounts()[0]["id"] == "1180"
        assert self.tl.get_base_url().endswith("/backend-api")

    def check_tokens(self) -> None:
        """A refresh changes both tokens, and the new ones work."""
        before = self.tl.get_access_token(), self.tl.get_refresh_token()
        self.tl.refresh_access_tokens()
        after = self.tl.get_access_token(), self.tl.get_refresh_token()
        assert before[0] != after[0]
        assert before[1] != after[1]
        assert self.tl.get_account_state()["balance"] > 0

    def check_config(self) -> None:
        """Columns, limits and rate limits are those that the client knows."""
        config = self.tl.get_config()
        known = {
            "positionsConfig": self.types.PositionsColumns,
            "ordersConfig": self.types.OrdersColumns,
            "ordersHistoryConfig": self.types.OrdersColumns,
            "filledOrdersConfig": self.types.ExecutionsColumns,
            "accountDetailsConfig": self.types.AccountDetailsColumns,
        }
        for key, columns in known.items():
            assert {column["id"] for column in config[key]["columns"]} == set(columns), key
        assert self.tl.max_price_history_rows() > 2900
        assert self.tl.get_price_history_rate_limit()["limit"] == 1
        for name in self.types.RouteNamesType.__args__:
            assert self.tl.get_route_rate_limit(name)["rateLimitType"] == name
        assert set(self.tl.get_account_state()) == set(self.types.AccountDetailsColumns)

    def check_instruments(self) -> None:
        """Names and ids lead to each other; details, session and routes are there."""
        assert self.tl.get_instrument_id_from_symbol_name("EURUSD") == 278
        assert self.tl.get_instrument_id_from_symbol_id(315) == 278
        assert self.tl.get_symbol_name_from_instrument_id(BTCUSD) == "BTCUSD"
        expect(ValueError, lambda: self.tl.get_instrument_id_from_symbol_name("DOESNOTEXIST"))
        details = self.tl.get_instrument_details(BTCUSD)
        assert details["lotSize"] == 1
        assert self.tl.get_session_details(details["tradeSessionId"])["id"] == "1547"
        status = self.tl.get_session_status_details(details["tradeSessionStatusId"])
        assert (len(status["allowedOperations"]), len(status["allowedOrderTypes"])) == (3, 6)
        assert {"EURUSD", "BTCUSD"} <= set(self.tl.get_all_instruments()["name"])
        assert self.tl.get_trade_route_id(BTCUSD) != self.tl.get_info_route_id(BTCUSD)

    def check_prices(self) -> None:
        """Quotes, depth, the day's bar and history; an empty range is an empty frame."""
        quotes = self.tl.get_quotes(BTCUSD)
        assert quotes["ap"] == self.tl.get_latest_asking_price(BTCUSD)
        assert quotes["bp"] == self.tl.get_latest_bid_price(BTCUSD)
        assert set(self.tl.get_market_depth(BTCUSD)) == {"asks", "bids"}
        assert isinstance(self.tl.get_daily_bar(BTCUSD, "BID")["o"], float)
        assert len(self.tl.get_price_history(BTCUSD, "1D", lookback_period="3Y")) > 1000
        span = {"start_timestamp": JUNE_2023_MS, "end_timestamp": JUNE_2023_MS + 7 * DAY_MS}
        assert len(self.tl.get_price_history(BTCUSD, "1H", **span)) == 169
        empty = {"start_timestamp": JUNE_2023_MS, "end_timestamp": JUNE_2023_MS}
        assert self.tl.get_price_history(BTCUSD, "1W", **empty).empty
        assert not self.tl.get_price_history(BTCUSD, "1H", start_timestamp=JUNE_2023_MS).empty
        expect(ValueError, lambda: self.tl.get_price_history(BTCUSD, "1m", lookback_period="2Y"))

    def check_market_order_and_position(self) -> None:
        """A market order ends in history with a position, which takes legs and closes in parts."""
        order_id = self.tl.create_order(
            BTCUSD, 0.02, "buy", stop_loss=0.01, stop_loss_type="absolute", strategy_id="x" * 32
        )
        row = self._row(self.tl.get_all_orders(history=True), order_id)
        assert (row["status"], row["stopLoss"], row["strategyId"]) == ("Filled", 0.01, "x" * 32)
        position_id = self.tl.get_position_id_from_order_id(order_id)
        assert position_id == row["positionId"]
        self.tl.modify_position(position_id, {"stopLoss": 0.02, "takeProfit": 5000000.0})
        position = self._row(self.tl.get_all_positions(), position_id)
        orders = self.tl.get_all_orders()
        assert self._row(orders, position["stopLossId"])["stopPrice"] == 0.02
        assert self._row(orders, position["takeProfitId"])["price"] == 5000000.0
        assert self.tl.close_position(order_id=order_id, close_quantity=0.01)
        assert self._row(self.tl.get_all_positions(), position_id)["qty"] == 0.01
        assert self.tl.close_position(position_id=position_id)
        assert position_id not in self.tl.get_all_positions()["id"].values
        assert order_id in self.tl.get_all_executions()["orderId"].values

    def check_working_orders(self) -> None:
        """A limit order works, changes, is cancelled; a final one refuses the cancel without an HTTP error."""
        order_id = self.tl.create_order(BTCUSD, 0.01, "buy", price=0.01, type_="limit", validity="GTC")
        before = self._row(self.tl.get_all_orders(instrument_id_filter=BTCUSD), order_id)
        assert self.tl.modify_order(order_id, {"price": "0.02", "qty": "0.02"})
        after = self._row(self.tl.get_all_orders(), order_id)
        assert (after["price"], after["qty"], after["status"]) == (0.02, 0.02, "New")
        assert after["lastModified"] > before["lastModified"]
        assert self.tl.delete_order(order_id)
        assert not self.tl.delete_order(order_id)
        history = self.tl.get_all_orders(history=True, lookback_period="1H")
        assert self._row(history, order_id)["status"] == "Cancelled"
        stop = self.tl.create_order(ETHUSD, 0.01, "buy", stop_price=9000.0, type_="stop", validity="GTC")
        assert self.tl.delete_all_orders(instrument_id_filter=BTCUSD)
        assert stop in self.tl.get_all_orders()["id"].values
        assert self.tl.delete_all_orders_manual(instrument_id_filter=ETHUSD)
        assert stop not in self.tl.get_all_orders()["id"].values

    def check_refusals(self) -> None:
        """Bad quantities and long labels are refused as the client expects it."""
        limit = {"price": 0.01, "type_": "limit", "validity": "GTC"}
        for qty in (0.001, 0.123, -0.05):
            place = functools.partial(self.tl.create_order, BTCUSD, qty, "buy", **limit)
            expect(self.errors.TLAPIOrderException, place)
        label = {"strategy_id": "x" * 33, "_ignore_len_check": True}
        expect(self.errors.TLAPIException, lambda: self.tl.create_order(BTCUSD, 0.01, "buy", **label))

    def check_close_all_and_netting(self) -> None:
        """Closing all honours its filter; the client's own netting closes opposite positions."""
        self.tl.close_all_positions()
        self.tl.create_order(BTCUSD, 0.01, "buy")
        self.tl.create_order(ETHUSD, 0.01, "sell")
        assert self.tl.close_all_positions(instrument_id_filter=ETHUSD)
        assert list(self.tl.get_all_positions()["tradableInstrumentId"]) == [BTCUSD]
        assert self.tl.create_order(BTCUSD, 0.01, "sell", position_netting=True) is None
        assert self.tl.get_all_positions().empty

    def check_lost_replies(self) -> None:
        """The client sends an order again whose reply was lost: a second position, as with the real service."""
        self.tl.close_all_positions()
        rule = {"match": {"method": "POST", "path": "/orders$"}, "fault": {"kind": "reply_lost"}}
        post(f"{self.control_url}/faults", rule)
        self.tl.create_order(BTCUSD, 0.01, "buy")
        assert len(self.tl.get_all_positions()) == 2
        self.tl.close_all_positions()

    def check_empty_bodies(self) -> None:
        """The client raises on a 204, so the switch for it is for other clients."""
        order_id = self.tl.create_order(BTCUSD, 0.01, "buy", price=0.01, type_="limit", validity="GTC")
        post(f"{self.control_url}/switches", {"write_reply": "204"})
        try:
            expect(ValueError, lambda: self.tl.delete_order(order_id))
        finally:
            post(f"{self.control_url}/switches", {"write_reply": "200"})
        assert order_id not in self.tl.get_all_orders()["id"].values

    @staticmethod
    def _row(frame: Any, row_id: int) -> Any:
        found = frame[frame["id"] == row_id]
        assert len(found) == 1, f"{len(found)} rows with id {row_id}"
        return found.iloc[0]


def expect(error: type[BaseException], call: Callable[[], object]) -> None:
    """Call something that must raise."""
    try:
        call()
    except error:
        return
    raise AssertionError(f"no {error.__name__}")


def main() -> int:
    """Run every check and tell; return the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("environment")
    parser.add_argument("control_url")
    parser.add_argument("--by", choices=["password", "tokens"], default="password")
    parser.add_argument("--without-typeguard", action="store_true")
    options = parser.parse_args()
    if options.without_typeguard:
        sys.modules["typeguard"] = None  # type: ignore[assignment]
    logging.disable(logging.CRITICAL)
    acceptance = Acceptance(options.environment, options.control_url, options.by)
    for name, check in acceptance.checks().items():
        started = time.monotonic()
        check()
        sys.stdout.write(f"held  {name.removeprefix('check_'):<28} {time.monotonic() - started:5.1f} s\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
