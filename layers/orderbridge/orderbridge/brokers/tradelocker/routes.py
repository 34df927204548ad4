"""The 25 routes of TradeLocker's public REST API 2.11, each with the rate limit that counts its requests.

Paths are below the base URL (`https://demo.tradelocker.com/backend-api`). `limit` is a `rateLimitType` of
`/trade/config`; names beginning with `X_` are this adapter's own, for routes that the published list leaves out.
"""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path; `{...}` in the path are ids."""

    method: Literal["GET", "POST", "PATCH", "DELETE"]
    path: str
    limit: str

    def at(self, **ids: str) -> str:
        """Give the path with its ids filled in, quoted. Raises `KeyError` when one is missing."""
        return self.path.format_map({name: quote(value, safe="") for name, value in ids.items()})


LOGIN = Route("POST", "/auth/jwt/token", "X_AUTH")
REFRESH = Route("POST", "/auth/jwt/refresh", "X_AUTH")
ALL_ACCOUNTS = Route("GET", "/auth/jwt/all-accounts", "GET_ACCOUNTS")
CONFIG = Route("GET", "/trade/config", "X_CONFIG")
ACCOUNTS = Route("GET", "/trade/accounts", "GET_ACCOUNTS")
EXECUTIONS = Route("GET", "/trade/accounts/{account}/executions", "GET_EXECUTIONS")
INSTRUMENTS = Route("GET", "/trade/accounts/{account}/instruments", "GET_INSTRUMENTS")
ORDERS = Route("GET", "/trade/accounts/{account}/orders", "GET_ORDERS")
ORDERS_HISTORY = Route("GET", "/trade/accounts/{account}/ordersHistory", "GET_ORDERS_HISTORY")
POSITIONS = Route("GET", "/trade/accounts/{account}/positions", "GET_POSITIONS")
STATE = Route("GET", "/trade/accounts/{account}/state", "GET_ACCOUNTS_STATE")
INSTRUMENT = Route("GET", "/trade/instruments/{instrument}", "GET_INSTRUMENT_DETAILS")
SESSION = Route("GET", "/trade/sessions/{session}", "GET_TRADE_SESSIONS")
SESSION_STATUS = Route("GET", "/trade/sessionStatuses/{status}", "GET_SESSION_STATUSES")
DAILY_BAR = Route("GET", "/trade/dailyBar", "DAILY_BAR")
DEPTH = Route("GET", "/trade/depth", "DEPTH")
QUOTES = Route("GET", "/trade/quotes", "QUOTES")
HISTORY = Route("GET", "/trade/history", "QUOTES_HISTORY")
PLACE = Route("POST", "/trade/accounts/{account}/orders", "PLACE_ORDER")
CANCEL_ALL = Route("DELETE", "/trade/accounts/{account}/orders", "MODIFY_ORDER")
CLOSE_ALL = Route("DELETE", "/trade/accounts/{account}/positions", "MODIFY_POSITION")
CANCEL = Route("DELETE", "/trade/orders/{order}", "MODIFY_ORDER")
REPLACE = Route("PATCH", "/trade/orders/{order}", "MODIFY_ORDER")
CLOSE = Route("DELETE", "/trade/positions/{position}", "MODIFY_POSITION")
MODIFY_POSITION = Route("PATCH", "/trade/positions/{position}", "MODIFY_POSITION")

ROUTES: tuple[Route, ...] = (
    LOGIN,
    REFRESH,
    ALL_ACCOUNTS,
    CONFIG,
    ACCOUNTS,
    EXECUTIONS,
    INSTRUMENTS,
    ORDERS,
    ORDERS_HISTORY,
    POSITIONS,
    STATE,
    INSTRUMENT,
    SESSION,
    SESSION_STATUS,
    DAILY_BAR,
    DEPTH,
    QUOTES,
    HISTORY,
    PLACE,
    CANCEL_ALL,
    CLOSE_ALL,
    CANCEL,
    REPLACE,
    CLOSE,
    MODIFY_POSITION,
)
