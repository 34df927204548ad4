"""What a message that exits says: an exit is refused only for what it cannot do without (TRADING.md rules 8, 11). Pure.

It needs its symbol, and its size where it leaves a part. Everything else that is wrong is told, not obeyed.
"""

from dataclasses import replace
from decimal import Decimal

from orderbridge.alerts.alert import Alert, Target
from orderbridge.alerts.message import Message, Problem
from orderbridge.alerts.orders import MARKET, Terms, read_terms
from orderbridge.alerts.quantities import read_quantity, read_quantity_type, says_quantity
from orderbridge.model import Direction, OrderType, Side

HELD = (Direction.LONG, Direction.SHORT)
WAITING = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)
_PRICES = ("limitPrice", "stopPrice", "trailAmount", "trailPercent")
_NEEDED = frozenset({"ticker", "test"})
_POSITION = frozenset({"action", "order_action", "sentiment", "market_position", "position_size"}) | {
    "market_position_size",
    "prev_market_position",
}
"""What makes an exit one: said twice in two ways, it is not obeyed."""
_PART = frozenset({"quantity", "order_contracts", "quantityType"})
"""What makes a part of it: needed unless the position ends flat."""


def read_exit(
    message: Message, alert: Alert, order_side: Side | None, named: Direction | None
) -> tuple[Alert, list[Problem], list[str]]:
    """Give the exit, the problems that refuse it, and notes.

    `order_side` is the order's side where the message says it (a sell closes a long), `named` the side that the action
    itself names.
    """
    target, exit_side, notes = _position(alert.target, order_side, named)
    flat = target is not None and target.direction is Direction.FLAT
    leaves_unsaid = target is not None and target.direction in HELD and target.size is None
    quantity, terms = None, MARKET
    hard: list[Problem] = []
    if flat:
        tell_passed_over(message, notes, "quantity", "order_contracts", *_PRICES)
    else:
        quantity, hard = _size(message, leaves_unsaid)
        terms, waiting = _terms(message)
        hard += waiting
    tell_passed_over(message, notes, "takeProfit", "stopLoss")
    if terms is MARKET and message.text("orderType").lower() not in ("", OrderType.MARKET):
        notes.append(f"{message.name('orderType')} is not obeyed: the exit goes at market.")
    hard = [problem for problem in message.problems if _stands_in_the_way(problem, flat)] + hard
    exit_alert = replace(
        alert,
        target=target,
        exit_side=exit_side,
        quantity=quantity,
        order_type=terms.order_type,
        limit_price=terms.limit_price,
        extended_hours=message.flag("extendedHours") or False,
    )
    notes += [f"Not obeyed: {problem.refusal.message}" for problem in message.problems if problem not in hard]
    return exit_alert, hard, notes


def _stands_in_the_way(problem: Problem, flat: bool) -> bool:
    deciding = _POSITION if flat else _POSITION | _PART
    return problem.field in _NEEDED or (problem.refusal.code == "repeated_field" and problem.field in deciding)


def _position(
    target: Target | None, order_side: Side | None, named: Direction | None
) -> tuple[Target | None, Direction | None, list[str]]:
    """Give the target, the side that is closed, and notes on contradictions: those make an exit general, not void."""
    said = {named} if named else set()
    if order_side is not None:
        said.add(Direction.LONG if order_side is Side.SELL else Direction.SHORT)
    if target is not None and target.previous_direction in HELD:
        said.add(target.previous_direction)
    if not said and target is not None and target.direction in HELD:
        said.add(target.direction)
    if len(said) > 1:
        return target, None, ["The message contradicts itself about the side to exit; what is held is exited."]
    side = next(iter(said), None)
    if target is not None and target.direction in HELD and target.direction is not side:
        note = "The message exits and ends on the other side; only the exit is done."
        return replace(target, direction=None, size=None), side, [note]
    return target, side, []


def _size(message: Message, must_be_said: bool) -> tuple[Decimal | None, list[Problem]]:
    """Give the quantity of a partial exit, None for all of it; and what is wrong where a part was clearly meant."""
    since = len(message.problems)
    kind, quantity = read_quantity_type(message), read_quantity(message)
    added = message.problems[since:]
    if not says_quantity(message):
        if must_be_said:
            text = "The message exits a part and does not say how much."
            message.problem("missing_field", "quantity", text, 'Add "quantity".')
        return None, message.problems[since:] if must_be_said else []
    if kind == "percent_of_position" and quantity is not None and quantity >= 100:
        message.problems[since:] = []
        return None, []
    if kind != "fixed_quantity":
        return None, [problem for problem in added if problem.field == "quantityType"]
    if quantity is None:
        return None, added if must_be_said else []
    return quantity, [problem for problem in added if problem.refusal.code == "contradiction"]


def _terms(message: Message) -> tuple[Terms, list[Problem]]:
    """Read how the exit goes. One that waits for a stop price would be a stop on the position: not supported."""
    since = len(message.problems)
    terms = read_terms(message)
    if terms.order_type in WAITING:
        text = f"An exit that waits as a {terms.order_type} order is not supported: no stop was set."
        message.problems[since:] = []
        message.problem("not_supported", "orderType", text, "Send the stop with the entry (stopLoss).")
        return MARKET, message.problems[since:]
    return (MARKET if len(message.problems) > since else terms), []


def tell_passed_over(message: Message, notes: list[str], *fields: str) -> None:
    """Note those of `fields` that the message has."""
    named = [message.name(field) for field in fields if message.has(field)]
    if named:
        notes.append(f"Not obeyed, since nothing of it is needed here: {', '.join(named)}.")
