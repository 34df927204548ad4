"""The rows of the panels: every cell text or null, in the spellings that the switches ask for."""

from decimal import Decimal

from sandbox.tradelocker import money
from sandbox.tradelocker.book import Book
from sandbox.tradelocker.model import ZERO, Account, Execution, Order, Position, Role, Status
from sandbox.tradelocker.panels import Row
from sandbox.tradelocker.switches import Switches


def plain(number: Decimal) -> str:
    """Return a number without exponent and without zeros at the end."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def padded(number: Decimal, places: int) -> str:
    """Return a number with at least so many decimals, losing none."""
    whole, _, decimals = plain(number).partition(".")
    return f"{whole}.{decimals.ljust(places, '0')}" if places else plain(number)


class Rows:
    """Renders orders, positions and executions."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._switches: Switches = book.switches

    def order(self, account: Account, order: Order, *, in_history: bool, status: str | None = None) -> Row:
        """Return a row of the orders or of the history panel; `in_history` says which."""
        filled = order.filled_qty if in_history or order.working else ZERO
        is_filled_market = in_history and order.type == "market" and filled > 0
        price, stop_price = _text(order.price), _text(order.stop_price)
        if is_filled_market and self._switches["history_price"] == "reference":
            price, stop_price = _text(order.reference_price), "0"
        bracket = order.bracket
        stop_type = bracket.stop_loss_type
        if order.role is Role.STOP_LOSS and order.trail_distance is not None:
            stop_type = "trailingOffset" if self._switches["trailing_row_type"] == "shown" else None
        return {
            "id": str(order.id),
            "tradableInstrumentId": str(order.instrument.tid),
            "routeId": str(order.route_id),
            "qty": self._qty(order.qty, 2 if in_history else 1),
            "side": order.side,
            "type": order.type,
            "status": status or self.status(order, in_history=in_history),
            "filledQty": self._qty(filled, 0) if filled > 0 else None,
            "avgPrice": _text(order.avg_price) if filled > 0 else None,
            "price": price,
            "stopPrice": stop_price,
            "validity": order.validity,
            "expireDate": None,
            "createdDate": str(order.created_ms),
            "lastModified": str(self._last_modified(order)),
            "isOpen": "false" if in_history else "true",
            "positionId": self._position_id(account, order),
            "stopLoss": _text(bracket.stop_loss),
            "stopLossType": stop_type,
            "takeProfit": _text(bracket.take_profit),
            "takeProfitType": bracket.take_profit_type,
            "strategyId": self._strategy_id(order, in_history=in_history),
        }

    def position(self, account: Account, position: Position, as_of_ms: int) -> Row:
        """Return a row of the positions panel."""
        qty = position.qty_at(as_of_ms - position.late_ms)
        profit = money.open_profit(self._book.market, position, account.seed.currency, qty)
        return {
            "id": str(position.id),
            "tradableInstrumentId": str(position.instrument.tid),
            "routeId": str(position.route_id),
            "side": position.side,
            "qty": self._qty(qty, 0),
            "avgPrice": plain(position.avg_price),
            "stopLossId": _id(position.stop_loss_id),
            "takeProfitId": _id(position.take_profit_id),
            "openDate": str(position.opened_ms),
            "unrealizedPl": f"{profit:.2f}",
            "strategyId": position.strategy_id or ("" if self._switches["missing_strategy_id"] == "empty" else None),
        }

    def execution(self, execution: Execution) -> Row:
        """Return a row of the executions panel."""
        return {
            "id": str(execution.id),
            "price": plain(execution.price),
            "side": execution.side,
            "createdDate": str(execution.at_ms),
            "qty": self._qty(execution.qty, 0),
            "orderId": str(execution.order_id),
            "positionId": str(execution.position_id),
            "tradableInstrumentId": str(execution.instrument.tid),
        }

    def status(self, order: Order, *, in_history: bool) -> str:
        """Return an order's status in the spelling that is switched on; a working row is New."""
        return self._spelled(self._status_word(order, in_history=in_history))

    def _status_word(self, order: Order, *, in_history: bool) -> str:
        if not in_history:
            return self._switches["partial_status"] if order.working and order.filled_qty > 0 else "New"
        match order.status:
            case Status.FILLED:
                return "Filled"
            case Status.REFUSED:
                return self._switches["refused_status"]
            case Status.IOC_UNFILLED:
                return self._switches["ioc_unfilled_status"]
            case Status.IOC_PARTIAL:
                return self._switches["ioc_partial_status"]
            case Status.SIBLING_GONE:
                return self._switches["sibling_status"]
            case _:
                return "Cancelled"

    def _spelled(self, word: str) -> str:
        match self._switches["status_spelling"]:
            case "upper":
                return word.upper()
            case "lower":
                return word.lower()
            case "american":
                return "Canceled" if word == "Cancelled" else word
            case _:
                return word

    def _qty(self, qty: Decimal, sampled_places: int) -> str:
        match self._switches["number_text"]:
            case "plain":
                return plain(qty)
            case "one_decimal":
                return padded(qty, 1)
            case "two_decimals":
                return padded(qty, 2)
            case _:
                return padded(qty, sampled_places)

    def _last_modified(self, order: Order) -> int:
        match self._switches["last_modified"]:
            case "floor":
                return order.modified_ms // 1000 * 1000
            case "round":
                return (order.modified_ms + 500) // 1000 * 1000
            case _:
                return order.modified_ms

    def _position_id(self, account: Account, order: Order) -> str | None:
        if order.is_leg and not self._switches.on("bracket_rows_have_position_id"):
            return None
        if order.position_id is not None:
            return str(order.position_id)
        held = self._book.netted_position(account, order.instrument)
        if held is not None and self._switches.on("netting_unfilled_position_id"):
            return str(held.id)
        return None

    def _strategy_id(self, order: Order, *, in_history: bool) -> str | None:
        if order.role is Role.CLOSE:
            null = self._switches["closing_row_strategy_id"] == "null"
            return order.strategy_id or (None if null else "")
        copied = not order.is_leg or self._switches["bracket_row_strategy_id"] == "copied"
        if order.strategy_id and copied:
            return order.strategy_id
        match self._switches["missing_strategy_id"]:
            case "null":
                return None
            case "empty":
                return ""
            case _:
                return "" if in_history and order.type == "market" else None


def _text(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)


def _id(number: int | None) -> str | None:
    return None if number is None else str(number)
