"""The routes of the simulated service: method and path, the scope they need, and the quota they count under."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Route:
    """One route. `scope` is empty where no token is needed, `resource` where nothing is counted."""

    name: str
    method: str
    pattern: re.Pattern[str]
    scope: str
    resource: str


def _route(name: str, method: str, path: str, scope: str, resource: str = "") -> Route:
    named = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)
    return Route(name, method, re.compile(named, re.IGNORECASE), scope, resource)


_ACCOUNTS = "/v3/brokerage/accounts"
_EXECUTION = "/v3/orderexecution"
_DATA = "/v3/marketdata"

ROUTES: tuple[Route, ...] = (
    _route("authorize", "GET", "/authorize", ""),
    _route("authorize", "POST", "/authorize", ""),
    _route("token", "POST", "/oauth/token", ""),
    _route("revoke", "POST", "/oauth/revoke", ""),
    _route("logout", "GET", "/v2/logout", ""),
    _route("userinfo", "GET", "/userinfo", "openid"),
    _route("accounts", "GET", _ACCOUNTS, "ReadAccount", "accounts"),
    _route("balances", "GET", _ACCOUNTS + "/{accounts}/balances", "ReadAccount", "balances"),
    _route("bodbalances", "GET", _ACCOUNTS + "/{accounts}/bodbalances", "ReadAccount", "balances"),
    _route("positions", "GET", _ACCOUNTS + "/{accounts}/positions", "ReadAccount", "positions"),
    _route("orders", "GET", _ACCOUNTS + "/{accounts}/orders", "ReadAccount", "orders"),
    _route("orders_by_id", "GET", _ACCOUNTS + "/{accounts}/orders/{ids}", "ReadAccount", "orders"),
    _route("history", "GET", _ACCOUNTS + "/{accounts}/historicalorders", "ReadAccount", "orders"),
    _route("history_by_id", "GET", _ACCOUNTS + "/{accounts}/historicalorders/{ids}", "ReadAccount", "orders"),
    _route("confirm", "POST", _EXECUTION + "/orderconfirm", "Trade", "placement"),
    _route("place", "POST", _EXECUTION + "/orders", "Trade", "placement"),
    _route("confirm_group", "POST", _EXECUTION + "/ordergroupconfirm", "Trade", "placement"),
    _route("place_group", "POST", _EXECUTION + "/ordergroups", "Trade", "placement"),
    _route("replace", "PUT", _EXECUTION + "/orders/{order_id}", "Trade", "placement"),
    _route("cancel", "DELETE", _EXECUTION + "/orders/{order_id}", "Trade", "placement"),
    _route("triggers", "GET", _EXECUTION + "/activationtriggers", "Trade"),
    _route("routes", "GET", _EXECUTION + "/routes", "Trade"),
    _route("quotes", "GET", _DATA + "/quotes/{symbols}", "MarketData", "quotes"),
    _route("symbols", "GET", _DATA + "/symbols/{symbols}", "MarketData"),
    _route("barcharts", "GET", _DATA + "/barcharts/{symbol}", "MarketData", "barcharts"),
    _route("suggest", "GET", "/v2/data/symbols/suggest/{text}", "MarketData"),
    _route("search", "GET", "/v2/data/symbols/search/{criteria}", "MarketData"),
    # Streams come with a later issue; until then they say so.
    _route("stream", "GET", "/v3/brokerage/stream/accounts/{accounts}/orders", "ReadAccount"),
    _route("stream", "GET", "/v3/brokerage/stream/accounts/{accounts}/orders/{ids}", "ReadAccount"),
    _route("stream", "GET", "/v3/brokerage/stream/accounts/{accounts}/positions", "ReadAccount"),
    _route("stream", "GET", _DATA + "/stream/quotes/{symbols}", "MarketData"),
    _route("stream", "GET", _DATA + "/stream/barcharts/{symbol}", "MarketData"),
)


def find_route(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """Give the route of a request and the parts of its path; None when there is none."""
    for route in ROUTES:
        match = route.pattern.fullmatch(path.rstrip("/")) if route.method == method else None
        if match is not None:
            return route, match.groupdict()
    return None
