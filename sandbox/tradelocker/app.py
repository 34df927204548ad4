"""The simulated broker behind the server's interface: requests in, responses out, time from the clock it is given."""

from collections.abc import Mapping
from decimal import Decimal

from sandbox.simserver import Clock, ControlError, Journal, Request, Response, SystemClock
from sandbox.tradelocker import answers, booked, control
from sandbox.tradelocker.answers import Answer
from sandbox.tradelocker.fields import BadField, decimal_of
from sandbox.tradelocker.instruments import Instrument, Quote
from sandbox.tradelocker.query import Query
from sandbox.tradelocker.routes import PREFIX, Incoming, Routes
from sandbox.tradelocker.simulator import Simulator
from sandbox.tradelocker.switches import BY_NAME, SwitchError

_ONE_ADDRESS = "local"
"""All requests count as coming from one address: whoever talks to a loopback server does."""


class TradeLockerApp:
    """A simulated TradeLocker. Not safe for threads by itself: the server (or `InProcess`) serialises requests."""

    def __init__(
        self,
        clock: Clock | None = None,
        switches: Mapping[str, object] | None = None,
        *,
        seed: str = "sandbox",
        host: str = "demo.tradelocker.com",
    ) -> None:
        self._clock: Clock = clock or SystemClock()
        self._at_start = dict(switches or {})
        self.journal = Journal(self._clock)
        self.simulator = Simulator(switches, seed=seed, host=host)
        self._routes = Routes(self.simulator)

    @property
    def clock(self) -> Clock:
        """The broker's time."""
        return self._clock

    def handle(self, request: Request) -> Response:
        """Answer a request on the broker's own surface."""
        now_ms = self._clock.now_ms()
        sim = self.simulator
        if not request.path.startswith(f"{PREFIX}/"):
            return _response(answers.problem(sim.switches, 404, f"Cannot {request.method} {request.path}"))
        incoming = Incoming(
            method=request.method,
            path=request.path.removeprefix(PREFIX),
            query=Query(request.query),
            headers=request.headers,
            body=request.body,
            ip=_ONE_ADDRESS,
        )
        sim.book.advance(now_ms)
        sim.book.booked.clear()
        answer = self._routes.answer(incoming, now_ms)
        for order in sim.book.booked:
            self.journal.booked("order", **booked.describe(order))
        if answer.status < 300 and request.method in {"PATCH", "DELETE"} and not booked.refuses(answer):
            self.journal.booked("change", method=request.method, path=incoming.path)
        return _response(answer)

    def control(self, request: Request) -> Response:
        """Answer what only this broker has under `/_control/`: script, trade, session, tokens, freeze, cash, logins."""
        self.simulator.book.advance(self._clock.now_ms())
        return Response.json_of(control.answer(self.simulator, request, self._clock.now_ms()))

    def switches(self) -> Mapping[str, object]:
        """Give every switch with its value, its possible values, its source and what it decides."""
        values = self.simulator.switches.as_dict()
        return {
            name: {
                "value": values[name],
                "values": list(switch.values),
                "numeric": switch.numeric,
                "source": switch.source,
                "meaning": switch.meaning,
            }
            for name, switch in BY_NAME.items()
        }

    def set_switches(self, values: Mapping[str, object]) -> None:
        """Set switches, all or none."""
        try:
            self.simulator.switches.set(values)
        except SwitchError as error:
            raise ControlError(str(error), switches=sorted(BY_NAME)) from error

    def set_prices(self, prices: Mapping[str, object]) -> None:
        """Move prices: a number (or `last`) is the middle, with the usual spread; or `bid` and `ask`."""
        now_ms, sim = self._clock.now_ms(), self.simulator
        sim.book.advance(now_ms)
        wanted = {name: self._wanted_quote(name, price) for name, price in prices.items()}
        for instrument, quote in wanted.values():
            sim.book.market.set_quote(instrument, quote)
        sim.book.on_prices([instrument for instrument, _ in wanted.values()], now_ms)

    def state(self) -> Mapping[str, object]:
        """Give the whole book, past every fault and lateness."""
        self.simulator.book.advance(self._clock.now_ms())
        return control.state(self.simulator, self._clock.now_ms())

    def reset(self) -> None:
        """Go back to the start, switches included; tokens that are out go on working."""
        self.simulator.switches.reset()
        self.simulator.switches.set(self._at_start)
        self.simulator.reset()

    def error_200(self, request: Request, text: str) -> Response:
        """Word a refusal inside a 200."""
        del request
        return _response(answers.error(text))

    def rate_limited(self, request: Request) -> Response:
        """Word the application's own 429."""
        del request
        present = self.simulator.switches["retry_after"] == "present"
        headers = {"Retry-After": "1"} if present else None
        return _response(answers.problem(self.simulator.switches, 429, "Too many requests", headers))

    def unauthorized(self, request: Request) -> Response:
        """Word a 401."""
        del request
        return _response(answers.problem(self.simulator.switches, 401, "Unauthorized"))

    def _wanted_quote(self, name: str, price: object) -> tuple[Instrument, Quote]:
        instrument = control.named_instrument(self.simulator, name)
        parts: Mapping[str, object] = price if isinstance(price, Mapping) else {"last": price}
        try:
            if "last" in parts:
                middle, usual = decimal_of(parts["last"], "last"), instrument.quote
                half = (usual.ask - usual.bid) / 2
                quote = Quote(instrument.round_to_tick(middle - half), instrument.round_to_tick(middle + half))
            else:
                quote = Quote(decimal_of(parts.get("bid"), "bid"), decimal_of(parts.get("ask"), "ask"))
        except BadField as error:
            raise ControlError(f"{name}: {error}") from error
        if not Decimal(0) < quote.bid <= quote.ask:
            raise ControlError(f"{name}: bid {quote.bid} and ask {quote.ask} are no quote")
        return instrument, quote


def _response(answer: Answer) -> Response:
    if answer.body is None:
        return Response.empty(answer.status, answer.headers)
    if isinstance(answer.body, str):
        return Response.text(answer.body, answer.status, "text/html", answer.headers)
    return Response.json_of(answer.body, answer.status, answer.headers)
