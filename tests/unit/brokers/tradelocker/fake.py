"""A TradeLocker that answers by path, and the rows and replies that the tests are about."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from orderbridge.brokers.budget import Budget, Unlimited
from orderbridge.brokers.http import BrokerHttp, open_client
from orderbridge.brokers.tradelocker.adapter import TradeLocker
from orderbridge.brokers.tradelocker.columns import Row
from orderbridge.model import PositionMode
from orderbridge.secret import NO_SECRET, Secret
from tests.machine import HandMade
from tests.unit.brokers.kit import Slept, Tokens, reply

BASE_URL = "https://demo.tradelocker.com/backend-api"
HOSTS = ("demo.tradelocker.com",)
ACCOUNT = "1180"
NOW_MS = 1_767_955_000_000
INFO_DEAD, INFO, TRADE = "452", "453", "9912"
DATA = Path(__file__).parent / "data"


def recorded(name: str) -> Any:
    """Give a recorded reply, or the rows of the reference pages by panel."""
    return json.loads((DATA / f"{name}.json").read_text())


CONFIG = recorded("config")
ROWS = recorded("rows")
COLUMNS: Mapping[str, Sequence[str]] = {
    name: [column["id"] for column in CONFIG["d"][f"{name}Config"]["columns"]]
    for name in ("orders", "ordersHistory", "positions", "filledOrders", "accountDetails")
}


def order_cells(**changes: object) -> dict[str, object]:
    """Give a working limit order by column id, changed as said."""
    return {**ROWS["orders_working_limit"], **changes}


def filled_cells(**changes: object) -> dict[str, object]:
    """Give a filled market order of the history, changed as said."""
    return {**ROWS["ordersHistory_filled_market"], **changes}


def position_cells(**changes: object) -> dict[str, object]:
    """Give an open position, changed as said."""
    return {**ROWS["position"], **changes}


def row(panel: str, cells: Mapping[str, object]) -> Row:
    """Give a row as the adapter's parser takes it."""
    return Row(panel, cells)


def array(panel: str, cells: Mapping[str, object], columns: Sequence[str] | None = None) -> list[object]:
    """Give a row as it is on the wire: its cells in the order of the columns."""
    return [cells.get(name) for name in columns or COLUMNS[panel]]


def instrument(tid: int, name: str, **changes: object) -> dict[str, object]:
    """Give an entry of the account's list of instruments."""
    routes = [{"id": int(INFO), "type": "INFO"}, {"id": int(TRADE), "type": "TRADE"}]
    return {
        "tradableInstrumentId": tid,
        "id": tid + 37,
        "name": name,
        "description": name,
        "type": "CRYPTO",
        "tradingExchange": "Crypto",
        "barSource": "BID",
        "routes": routes,
        **changes,
    }


def ok(data: object) -> httpx.Response:
    return reply({"s": "ok", "d": data})


def error(words: str) -> httpx.Response:
    return reply({"s": "error", "errmsg": words})


Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


def _usual() -> dict[str, Answer]:
    account = f"/trade/accounts/{ACCOUNT}"
    return {
        "GET /trade/config": reply(CONFIG),
        f"GET {account}/instruments": ok({"instruments": [instrument(206, "BTCUSD"), instrument(278, "EURUSD")]}),
        f"GET {account}/orders": ok({"orders": []}),
        f"GET {account}/ordersHistory": ok({"ordersHistory": [], "hasMore": False}),
        f"GET {account}/positions": ok({"positions": []}),
        "GET /trade/instruments/206": reply(recorded("details_btcusd")),
        "GET /trade/quotes": reply(recorded("quote")),
    }


@dataclass
class Server:
    """Answers each `METHOD /path` (below the base URL) as told; of a list in turn, the last answer for ever."""

    answers: dict[str, Answer | list[Answer]] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        name = f"{request.method} {request.url.path.removeprefix('/backend-api')}"
        answer = self.answers.get(name) or _usual().get(name) or reply({"s": "error", "errmsg": "no such route"}, 404)
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        return answer(request)

    def sent(self, name: str) -> list[httpx.Request]:
        """Give the requests of one `METHOD /path`."""
        return [one for one in self.requests if self.name_of(one) == name]

    @property
    def names(self) -> list[str]:
        return [self.name_of(request) for request in self.requests]

    @staticmethod
    def name_of(request: httpx.Request) -> str:
        return f"{request.method} {request.url.path.removeprefix('/backend-api')}"


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


def broker(
    server: Server,
    *,
    tokens: Tokens | None = None,
    budget: Budget | None = None,
    clock: Clock | None = None,
    mode: PositionMode | None = PositionMode.HEDGING,
    developer_api_key: Secret = NO_SECRET,
) -> TradeLocker:
    """Give the adapter in front of a server."""
    client = open_client(httpx.MockTransport(server))
    machine = HandMade(sleep=Slept())
    http = BrokerHttp(client, BASE_URL, HOSTS, tokens or Tokens(), budget or Unlimited(), machine=machine)
    return TradeLocker(
        http,
        ACCOUNT,
        "1",
        mode,
        developer_api_key=developer_api_key,
        clock=clock or Clock(),
        now_ms=lambda: NOW_MS,
    )
