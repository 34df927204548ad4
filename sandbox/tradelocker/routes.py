"""From a request to an answer: path, token, accNum, account, rate limit, body, then the route itself."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from sandbox.tradelocker import accountdata, answers, marketdata, trading
from sandbox.tradelocker.answers import Answer, HttpProblem
from sandbox.tradelocker.fields import BadField, whole_of
from sandbox.tradelocker.limits import Caller
from sandbox.tradelocker.model import Account
from sandbox.tradelocker.query import Query
from sandbox.tradelocker.refusals import Malformed, NotFound, Refusal
from sandbox.tradelocker.seeds import Login
from sandbox.tradelocker.simulator import Simulator
from sandbox.tradelocker.tokens import TokenError, WrongShardError, expire_date

PREFIX = "/backend-api"
CANCEL_LIMIT = "cancel"
"""Stands for the limit that DELETE routes count under: nobody knows which, so it is a switch."""
CONFIG_LIMIT = "config"
"""Likewise for /trade/config."""


@dataclass(frozen=True)
class Incoming:
    """A request as the routes see it: the path without its prefix."""

    method: str
    path: str
    query: Query
    headers: Mapping[str, str]
    body: bytes
    ip: str


# Method, path ({a} is the account's id, {id} any other), rate limit. These and the two token routes and
# all-accounts are the 25 routes of the published list.
TRADE_ROUTES: tuple[tuple[str, str, str | None], ...] = (
    ("GET", "/trade/config", CONFIG_LIMIT),
    ("GET", "/trade/accounts", "GET_ACCOUNTS"),
    ("GET", "/trade/accounts/{a}/executions", "GET_EXECUTIONS"),
    ("GET", "/trade/accounts/{a}/instruments", "GET_INSTRUMENTS"),
    ("GET", "/trade/accounts/{a}/orders", "GET_ORDERS"),
    ("GET", "/trade/accounts/{a}/ordersHistory", "GET_ORDERS_HISTORY"),
    ("GET", "/trade/accounts/{a}/positions", "GET_POSITIONS"),
    ("GET", "/trade/accounts/{a}/state", "GET_ACCOUNTS_STATE"),
    ("GET", "/trade/instruments/{id}", "GET_INSTRUMENT_DETAILS"),
    ("GET", "/trade/sessions/{id}", "GET_TRADE_SESSIONS"),
    ("GET", "/trade/sessionStatuses/{id}", "GET_SESSION_STATUSES"),
    ("GET", "/trade/dailyBar", "DAILY_BAR"),
    ("GET", "/trade/depth", "DEPTH"),
    ("GET", "/trade/quotes", "QUOTES"),
    ("GET", "/trade/history", "QUOTES_HISTORY"),
    ("POST", "/trade/accounts/{a}/orders", "PLACE_ORDER"),
    ("DELETE", "/trade/accounts/{a}/orders", CANCEL_LIMIT),
    ("DELETE", "/trade/accounts/{a}/positions", CANCEL_LIMIT),
    ("DELETE", "/trade/orders/{id}", CANCEL_LIMIT),
    ("PATCH", "/trade/orders/{id}", "MODIFY_ORDER"),
    ("DELETE", "/trade/positions/{id}", CANCEL_LIMIT),
    ("PATCH", "/trade/positions/{id}", "MODIFY_POSITION"),
)


class Routes:
    """Answers requests at the moment it is told."""

    def __init__(self, sim: Simulator) -> None:
        self._sim = sim

    def answer(self, request: Incoming, now_ms: int) -> Answer:
        """Answer one request; whatever time has brought about by now has happened before."""
        sim = self._sim
        if sim.limits.edge_blocks(request.ip, now_ms):
            return Answer(429, answers.EDGE_PAGE)
        sim.book.advance(now_ms)
        try:
            return self._answer(request, now_ms)
        except HttpProblem as caught:
            return answers.problem(sim.switches, caught.status, caught.text, caught.headers)
        except NotFound as caught:
            if sim.switches["not_found_status"] == "404":
                return answers.problem(sim.switches, 404, str(caught))
            return answers.error(str(caught))
        except (BadField, Malformed) as caught:
            if sim.switches["malformed_body_status"] == "400":
                return answers.problem(sim.switches, 400, str(caught))
            return answers.error(str(caught))
        except Refusal as caught:
            return answers.error(str(caught))

    def _answer(self, request: Incoming, now_ms: int) -> Answer:
        match request.method, request.path:
            case "POST", "/auth/jwt/token":
                return self._log_in(_json_object(request), request.ip, now_ms)
            case "POST", "/auth/jwt/refresh":
                return self._refresh(_json_object(request), request.ip, now_ms)
            case "GET", "/auth/jwt/all-accounts":
                return accountdata.all_accounts(self._sim, self._login(request, now_ms))
            case _:
                return self._trade(request, now_ms)

    def _log_in(self, body: Mapping[str, object], ip: str, now_ms: int) -> Answer:
        self._refuse_for(self._sim.limits.login_wait_ms(ip, now_ms))
        email, password, server = (body.get(name) for name in ("email", "password", "server"))
        if not (isinstance(email, str) and isinstance(password, str) and isinstance(server, str)):
            raise HttpProblem(400, "email, password and server are required")
        try:
            pair = self._sim.tokens.log_in(email, password, server, now_ms)
        except TokenError as caught:
            raise HttpProblem(int(self._sim.switches["bad_login_status"]), str(caught)) from caught
        return Answer(201, {"accessToken": pair.access, "refreshToken": pair.refresh, "expireDate": expire_date(pair)})

    def _refresh(self, body: Mapping[str, object], ip: str, now_ms: int) -> Answer:
        self._refuse_for(self._sim.limits.login_wait_ms(ip, now_ms))
        token = body.get("refreshToken")
        if not isinstance(token, str):
            raise HttpProblem(400, "refreshToken is required")
        try:
            pair = self._sim.tokens.refresh(token, now_ms)
        except TokenError as caught:
            raise HttpProblem(int(self._sim.switches["dead_refresh_status"]), str(caught)) from caught
        return Answer(201, {"accessToken": pair.access, "refreshToken": pair.refresh, "expireDate": expire_date(pair)})

    def _login(self, request: Incoming, now_ms: int) -> Login:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            raise HttpProblem(401, "Unauthorized")
        try:
            return self._sim.tokens.user_of(token, now_ms)
        except WrongShardError as caught:
            raise HttpProblem(403, str(caught)) from caught
        except TokenError as caught:
            raise HttpProblem(401, str(caught)) from caught

    def _trade(self, request: Incoming, now_ms: int) -> Answer:
        pattern, parts, limit = _match(request)
        login = self._login(request, now_ms)
        account = self._account(request, login)
        if "a" in parts and parts["a"] != account.seed.account_id:
            raise Refusal("Account not found!")
        self._check_limit(request, login, account, limit, now_ms)
        if request.method == "GET":
            return self._read(pattern, parts, account, request.query, now_ms)
        return self._write(request, pattern, parts, account, now_ms)

    def _account(self, request: Incoming, login: Login) -> Account:
        try:
            acc_num = whole_of(request.headers.get("accnum"), "accNum")
        except BadField as caught:
            raise HttpProblem(400, "accNum header is required") from caught
        account = self._sim.account_of(login, acc_num)
        if account is None:
            raise Refusal("Account not found!")
        return account

    def _check_limit(self, request: Incoming, login: Login, account: Account, limit: str | None, now_ms: int) -> None:
        if limit == CANCEL_LIMIT:
            modify = "MODIFY_ORDER" if request.path.startswith("/trade/orders") else "MODIFY_POSITION"
            limit = {"modify": modify, "place": "PLACE_ORDER"}.get(self._sim.switches["cancel_limit"])
        if limit == CONFIG_LIMIT:
            limit = None if self._sim.switches["config_limit"] == "none" else self._sim.switches["config_limit"]
        if limit is None:
            return
        key = request.headers.get("developer-api-key", "")
        caller = Caller(str(account.seed.account_id), login.email, key or login.email, request.ip)
        self._refuse_for(self._sim.limits.wait_ms(limit, caller, now_ms))

    def _refuse_for(self, wait_ms: int) -> None:
        if wait_ms > 0:
            seconds = str(-(-wait_ms // 1000))
            headers = {"Retry-After": seconds} if self._sim.switches["retry_after"] == "present" else None
            raise HttpProblem(429, "Too many requests", headers)

    def _read(self, pattern: str, parts: Mapping[str, int], account: Account, query: Query, now_ms: int) -> Answer:
        sim = self._sim
        match pattern.split("/")[2:]:
            case ["config"]:
                return accountdata.config(sim)
            case ["accounts"]:
                return accountdata.trade_accounts(account)
            case ["accounts", _, panel]:
                return self._panel(panel, account, query, now_ms)
            case ["instruments", _]:
                return marketdata.details(sim, account, parts["id"], query, now_ms)
            case ["sessions", _]:
                return marketdata.session(sim, parts["id"], now_ms)
            case ["sessionStatuses", _]:
                return marketdata.session_status(parts["id"])
            case ["dailyBar"]:
                return marketdata.daily_bar(sim, account, query, now_ms)
            case ["depth"]:
                return marketdata.depth(sim, account, query)
            case ["quotes"]:
                return marketdata.quotes(sim, account, query)
            case _:
                return marketdata.history(sim, account, query, now_ms)

    def _panel(self, panel: str, account: Account, query: Query, now_ms: int) -> Answer:
        sim = self._sim
        match panel:
            case "executions":
                return accountdata.executions(sim, account, now_ms)
            case "instruments":
                return marketdata.listing(sim, account)
            case "orders":
                return accountdata.orders(sim, account, query, now_ms)
            case "ordersHistory":
                return accountdata.orders_history(sim, account, query, now_ms)
            case "positions":
                return accountdata.positions(sim, account, now_ms)
            case _:
                return accountdata.state(sim, account, now_ms)

    def _write(
        self, request: Incoming, pattern: str, parts: Mapping[str, int], account: Account, now_ms: int
    ) -> Answer:
        sim, query = self._sim, request.query
        match request.method, pattern:
            case "POST", _:
                return trading.place_order(sim, account, _json_object(request), now_ms)
            case "PATCH", "/trade/orders/{id}":
                return trading.modify_order(sim, account, parts["id"], _json_object(request), now_ms)
            case "PATCH", _:
                return trading.modify_position(sim, account, parts["id"], _json_object(request), now_ms)
            case _, "/trade/accounts/{a}/orders":
                return trading.cancel_all_orders(sim, account, query, now_ms)
            case _, "/trade/accounts/{a}/positions":
                return trading.close_all_positions(sim, account, query, now_ms)
            case _, "/trade/orders/{id}":
                return trading.cancel_order(sim, account, parts["id"], now_ms)
            case _:
                body = _json_object(request) if request.body else {}
                return trading.close_position(sim, account, parts["id"], query, body, now_ms)


def _match(request: Incoming) -> tuple[str, Mapping[str, int], str | None]:
    """Return the route's pattern, the ids in the path and the limit; 404 when there is no such route."""
    asked = request.path.split("/")
    for method, pattern, limit in TRADE_ROUTES:
        wanted = pattern.split("/")
        if method != request.method or len(wanted) != len(asked):
            continue
        pairs = list(zip(wanted, asked, strict=True))
        if all(one == other or (one.startswith("{") and _is_id(other)) for one, other in pairs):
            return pattern, {one.strip("{}"): int(other) for one, other in pairs if one.startswith("{")}, limit
    raise HttpProblem(404, f"Cannot {request.method} {request.path}")


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 19


def _json_object(request: Incoming) -> Mapping[str, object]:
    """Read a JSON object with exact numbers; 415 without its content type, 400 when it is no JSON object."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HttpProblem(415, "Content-Type must be application/json")
    try:
        body = json.loads(request.body, parse_float=Decimal, parse_constant=_no_constant)
    except ValueError as caught:
        raise HttpProblem(400, "Body is not valid JSON") from caught
    if not isinstance(body, dict):
        raise HttpProblem(400, "Body must be a JSON object")
    return body


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
