"""How a job ends, by what became of its commands, and the sentence that says so."""

from collections.abc import Sequence

from orderbridge.commands import Place
from orderbridge.execution.desk import amount
from orderbridge.execution.records import NOT_PLACED, NOT_SENT, CommandRecord, CommandStatus
from orderbridge.execution.steps import to_close
from orderbridge.model import Order, OrderStatus, Side
from orderbridge.strategy.goal import End, Ending, Goal, Holding


def entry_ended(records: Sequence[CommandRecord]) -> End | None:
    """Give the end of a job whose entry came to nothing; None while there is none, or the broker has taken it."""
    entry = next((record for record in reversed(records) if record.role == "entry"), None)
    if entry is None or entry.taken or entry.code == NOT_SENT:
        return None
    return {
        CommandStatus.REFUSED: End(Ending.REFUSED, "broker_refused", f"The broker refused: {entry.message}"),
        CommandStatus.EXPIRED: End(Ending.EXPIRED, "too_old", f"Not sent: {entry.message}."),
        CommandStatus.HALTED: End(Ending.REFUSED, "halted", f"Not sent: {entry.message}."),
        CommandStatus.NOT_FOUND: End(
            Ending.FAILED, "not_found", "The order was sent, its answer was lost, and the broker does not show it."
        ),
        CommandStatus.DECIDED_BY_PERSON: End(Ending.FAILED, NOT_PLACED, f"{entry.message}."),
    }.get(entry.status)


def reached(goal: Goal, records: Sequence[CommandRecord], holding: Holding, root: str) -> End:
    """Give the end of a job whose goal is reached without an entry."""
    accepted = [record for record in records if record.taken]
    if not accepted:
        if to_close(goal, holding) == 0 and not records:
            sentence = "Nothing is held or working that this alert asks about."
            return goal.dropped or End(Ending.NO_ACTION, "nothing_to_do", sentence)
        message = records[-1].message if records else ""
        return End(Ending.NO_ACTION, "nothing_left", f"Nothing was left to do. {message}".strip())
    closes = [record for record in accepted if record.role == "close"]
    if closes:
        left = amount(abs(holding.owned))
        return End(Ending.ORDERED, "closed", f"Closed in {root}; the strategy holds {left} now.{_not_opened(goal)}")
    return End(Ending.ORDERED, "cancelled", f"Cancelled {len(accepted)} working order(s) in {root}.")


def _not_opened(goal: Goal) -> str:
    if goal.dropped is not None:
        return f" Nothing is opened: {goal.dropped.sentence}"
    if goal.entry is not None:
        return " Nothing is opened: an entry that filled meanwhile was closed too, and took up the order's quantity."
    return ""


def entered(entry: CommandRecord, order: Order | None) -> End:
    """Give the end of a job whose entry the broker has taken; `order` is what the last look shows of it."""
    if order is not None and order.status is OrderStatus.REJECTED:
        reason = order.message or order.native_status
        return End(Ending.REFUSED, "broker_rejected", f"The broker rejected the order: {reason}")
    filled = order is not None and order.status is OrderStatus.FILLED
    return End(Ending.ORDERED, "filled" if filled else "working", _told(entry, order))


def _told(record: CommandRecord, order: Order | None) -> str:
    command = record.command
    assert isinstance(command, Place)
    done = "Bought" if command.side is Side.BUY else "Sold"
    if order is None or order.filled_quantity == 0:
        price = command.limit_price if command.limit_price is not None else command.stop_price
        at = f" at {amount(price)}" if price is not None else ""
        return f"Working: {command.side} {amount(command.quantity)} {command.symbol} {command.order_type}{at}."
    at = f" at {amount(order.average_price)}" if order.average_price is not None else ""
    part = "" if order.filled_quantity == command.quantity else f" of {amount(command.quantity)}"
    return f"{done} {amount(order.filled_quantity)}{part} {command.symbol}{at}."
