"""The simulated TradeStation as an app for the simulator's server: routes, tokens and quotas around book and desk."""

from collections.abc import Callable, Mapping

from sandbox.simserver import Clock, ControlError, Journal, Request, Response, UnreadableBodyError
from sandbox.tradestation import messages, quotes, replies
from sandbox.tradestation.book import Book
from sandbox.tradestation.changes import Changes
from sandbox.tradestation.desk import Desk, Entry
from sandbox.tradestation.exchange import Exchange
from sandbox.tradestation.hands import Hands
from sandbox.tradestation.model import Bundle
from sandbox.tradestation.quotas import Quotas
from sandbox.tradestation.reads import Reads
from sandbox.tradestation.refusals import HttpRefusal, OrderRefusal, bad_request
from sandbox.tradestation.routes import Route, find_route
from sandbox.tradestation.seeds import KEYS
from sandbox.tradestation.signin import SignIn
from sandbox.tradestation.state import state_of
from sandbox.tradestation.static import ROUTES as ORDER_ROUTES
from sandbox.tradestation.static import TRIGGERS
from sandbox.tradestation.switches import Switches
from sandbox.tradestation.tickets import read_bundle, read_ticket
from sandbox.tradestation.tokens import Tokens

Parts = Mapping[str, str]


class TradeStation:
    """One simulated TradeStation with its sign-in service. Time passes only through `clock`."""

    def __init__(
        self,
        clock: Clock,
        switches: Mapping[str, object] | None = None,
        *,
        callbacks: frozenset[str] = frozenset(),
    ) -> None:
        self._clock = clock
        self.journal = Journal(clock)
        self._start_switches = dict(switches or {})
        self.settings = Switches(self._start_switches)
        self.tokens = Tokens(self.settings, KEYS[0].client_id)
        self._signin = SignIn(self.tokens, self.settings, callbacks)
        self._quotas = Quotas(self.settings)
        self._open_book()

    def _open_book(self) -> None:
        self.book = Book(self.settings, self._clock.now_ms())
        self._exchange = Exchange(self.book)
        self._desk = Desk(self._exchange, self.journal)
        self._changes = Changes(self._exchange, self.journal)
        self._reads = Reads(self.book)
        self._hands = Hands(self._exchange, self._desk, self.tokens)

    # ---- the broker's surface

    def handle(self, request: Request) -> Response:
        """Answer one request; whatever is due by now has happened before."""
        self.book.agenda.run_until(self._clock.now_ms())
        found = find_route(request.method, request.path)
        if found is None:
            return replies.refused(HttpRefusal(404, "The resource was not found."))
        route, parts = found
        try:
            if route.scope:
                return self._with_token(route, request, parts)
            return self._sign_in(route, request)
        except HttpRefusal as refusal:
            return replies.refused(refusal)
        except UnreadableBodyError:
            return replies.refused(bad_request("The request body could not be read."))

    def _sign_in(self, route: Route, request: Request) -> Response:
        now_ms = self.book.now_ms
        match route.name:
            case "authorize":
                return self._signin.authorize(request, now_ms)
            case "token":
                return self._signin.token(request, now_ms)
            case "revoke":
                return self._signin.revoke(request)
            case _:
                return self._signin.logout(request)

    def _with_token(self, route: Route, request: Request, parts: Parts) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        grant = self.tokens.grant_of(token, self.book.now_ms) if scheme.lower() == "bearer" else None
        if grant is None:
            return self.unauthorized(request)
        if not grant.allows(route.scope):
            raise HttpRefusal(403, "Insufficient scope.")
        items = max((len(value.split(",")) for value in parts.values()), default=1)
        count = self._quotas.count(grant.user, route.resource, items, self.book.now_ms)
        if not count.allowed:
            return _with_headers(self.rate_limited(request), count.headers)
        handler: Callable[[str, Request, Parts], Response] = getattr(self, f"_do_{route.name}")
        try:
            response = handler(grant.user, request, parts)
        except HttpRefusal as refusal:
            response = replies.refused(refusal)
        return _with_headers(response, count.headers)

    def _do_userinfo(self, user: str, _request: Request, _parts: Parts) -> Response:
        return self._signin.userinfo(user)

    def _do_accounts(self, user: str, _request: Request, _parts: Parts) -> Response:
        return Response.json_of(self._reads.accounts(user))

    def _do_balances(self, user: str, _request: Request, parts: Parts) -> Response:
        return Response.json_of(self._reads.balances(user, parts["accounts"]))

    def _do_bodbalances(self, user: str, _request: Request, parts: Parts) -> Response:
        return Response.json_of(self._reads.day_balances(user, parts["accounts"]))

    def _do_positions(self, user: str, request: Request, parts: Parts) -> Response:
        return Response.json_of(self._reads.positions(user, parts["accounts"], request))

    def _do_orders(self, user: str, request: Request, parts: Parts) -> Response:
        return Response.json_of(self._reads.orders(user, parts["accounts"], request))

    def _do_orders_by_id(self, user: str, _request: Request, parts: Parts) -> Response:
        return Response.json_of(self._reads.orders_by_id(user, parts["accounts"], parts["ids"]))

    def _do_history(self, user: str, request: Request, parts: Parts) -> Response:
        return Response.json_of(self._reads.history(user, parts["accounts"], request))

    def _do_history_by_id(self, user: str, request: Request, parts: Parts) -> Response:
        return Response.json_of(self._reads.history_by_id(user, parts["accounts"], parts["ids"], request))

    def _do_place(self, user: str, request: Request, _parts: Parts) -> Response:
        bundle = Bundle("NORMAL", (read_ticket(request.json()),))
        return replies.placed(self.settings, self._desk.place(user, bundle))

    def _do_place_group(self, user: str, request: Request, _parts: Parts) -> Response:
        return replies.placed(self.settings, self._desk.place(user, read_bundle(request.json())))

    def _do_confirm(self, user: str, request: Request, _parts: Parts) -> Response:
        bundle = Bundle("NORMAL", (read_ticket(request.json()),))
        return replies.confirmed(self.book, user, self._desk.check_only(user, bundle), self._desk.confirm_ids)

    def _do_confirm_group(self, user: str, request: Request, _parts: Parts) -> Response:
        tickets = self._desk.check_only(user, read_bundle(request.json()))
        return replies.confirmed(self.book, user, tickets, self._desk.confirm_ids)

    def _do_replace(self, user: str, request: Request, parts: Parts) -> Response:
        try:
            order_id = self._changes.replace(user, parts["order_id"], request.json())
        except OrderRefusal as refusal:
            return replies.change_refused(self.settings, parts["order_id"], refusal)
        return replies.changed(order_id, messages.REPLACE_SENT)

    def _do_cancel(self, user: str, _request: Request, parts: Parts) -> Response:
        try:
            order_id = self._changes.cancel(user, parts["order_id"])
        except OrderRefusal as refusal:
            return replies.change_refused(self.settings, parts["order_id"], refusal)
        return replies.changed(order_id, messages.CANCEL_SENT)

    def _do_triggers(self, _user: str, _request: Request, _parts: Parts) -> Response:
        return Response.json_of(TRIGGERS)

    def _do_routes(self, _user: str, _request: Request, _parts: Parts) -> Response:
        return Response.json_of(ORDER_ROUTES)

    def _do_quotes(self, _user: str, _request: Request, parts: Parts) -> Response:
        return Response.json_of(quotes.quotes_reply(self.book, parts["symbols"].split(",")))

    def _do_symbols(self, _user: str, _request: Request, parts: Parts) -> Response:
        return Response.json_of(quotes.symbols_reply(self.book, parts["symbols"].split(",")))

    def _do_barcharts(self, _user: str, request: Request, parts: Parts) -> Response:
        return Response.json_of(quotes.bars_reply(self.book, parts["symbol"], request))

    def _do_suggest(self, _user: str, request: Request, parts: Parts) -> Response:
        return Response.json_of(quotes.suggestions(parts["text"], request.param("$top")))

    def _do_search(self, _user: str, _request: Request, parts: Parts) -> Response:
        return Response.json_of(quotes.search(parts["criteria"]))

    def _do_stream(self, _user: str, _request: Request, _parts: Parts) -> Response:
        raise HttpRefusal(501, "Streams are not simulated yet.")

    # ---- how it words what faults ask for

    def error_200(self, request: Request, text: str) -> Response:
        """Word a refusal inside a 200, as this request's kind has it."""
        found = find_route(request.method, request.path)
        name, parts = (found[0].name, found[1]) if found else ("place", {})
        if name in ("replace", "cancel"):
            return Response.json_of({"OrderID": parts["order_id"], "Message": text, "Error": "FAILED"})
        if name in ("place", "place_group"):
            return replies.placed(self.settings, (Entry(None, messages.FAILED_PREFIX + text, refused=True),))
        key = {"balances": "Balances", "positions": "Positions"}.get(name, "Orders")
        error = {"AccountID": parts.get("accounts", ""), "Error": "InternalServerError", "Message": text}
        return Response.json_of({key: [], "Errors": [error]})

    def rate_limited(self, _request: Request) -> Response:
        """Word a 429."""
        return replies.refused(HttpRefusal(429, "Rate quota exceeded"))

    def unauthorized(self, _request: Request) -> Response:
        """Word a 401."""
        return replies.refused(HttpRefusal(401, "The access token is invalid or has expired."))

    # ---- control

    @property
    def clock(self) -> Clock:
        return self._clock

    def switches(self) -> Mapping[str, object]:
        """Give every switch with its value."""
        return self.settings.listing()

    def set_switches(self, values: Mapping[str, object]) -> None:
        """Set switches, all or none."""
        self.settings.set(values)

    def set_prices(self, prices: Mapping[str, object]) -> None:
        """Move prices one after the other; orders see each move."""
        self.book.agenda.run_until(self._clock.now_ms())
        self._hands.move_prices(prices)

    def state(self) -> Mapping[str, object]:
        """Give the whole book."""
        self.book.agenda.run_until(self._clock.now_ms())
        return state_of(self.book)

    def reset(self) -> None:
        """Go back to the start: book, prices, sessions, scripts, switches and quotas. Tokens stay good."""
        self.settings.reset()
        self.settings.set(self._start_switches)
        self._quotas.reset()
        self.journal.clear()
        self._open_book()

    def control(self, request: Request) -> Response:
        """Answer script, session, trade and tokens."""
        self.book.agenda.run_until(self._clock.now_ms())
        try:
            return Response.json_of(self._hands.control(request))
        except HttpRefusal as refusal:
            raise ControlError(refusal.message) from refusal


def _with_headers(response: Response, headers: Mapping[str, str]) -> Response:
    return Response(response.status, {**response.headers, **headers}, response.body) if headers else response
