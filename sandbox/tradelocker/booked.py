"""What a request booked, for the journal: every order that came into being, with its fields as text."""

from collections.abc import Mapping
from decimal import Decimal

from sandbox.tradelocker.answers import Answer
from sandbox.tradelocker.model import Order
from sandbox.tradelocker.rows import plain


def refuses(answer: Answer) -> bool:
    """Tell whether an answer is a refusal inside a 200."""
    return isinstance(answer.body, Mapping) and answer.body.get("s") == "error"


def describe(order: Order) -> Mapping[str, object]:
    """Return an order's facts as text; None stays None."""
    return {
        "orderId": str(order.id),
        "accountId": str(order.account_id),
        "instrument": order.instrument.name,
        "role": order.role.value,
        "side": order.side,
        "qty": plain(order.qty),
        "type": order.type,
        "validity": order.validity,
        "price": _text(order.price),
        "stopPrice": _text(order.stop_price),
        "stopLoss": _text(order.bracket.stop_loss),
        "stopLossType": order.bracket.stop_loss_type,
        "takeProfit": _text(order.bracket.take_profit),
        "takeProfitType": order.bracket.take_profit_type,
        "strategyId": order.strategy_id,
        "positionId": None if order.position_id is None else str(order.position_id),
        "status": order.status.value,
        "filledQty": plain(order.filled_qty),
        "avgPrice": _text(order.avg_price),
        "createdMs": order.created_ms,
        "finalMs": order.final_ms,
    }


def _text(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)
