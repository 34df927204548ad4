"""What goes wrong in a story, each drawn as steps: bad weather at a boundary, and what happens at the brokers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.simulation.alerts import Script
from tests.simulation.story import Seat, Step
from tests.simulation.weather import Fault, Window

AWS = frozenset({"dynamodb", "sqs", "secretsmanager", "sns"})
BROKERS = frozenset({"tradelocker", "tradestation"})


@dataclass(frozen=True)
class Draw:
    """What a disturbance is drawn from."""

    dice: Random
    seats: tuple[Seat, ...]
    scripts: tuple[Script, ...]
    length_ms: int

    def moment(self) -> int:
        return self.dice.randrange(5_000, self.length_ms)

    def window(self, window: Window, most_ms: int = 40_000) -> list[Step]:
        """Give a stretch of bad weather."""
        at_ms = self.moment()
        for_ms = self.dice.choice([ms for ms in (2_000, 8_000, 20_000, 40_000, 90_000) if ms <= most_ms])
        return [Step(at_ms, "weather", {"window": window}), Step(at_ms + for_ms, "clears", {"window": window})]

    def services(self, known: frozenset[str]) -> frozenset[str]:
        """Give one service or all of them."""
        return self.dice.choice((known, *(frozenset({one}) for one in sorted(known))))


def _killed(draw: Draw) -> list[Step]:
    fault = draw.dice.choice((Fault.KILL_BEFORE, Fault.KILL_AFTER))
    functions = draw.dice.choice((frozenset[str](), frozenset({"order_executor"}), frozenset({"alert_receiver"})))
    return draw.window(Window(fault, draw.dice.choice((0.01, 0.05)), functions=functions), 20_000)


def _killed_once(draw: Draw) -> list[Step]:
    """One kill at one kind of call: rare moments get their turn too."""
    service, operation = draw.dice.choice(
        (
            ("dynamodb", "transact_write_items"), ("dynamodb", "update_item"), ("dynamodb", ""), ("sqs", ""),
            ("tradelocker", "POST"), ("tradelocker", "DELETE"), ("tradelocker", ""), ("tradestation", "POST"),
            ("tradestation", "DELETE"), ("tradestation", ""), ("login", ""), ("secretsmanager", ""), ("sns", ""),
        )
    )  # fmt: skip
    fault = draw.dice.choice((Fault.KILL_BEFORE, Fault.KILL_AFTER))
    operations = frozenset({operation}) if operation else frozenset[str]()
    rate = draw.dice.choice((0.1, 0.3, 1.0))
    return draw.window(Window(fault, rate, frozenset({service}), operations=operations, most=1), 90_000)


def _frozen(draw: Draw) -> list[Step]:
    ms = draw.dice.choice(((2_000, 9_000), (20_000, 40_000), (46_000, 54_000)))
    functions = frozenset({"order_executor"})
    return draw.window(Window(Fault.FREEZE, 0.05, functions=functions, ms=ms, most=draw.dice.choice((1, 1, 3))))


def _slow_aws(draw: Draw) -> list[Step]:
    fault = draw.dice.choice((Fault.SLOW_BEFORE, Fault.SLOW_AFTER))
    return draw.window(Window(fault, draw.dice.choice((0.05, 0.5)), draw.services(AWS), ms=(100, 2_500)))


def _failing_aws(draw: Draw) -> list[Step]:
    fault = draw.dice.choice(
        (
            Fault.THROTTLED, Fault.ERROR_BEFORE, Fault.ERROR_AFTER, Fault.LOST, Fault.RESET, Fault.HANGS,
            Fault.REFUSED, Fault.CONFLICT,
        )
    )  # fmt: skip
    rate = draw.dice.choice((0.02, 0.1, 0.4, 1.0))
    return draw.window(Window(fault, rate, draw.services(AWS)), 8_000 if rate > 0.1 else 40_000)


def _failing_broker(draw: Draw) -> list[Step]:
    fault = draw.dice.choice(
        (
            Fault.ERROR_BEFORE, Fault.ERROR_AFTER, Fault.LOST, Fault.RESET, Fault.HANGS, Fault.REFUSED, Fault.GARBLED,
            Fault.RATE, Fault.EDGE, Fault.UNAUTHORIZED, Fault.LATE, Fault.SLOW_BEFORE, Fault.SLOW_AFTER, Fault.SAID_NO,
        )
    )  # fmt: skip
    operations = draw.dice.choice((frozenset[str](), frozenset({"POST", "DELETE", "PUT", "PATCH"}), frozenset({"GET"})))
    ms = (200, 20_000) if fault in (Fault.LATE, Fault.SLOW_BEFORE, Fault.SLOW_AFTER) else (0, 0)
    rate = draw.dice.choice((0.05, 0.2, 0.6))
    services = draw.services(BROKERS | {"login"})
    return draw.window(Window(fault, rate, services, operations=operations, ms=ms), 40_000 if rate < 0.5 else 20_000)


def _outage(draw: Draw) -> list[Step]:
    how = draw.dice.choice((Fault.REFUSED, Fault.ERROR_BEFORE, Fault.HANGS))
    for_ms = draw.dice.choice((10_000, 60_000, 180_000))
    return [
        Step(draw.moment(), "outage", {"broker": draw.dice.choice(draw.seats).broker, "how": how, "for_ms": for_ms})
    ]


def _delivery(draw: Draw) -> list[Step]:
    """What happens to TradingView's requests, to bells and to the minutes."""
    source = draw.dice.choice(("tradingview", "tradingview", "poller", "poller", "scheduler"))
    fault = draw.dice.choice(
        (Fault.CONFLICT, Fault.CONFLICT, Fault.LOST, Fault.RESET, Fault.SLOW_BEFORE, Fault.REFUSED)
    )
    return draw.window(Window(fault, 0.5, functions=frozenset({source}), ms=(100, 4_000)), 90_000)


def _hand(draw: Draw) -> list[Step]:
    script = draw.dice.choice(draw.scripts)
    seat = draw.dice.choice(draw.seats).name
    deed = draw.dice.choice(("open", "open", "close", "cancel"))
    quantity = script.market.unit * draw.dice.choice((-2, -1, 1, 2))
    return [
        Step(draw.moment(), "hand", {"seat": seat, "symbol": script.market.symbol, "deed": deed, "quantity": quantity})
    ]


def _at_broker(kind: str, **choices: tuple[Any, ...]) -> Callable[[Draw], list[Step]]:
    def drawn(draw: Draw) -> list[Step]:
        script = draw.dice.choice(draw.scripts)
        values = {name: draw.dice.choice(values) for name, values in choices.items()}
        return [Step(draw.moment(), kind, {"symbol": script.market.symbol, **values})]

    return drawn


def _part(draw: Draw) -> list[Step]:
    script = draw.dice.choice(draw.scripts)
    quantity = script.market.unit * draw.dice.choice((1, 1, 2, 3))
    then = draw.dice.choice(("rest", "FLP", "stay"))
    values = {"symbol": script.market.symbol, "quantity": quantity, "then": then, "times": draw.dice.choice((1, 2))}
    return [Step(draw.moment(), "part", values)]


def _closed(draw: Draw) -> list[Step]:
    symbol, at_ms = draw.dice.choice(draw.scripts).market.symbol, draw.moment()
    closed = Step(at_ms, "session", {"symbol": symbol, "state": "closed"})
    return [closed, Step(at_ms + draw.dice.choice((8_000, 60_000)), "session", {"symbol": symbol, "state": "open"})]


def _halted(draw: Draw) -> list[Step]:
    at_ms = draw.moment()
    scope = draw.dice.choice(("global", f"account#{draw.dice.choice(draw.seats).name}"))
    level = draw.dice.choice(("entries", "entries", "all"))
    halted = Step(at_ms, "halt", {"scope": scope, "level": level})
    return [halted, Step(at_ms + draw.dice.choice((3_000, 30_000)), "resume", {"scope": scope})]


def _token(draw: Draw) -> list[Step]:
    return [Step(draw.moment(), "token", {"broker": draw.dice.choice(draw.seats).broker})]


def _settings(draw: Draw) -> list[Step]:
    changed = draw.dice.choice(({"pyramiding": 2}, {"pyramiding": 1}, {"on_stop_refused": "keep"}))
    return [Step(draw.moment(), "settings", {"strategy": draw.dice.choice(draw.scripts).name, "changed": changed})]


DISTURBANCES: Mapping[str, Callable[[Draw], list[Step]]] = {
    "killed": _killed,
    "killed_once": _killed_once,
    "frozen": _frozen,
    "slow_aws": _slow_aws,
    "failing_aws": _failing_aws,
    "failing_broker": _failing_broker,
    "outage": _outage,
    "delivery": _delivery,
    "hand": _hand,
    "late": _at_broker("late", ms=(1_000, 4_000, 9_000)),
    "slow_fill": _at_broker("slow_fill", ms=(500, 3_000, 8_000)),
    "rejected": _at_broker("rejected", times=(1, 2)),
    "stops_refused": _at_broker("stops_refused", times=(1, 2, 4)),
    "cancel_race": _at_broker("cancel_race", how=("fill", "late")),
    "part": _part,
    "closed": _closed,
    "halted": _halted,
    "token": _token,
    "settings": _settings,
    "copies": lambda draw: [Step(draw.moment(), "copies")],
    "again": lambda draw: [Step(draw.moment(), "again", {"back": draw.dice.randint(1, 4)})],
}
