"""Disturbances that aim at one kind of mistake: the short stories of the planted bugs are made of them."""

from collections.abc import Callable, Mapping

from tests.simulation.disturbances import Draw
from tests.simulation.story import Step
from tests.simulation.weather import Fault, Window

WRITES = frozenset({"POST", "DELETE", "PUT", "PATCH"})
BROKERS = frozenset({"tradelocker", "tradestation"})
EXECUTOR = frozenset({"order_executor"})
RECEIVER = frozenset({"alert_receiver"})


def _always(draw: Draw, window: Window, *, from_ms: int = 3_000) -> list[Step]:
    """Give weather that lasts as long as the story."""
    return [
        Step(from_ms, "weather", {"window": window}),
        Step(draw.length_ms, "clears", {"window": window}),
    ]


def _lost_writes(draw: Draw) -> list[Step]:
    """Half of the answers to a broker's writes are lost, whether they were carried out or not."""
    carried_out = draw.dice.choice((Fault.LOST, Fault.RESET, Fault.ERROR_AFTER))
    return _always(draw, Window(carried_out, 0.4, BROKERS, EXECUTOR, WRITES, most=4))


def _unbooked_writes(draw: Draw) -> list[Step]:
    return _always(draw, Window(Fault.HANGS, 0.4, BROKERS, EXECUTOR, WRITES, most=3))


def _late_writes(draw: Draw) -> list[Step]:
    """Requests are booked up to twenty seconds after their callers have given up."""
    return _always(draw, Window(Fault.LATE, 0.4, BROKERS, EXECUTOR, WRITES, (200, 20_000), most=3))


def _blind(draw: Draw) -> list[Step]:
    """Whatever is booked shows in the reads late, all through the story."""
    script = draw.dice.choice(draw.scripts)
    step_ms = 7_000
    return [
        Step(at_ms, "late", {"symbol": script.market.symbol, "ms": 5_000})
        for at_ms in range(4_000, draw.length_ms, step_ms)
    ]


def _killed_sending(draw: Draw) -> list[Step]:
    """A process dies around a broker's write."""
    fault = draw.dice.choice((Fault.KILL_BEFORE, Fault.KILL_AFTER))
    return _always(draw, Window(fault, 0.5, BROKERS, EXECUTOR, WRITES, most=2))


def _frozen_long(draw: Draw) -> list[Step]:
    """A process stands still beyond its lease, and goes on."""
    operations = frozenset({"transact_write_items"})
    window = Window(Fault.FREEZE, 0.15, frozenset({"dynamodb"}), EXECUTOR, operations, (46_500, 50_000), most=2)
    return _always(draw, window)


def _slow_answers(draw: Draw) -> list[Step]:
    """The store answers the executor late, so that a sender is held up after the ledger says SENDING."""
    operations = frozenset({"transact_write_items"})
    window = Window(Fault.SLOW_AFTER, 0.4, frozenset({"dynamodb"}), EXECUTOR, operations, (50_500, 52_500), most=3)
    return _always(draw, window)


def _no_bells(draw: Draw) -> list[Step]:
    """Most bells are never sent."""
    return _always(draw, Window(Fault.REFUSED, 0.9, frozenset({"sqs"}), operations=frozenset({"send_message"})))


def _two_bells(draw: Draw) -> list[Step]:
    """Most bells are delivered twice at the same time."""
    return _always(draw, Window(Fault.CONFLICT, 0.7, functions=frozenset({"poller"})))


def _failing_door(draw: Draw) -> list[Step]:
    """The receiver's calls fail, half of them after they were carried out: TradingView sends again."""
    fault = draw.dice.choice((Fault.ERROR_AFTER, Fault.ERROR_BEFORE, Fault.RESET))
    return _always(draw, Window(fault, 0.5, frozenset({"dynamodb"}), RECEIVER, frozenset({"transact_write_items"})))


def _resent(draw: Draw) -> list[Step]:
    """Fired alerts are delivered once more, some seconds later."""
    return [Step(draw.moment(), "again", {"back": draw.dice.randint(1, 2)}) for _ in range(4)]


def _halts(draw: Draw) -> list[Step]:
    steps: list[Step] = []
    for at_ms in range(6_000, draw.length_ms, 16_000):
        level = draw.dice.choice(("entries", "entries", "all"))
        steps.append(Step(at_ms, "halt", {"scope": "global", "level": level}))
        steps.append(Step(at_ms + 9_000, "resume", {"scope": "global"}))
    return steps


def _parts(draw: Draw) -> list[Step]:
    """Orders are filled in part, and stay so."""
    steps: list[Step] = []
    for script in draw.scripts:
        for at_ms in range(4_000, draw.length_ms, 10_000):
            values = {"symbol": script.market.symbol, "quantity": script.market.unit, "then": "stay", "times": 1}
            steps.append(Step(at_ms, "part", values))
    return steps


def _hands(draw: Draw) -> list[Step]:
    """A person trades the same symbol."""
    steps: list[Step] = []
    for script in draw.scripts:
        for seat in draw.seats:
            for at_ms in (3_000, draw.moment()):
                quantity = script.market.unit * draw.dice.choice((-2, -1, 1, 2))
                values = {"seat": seat.name, "symbol": script.market.symbol, "deed": "open", "quantity": quantity}
                steps.append(Step(at_ms, "hand", values))
    return steps


def _stops_cancelled(draw: Draw) -> list[Step]:
    """Somebody cancels the oldest working order again and again: the stop, as a rule."""
    return [
        Step(at_ms, "hand", {"seat": seat.name, "symbol": script.market.symbol, "deed": "cancel", "quantity": 0})
        for script in draw.scripts
        for seat in draw.seats
        for at_ms in range(14_000, draw.length_ms, 12_000)
    ]


def _lost_answers(draw: Draw) -> list[Step]:
    """Half of the answers to a person's browser get lost, or its requests arrive twice."""
    fault = draw.dice.choice((Fault.LOST, Fault.CONFLICT))
    return _always(draw, Window(fault, 0.5, functions=frozenset({"browser"})))


def _lost_presses(draw: Draw) -> list[Step]:
    """The broker's answers to what the panel's own processes send get lost."""
    carried_out = draw.dice.choice((Fault.LOST, Fault.RESET, Fault.ERROR_AFTER))
    return _always(draw, Window(carried_out, 0.5, BROKERS, frozenset({"broker_api"}), WRITES, most=4))


def _tokens(draw: Draw) -> list[Step]:
    """Access tokens lapse again and again."""
    brokers = sorted({seat.broker for seat in draw.seats})
    return [
        Step(at_ms, "token", {"broker": broker}) for broker in brokers for at_ms in range(5_000, draw.length_ms, 9_000)
    ]


def _swings(draw: Draw) -> list[Step]:
    """Prices go far enough for every stop and target."""
    steps: list[Step] = []
    for script in draw.scripts:
        for number, at_ms in enumerate(range(9_000, draw.length_ms, 12_000)):
            price = script.market.price + script.market.distance * (2 if number % 2 else -2)
            steps.append(Step(at_ms, "price", {"symbol": script.market.symbol, "price": price}))
    return steps


POINTED: Mapping[str, Callable[[Draw], list[Step]]] = {
    "lost_writes": _lost_writes,
    "unbooked_writes": _unbooked_writes,
    "late_writes": _late_writes,
    "blind": _blind,
    "killed_sending": _killed_sending,
    "frozen_long": _frozen_long,
    "slow_answers": _slow_answers,
    "no_bells": _no_bells,
    "two_bells": _two_bells,
    "failing_door": _failing_door,
    "resent": _resent,
    "halts": _halts,
    "parts": _parts,
    "hands": _hands,
    "stops_cancelled": _stops_cancelled,
    "lost_answers": _lost_answers,
    "lost_presses": _lost_presses,
    "tokens": _tokens,
    "swings": _swings,
}
