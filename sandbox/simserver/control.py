"""The control endpoints that every simulated broker has, under `/_control/`.

| endpoint | body | does |
|---|---|---|
| GET health | | says that the server is up, and the broker's time |
| POST, GET, DELETE faults | a rule or a list of rules | adds (answers ids), lists with hit counts, forgets all |
| GET, DELETE journal | | lists the requests, forgets them |
| GET, POST switches | {name: value} | lists, sets all or none |
| POST prices | {symbol: number or {bid, ask, last}} | moves prices |
| GET state | | the whole book |
| POST clock | {advance_ms} | sets the clock ahead |
| POST reset | | back to the start: book, switches, faults, journal |

All else under `/_control/` is the broker's own. A refused request answers 400 with `error` and what would be allowed.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.simserver.app import App, ControlError, Controllable
from sandbox.simserver.clock import Movable
from sandbox.simserver.faults import FaultScript
from sandbox.simserver.journal import Journal
from sandbox.simserver.messages import Request, Response, UnreadableBodyError

PREFIX = "/_control/"


def is_control(request: Request) -> bool:
    """Tell whether a request is for the control surface rather than for the broker."""
    return request.path.startswith(PREFIX)


class Control:
    """Answers control requests; the caller holds the broker's lock."""

    def __init__(self, app: App, faults: FaultScript, journal: Journal) -> None:
        self._app = app
        self._faults = faults
        self._journal = journal
        self._own: dict[tuple[str, str], Callable[[Request], object]] = {
            ("GET", "health"): self._health,
            ("POST", "faults"): self._add_faults,
            ("GET", "faults"): lambda _: {"faults": self._faults.listing()},
            ("DELETE", "faults"): lambda _: self._faults.clear(),
            ("GET", "journal"): lambda _: {"entries": self._journal.entries()},
            ("DELETE", "journal"): lambda _: self._journal.clear(),
        }
        if isinstance(app, Controllable):
            self._add_common(app)

    def _add_common(self, app: Controllable) -> None:
        self._own |= {
            ("GET", "switches"): lambda _: {"switches": app.switches()},
            ("POST", "switches"): lambda request: self._set_switches(app, request),
            ("POST", "prices"): lambda request: app.set_prices(_object(request)),
            ("GET", "state"): lambda _: app.state(),
            ("POST", "clock"): lambda request: _advance(app, request),
            ("POST", "reset"): lambda _: self._reset(app),
        }

    def answer(self, request: Request) -> Response:
        """Answer one control request; whatever the server does not know goes to the broker."""
        own = self._own.get((request.method, request.path.removeprefix(PREFIX).strip("/")))
        try:
            if own is None:
                return self._app.control(request)
            result = own(request)
        except ControlError as error:
            return Response.json_of({"error": str(error), **error.details}, 400)
        except UnreadableBodyError as error:
            return Response.json_of({"error": str(error)}, 400)
        return Response.json_of({"ok": True} if result is None else result)

    def _health(self, request: Request) -> object:
        del request
        clock = self._app.clock if isinstance(self._app, Controllable) else None
        return {"ok": True, "now_ms": clock.now_ms() if clock else None}

    def _add_faults(self, request: Request) -> object:
        given = request.json()
        rules = given if isinstance(given, list) else [given]
        return {"ids": [self._faults.add(rule) for rule in rules]}

    def _set_switches(self, app: Controllable, request: Request) -> object:
        app.set_switches(_object(request))
        return {"switches": app.switches()}

    def _reset(self, app: Controllable) -> None:
        app.reset()
        self._faults.clear()
        self._journal.clear()


def _advance(app: Controllable, request: Request) -> object:
    if not isinstance(app.clock, Movable):
        raise ControlError("this broker's clock cannot be moved")
    advance_ms = _object(request).get("advance_ms")
    if isinstance(advance_ms, bool) or not isinstance(advance_ms, int) or advance_ms < 0:
        raise ControlError("advance_ms is a whole number from 0")
    app.clock.advance(advance_ms)
    return {"now_ms": app.clock.now_ms()}


def _object(request: Request) -> Mapping[str, Any]:
    given = request.json()
    if not isinstance(given, Mapping):
        raise ControlError("the body is an object")
    return given
