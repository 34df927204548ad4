"""Which request goes where, and what each kind of answer is protected by.

| route | methods | for |
|---|---|---|
| /oauth/authorize | GET, POST | people: sign in and allow |
| /oauth/logout | GET | people: sign out |
| /oauth/tradestation/start, /callback | GET | people: sign in at TradeStation |
| /oauth/token | POST | TradingView's servers: codes and refresh tokens |
| /authorize/token | POST | TradingView's data servers: assertions |

Pages are for nobody to read but the person: they get no CORS header. The token endpoints do, as all of the API does.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from orderbridge.broker_api.cors import cors_headers, preflight_headers
from orderbridge.broker_api.gateway import Answer, Request
from orderbridge.broker_api.login.endpoint import json_answer
from orderbridge.broker_api.login.page import MessagePage, message_html, page_answer

Handle = Callable[[Request], Answer]

TOKEN_ROUTES = frozenset({"/oauth/token", "/authorize/token"})


@dataclass(frozen=True)
class LoginRoutes:
    """The login function's routes."""

    routes: Mapping[tuple[str, str], Handle]
    """By method and path."""
    origins: Collection[str] = ()
    """Origins beside TradingView's own."""

    def answer(self, request: Request) -> Answer:
        """Answer one request. Raises `StorageError`."""
        if request.path not in TOKEN_ROUTES:
            handle = self.routes.get((request.method, request.path))
            return handle(request) if handle else self._no_page()
        origin = request.headers.get("origin", "")
        if request.method == "OPTIONS":
            return Answer(204, "", preflight_headers(origin, self.origins))
        handle = self.routes.get((request.method, request.path))
        answer = handle(request) if handle else json_answer(405, {"error": "invalid_request"})
        return answer.with_headers(cors_headers(origin, self.origins))

    def _no_page(self) -> Answer:
        return page_answer(message_html(MessagePage("No such page", "There is nothing at this address.")), 404)


def failed(request: Request, origins: Collection[str] = ()) -> Answer:
    """Give the answer to a request that we could not carry out."""
    if request.path not in TOKEN_ROUTES:
        text = "The bridge cannot sign anybody in at this moment. Try again in a minute."
        return page_answer(message_html(MessagePage("Not possible now", text)), 503)
    told = {"error": "temporarily_unavailable", "error_description": "try again in a minute"}
    return json_answer(503, told).with_headers(cors_headers(request.headers.get("origin", ""), origins))
