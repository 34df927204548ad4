"""The broker API: which request goes to which operation, who may ask, and how it is answered.

Errors are 200 with a sentence, 401 is for a token that does not stand, 503 for a write that nobody knows of whether it
was taken, and every answer carries the CORS headers.
"""

import logging
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol
from urllib.parse import unquote

from orderbridge.broker_api.answers import ShownError, UnansweredError, answer, error, not_signed_in, unknown
from orderbridge.broker_api.cors import cors_headers, preflight_headers
from orderbridge.broker_api.forms import Fields, form_of, query_of
from orderbridge.broker_api.gateway import Answer, Request
from orderbridge.broker_api.login.authenticate import account_of
from orderbridge.broker_api.login.model import ServerClient, User
from orderbridge.broker_api.operations.call import Call
from orderbridge.broker_api.operations.closing import Closing
from orderbridge.broker_api.operations.configuration import Configuration, Door
from orderbridge.broker_api.operations.data import Data
from orderbridge.broker_api.operations.executions import Executions
from orderbridge.broker_api.operations.instruments import Instruments
from orderbridge.broker_api.operations.latency import Latency
from orderbridge.broker_api.operations.leverage import Leverage
from orderbridge.broker_api.operations.market import Market
from orderbridge.broker_api.operations.orders import Orders
from orderbridge.broker_api.operations.positions import Positions
from orderbridge.broker_api.operations.state import State
from orderbridge.broker_api.operations.trading import Trading
from orderbridge.broker_api.ports import Backstage
from orderbridge.broker_api.reading import Reader
from orderbridge.broker_api.working import Working
from orderbridge.brokers.port import Deadline
from orderbridge.errors import BrokerReadError, NotSignedInError, NotYoursError, SettingsError, StorageError

log = logging.getLogger(__name__)

Who = Literal["nobody", "user", "server", "either"]
BUSY = "The broker cannot be read just now. Try again in a moment."
OURS = "The bridge cannot answer just now. Try again in a moment."


class Guard(Protocol):
    """Who a token belongs to (`broker_api/login/authenticate.py`). Raises `NotSignedInError`."""

    def authenticate(self, token: str) -> User: ...

    def authenticate_server(self, token: str) -> ServerClient: ...

    def authenticate_either(self, token: str) -> User | ServerClient: ...

    def log_out(self, token: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Route:
    """One operation; `{...}` in the path takes one part of it."""

    method: str
    path: str
    operation: Callable[[Call], object]
    who: Who = "user"
    account_in_query: bool = False
    tells_errors: bool = True
    """False where the published answer knows no error: what is wrong is then passed over."""

    @property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(self.path)))


class BrokerApi:
    """TradingView's REST API for Brokers, in its polling form."""

    def __init__(self, stage: Backstage, guard: Guard, door: Door, origins: Collection[str] = ()) -> None:
        self._stage = stage
        self._guard = guard
        self._origins = origins
        self._routes = [(route.pattern, route) for route in _routes(stage, guard, door)]

    def answer(self, request: Request, deadline: Deadline) -> Answer:
        """Answer one request. Raises nothing that an operation can run into."""
        origin = request.headers.get("origin", "")
        if request.method == "OPTIONS":
            return Answer(204, "", preflight_headers(origin, self._origins))
        return self._carried_out(request, deadline).with_headers(cors_headers(origin, self._origins))

    def failed(self, request: Request) -> Answer:
        """Give the answer to a request that we could not carry out; of a write nobody knows how far it went."""
        said = error(OURS) if request.method == "GET" else unknown()
        return said.with_headers(cors_headers(request.headers.get("origin", ""), self._origins))

    def _carried_out(self, request: Request, deadline: Deadline) -> Answer:
        route, path = self._find(request)
        if route is None:
            return error("There is no such operation.")
        try:
            who = self._who(route, request.bearer)
            call = self._call(route, path, request, who, deadline)
            return answer(route.operation(call))
        except NotSignedInError:
            return not_signed_in()
        except (ShownError, NotYoursError) as shown:
            return error(str(shown)) if route.tells_errors else answer(None)
        except BrokerReadError as problem:
            extra = {"operation": route.path, "problem": type(problem).__name__}
            log.warning("the broker could not be read", extra=extra)
            return error(BUSY)
        except SettingsError as problem:
            log.warning("settings cannot be used", extra={"operation": route.path, "problem": str(problem)})
            return error(OURS)
        except UnansweredError:
            log.exception("the store failed when a write was under way", extra={"operation": route.path})
            return unknown()
        except StorageError:
            log.exception("the store failed", extra={"operation": route.path})
            return error(OURS)

    def _find(self, request: Request) -> tuple[Route | None, Mapping[str, str]]:
        for pattern, route in self._routes:
            match = pattern.fullmatch(request.path)
            if match is not None and route.method == request.method:
                return route, {name: unquote(value) for name, value in match.groupdict().items()}
        return None, {}

    def _who(self, route: Route, token: str) -> User | ServerClient | None:
        match route.who:
            case "nobody":
                return None
            case "user":
                return self._guard.authenticate(token)
            case "server":
                return self._guard.authenticate_server(token)
            case "either":
                return self._guard.authenticate_either(token)

    def _call(
        self,
        route: Route,
        path: Mapping[str, str],
        request: Request,
        who: User | ServerClient | None,
        deadline: Deadline,
    ) -> Call:
        query = query_of(request)
        name = query.need("accountId") if route.account_in_query else path.get("accountId")
        account = account_of(who, name, self._stage) if name is not None and isinstance(who, User) else None
        form = form_of(request) if request.body else Fields({})
        return Call(deadline, query, form, path, who, account, request.bearer, request.address)


def _routes(stage: Backstage, guard: Guard, door: Door) -> tuple[Route, ...]:
    reader = Reader(stage)
    trading = Trading(stage, reader, Working(stage))
    closing = Closing(stage, reader, trading)
    setup = Configuration(stage, door, guard.log_out)
    orders, positions, market = Orders(stage, reader), Positions(reader), Market(stage, reader)
    state, leverage, data = State(reader), Leverage(), Data(stage, reader)
    own = "/accounts/{accountId}"
    return (
        Route("POST", "/authorize", setup.authorize, "nobody"),
        Route("POST", "/logout", setup.logout, "either"),
        Route("GET", "/config", setup.config),
        Route("GET", "/mapping", setup.mapping, "nobody"),
        Route("GET", "/accounts", setup.accounts),
        Route("GET", "/userInfo", setup.user_info),
        Route("GET", f"{own}/instruments", Instruments(stage, reader).get),
        Route("GET", f"{own}/state", state.get),
        Route("GET", f"{own}/balances", state.balances),
        Route("GET", f"{own}/orders", orders.get),
        Route("POST", f"{own}/orders", trading.place),
        Route("PUT", f"{own}/orders/{{orderId}}", trading.modify),
        Route("DELETE", f"{own}/orders/{{orderId}}", trading.cancel),
        Route("GET", f"{own}/ordersHistory", orders.history),
        Route("GET", f"{own}/positions", positions.get),
        Route("PUT", f"{own}/positions/{{positionId}}", closing.modify),
        Route("DELETE", f"{own}/positions/{{positionId}}", closing.close),
        Route("GET", f"{own}/netPositions", positions.net),
        Route("DELETE", f"{own}/netPositions/{{netPositionId}}", closing.close_net),
        Route("GET", f"{own}/individualPositions", positions.individual),
        Route("PUT", f"{own}/individualPositions/{{individualPositionId}}", closing.modify_individual),
        Route("DELETE", f"{own}/individualPositions/{{individualPositionId}}", closing.close_individual),
        Route("GET", f"{own}/executions", Executions(reader).get),
        Route("POST", f"{own}/getLeverage", leverage.get),
        Route("POST", f"{own}/setLeverage", leverage.set),
        Route("POST", f"{own}/previewLeverage", leverage.preview),
        Route("POST", f"{own}/previewOrder", trading.preview),
        Route("POST", f"{own}/orderInfo", trading.order_info),
        Route("POST", f"{own}/trackLatency", Latency().track, tells_errors=False),
        Route("GET", "/quotes", market.quotes, account_in_query=True),
        Route("GET", "/depth", market.depth, account_in_query=True),
        Route("GET", "/groups", data.groups, "either"),
        Route("GET", "/permissions", data.permissions),
        Route("GET", "/symbol_info", data.symbol_info, "either"),
        Route("GET", "/history", data.history, "either"),
    )
