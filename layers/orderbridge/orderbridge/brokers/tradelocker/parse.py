"""TradeLocker's rows and objects as the bridge's nouns. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal

from orderbridge.brokers.tradelocker.columns import Row
from orderbridge.brokers.tradelocker.statuses import is_known, read_status
from orderbridge.errors import BrokerUnavailableError
from orderbridge.model import (
    AccountState,
    BrokerAccount,
    Execution,
    Order,
    OrderStatus,
    OrderType,
    Position,
    Side,
)

SymbolOf = Callable[[str], str]
"""Gives the broker symbol of a `tradableInstrumentId`."""

Leg = Literal["SL", "TP"]

_TYPES = {
    "market": OrderType.MARKET,
    "limit": OrderType.LIMIT,
    "stop": OrderType.STOP,
    "stoplimit": OrderType.STOP_LIMIT,
    "trailingstop": OrderType.TRAILING_STOP,
}
_ZERO = Decimal(0)


def read_orders(working: Iterable[Row], history: Iterable[Row], symbol_of: SymbolOf) -> tuple[Order, ...]:
    """Give each order once; what the history says of it wins.

    A working order that carries stop or target prices is followed by an inactive order for each (`<id>:SL`,
    `<id>:TP`), because the platform makes their rows only when a position exists.
    """
    rows = {row.needed_id("id"): row for row in working} | {row.needed_id("id"): row for row in history}
    found: list[Order] = []
    for row in rows.values():
        order = read_order(row, symbol_of)
        found.append(order)
        if not order.status.final:
            found.extend(_inactive_legs(row, order))
    return tuple(found)


def read_order(row: Row, symbol_of: SymbolOf) -> Order:
    """Read a row of `/orders` or `/ordersHistory`."""
    native = row.text("status")
    kind = _order_type(row)
    filled = row.number("filledQty") or _ZERO
    quantity = row.needed_number("qty")
    status = read_status(native, filled, immediate=kind is OrderType.MARKET or row.text("validity").upper() == "IOC")
    if status is OrderStatus.FILLED and filled == 0:
        filled = quantity
    created = row.moment("createdDate")
    return Order(
        id=row.needed_id("id"),
        symbol=symbol_of(row.needed_id("tradableInstrumentId")),
        side=_side(row),
        type=kind,
        quantity=quantity,
        status=status,
        filled_quantity=filled,
        average_price=row.price("avgPrice"),
        limit_price=row.price("price") if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None,
        stop_price=row.price("stopPrice") if kind not in (OrderType.MARKET, OrderType.LIMIT) else None,
        duration=row.text("validity").lower(),
        placed_at_ms=created,
        # lastModified is cut to a whole second, so it can lie before createdDate.
        updated_at_ms=max(created, row.moment("lastModified")),
        # On a netting account an unfilled row already names the position that it would add to.
        position_id=row.id("positionId") if filled > 0 else None,
        label=row.text("strategyId"),
        native_status=native,
        message="" if is_known(native) else f"unknown status {native!r}: the broker is asked again",
    )


def leg_id(order_id: str, leg: Leg) -> str:
    """Give the id of the inactive order that stands for a working order's stop (SL) or target (TP)."""
    return f"{order_id}:{leg}"


def parent_of_leg(order_id: str) -> tuple[str, Leg] | None:
    """Give the working order and the leg that such an id stands for; None for a real order's id."""
    parent, _, leg = order_id.rpartition(":")
    match leg:
        case "SL" | "TP":
            return parent, leg
        case _:
            return None


def read_position(row: Row, symbol_of: SymbolOf) -> Position:
    """Read a row of `/positions`."""
    return Position(
        id=row.needed_id("id"),
        symbol=symbol_of(row.needed_id("tradableInstrumentId")),
        side=_side(row),
        quantity=row.needed_number("qty"),
        average_price=row.price("avgPrice"),
        unrealized_pl=row.number("unrealizedPl"),
        opened_at_ms=row.moment("openDate"),
        stop_loss_id=row.id("stopLossId"),
        take_profit_id=row.id("takeProfitId"),
        label=row.text("strategyId"),
    )


def read_execution(row: Row, symbol_of: SymbolOf) -> Execution:
    """Read a row of `/executions`."""
    return Execution(
        id=row.needed_id("id"),
        order_id=row.needed_id("orderId"),
        symbol=symbol_of(row.needed_id("tradableInstrumentId")),
        side=_side(row),
        quantity=row.needed_number("qty"),
        price=row.needed_number("price"),
        time_ms=row.moment("createdDate"),
        position_id=row.id("positionId"),
    )


def read_state(row: Row) -> AccountState:
    """Read `/state`. Equity is `projectedBalance`: balance and the open positions' gross profit."""
    return AccountState(
        balance=row.needed_number("balance"),
        equity=row.needed_number("projectedBalance"),
        unrealized_pl=row.number("openGrossPnL") or _ZERO,
        available_funds=row.number("availableFunds"),
        margin_used=row.number("initialMarginReq"),
    )


def read_accounts(entries: object) -> tuple[BrokerAccount, ...]:
    """Read the `accounts` of `/auth/jwt/all-accounts`."""
    if not isinstance(entries, list):
        raise BrokerUnavailableError("TradeLocker's list of accounts cannot be read")
    return tuple(_account(entry) for entry in entries)


@dataclass(frozen=True, slots=True)
class AccountRules:
    """The broker's rules of an account, as they came: what is in them is not published."""

    account_id: str
    trading: Mapping[str, Any] = field(repr=False)
    risk: Mapping[str, Any] = field(repr=False)


def read_account_rules(entries: object) -> tuple[AccountRules, ...]:
    """Read `/trade/accounts`: one object per account of the number in the header."""
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) and entry.get("id") for entry in entries):
        raise BrokerUnavailableError("TradeLocker's account rules cannot be read")
    return tuple(
        AccountRules(str(entry["id"]), entry.get("tradingRules") or {}, entry.get("riskRules") or {})
        for entry in entries
    )


_DEAD_ACCOUNTS = frozenset({"ARCHIVED", "BLOCKED", "CLOSED", "DISABLED", "SUSPENDED"})


def _account(entry: object) -> BrokerAccount:
    if not isinstance(entry, Mapping) or not entry.get("id") or not entry.get("accNum"):
        raise BrokerUnavailableError("an account of TradeLocker's list has no id or accNum")
    native = str(entry.get("status") or "")
    return BrokerAccount(
        id=str(entry["id"]),
        name=str(entry.get("name") or ""),
        currency=str(entry.get("currency") or ""),
        kind="",
        status=_account_status(native),
        native_status=native,
        account_number=str(entry["accNum"]),
    )


def _account_status(native: str) -> Literal["active", "closing_only", "blocked"]:
    """Only ACTIVE may open; the other statuses are not published, so closing is still tried in most of them."""
    match native.upper():
        case "ACTIVE":
            return "active"
        case status if status in _DEAD_ACCOUNTS:
            return "blocked"
        case _:
            return "closing_only"


def _inactive_legs(row: Row, parent: Order) -> tuple[Order, ...]:
    base = replace(
        parent,
        side=parent.side.opposite,
        status=OrderStatus.INACTIVE,
        quantity=parent.remaining,
        filled_quantity=_ZERO,
        average_price=None,
        limit_price=None,
        stop_price=None,
        parent_id=parent.id,
        parent_type="order",
        position_id=None,
        label="",
        effect="close",
        message="",
    )
    stop, target = row.price("stopLoss"), row.price("takeProfit")
    stop_id, target_id = leg_id(parent.id, "SL"), leg_id(parent.id, "TP")
    legs = []
    if stop is not None:
        # An offset is in pips of unknown size, not a price.
        price = stop if row.text("stopLossType").lower() in ("", "absolute") else None
        kind = OrderType.TRAILING_STOP if _trails(row) else OrderType.STOP
        siblings = () if target is None else (target_id,)
        legs.append(replace(base, id=stop_id, type=kind, stop_price=price, sibling_ids=siblings))
    if target is not None:
        price = target if row.text("takeProfitType").lower() in ("", "absolute") else None
        siblings = () if stop is None else (stop_id,)
        legs.append(replace(base, id=target_id, type=OrderType.LIMIT, limit_price=price, sibling_ids=siblings))
    return tuple(legs)


def _trails(row: Row) -> bool:
    return row.text("stopLossType").lower() == "trailingoffset"


def _order_type(row: Row) -> OrderType:
    native = "".join(letter for letter in row.text("type").casefold() if letter.isalpha())
    if native == "stop" and _trails(row) and row.number("stopLoss") is None:
        return OrderType.TRAILING_STOP  # a position's trailing stop: its own row names the type and no price of its own
    if native in _TYPES:
        return _TYPES[native]
    if row.price("stopPrice") is not None:
        return OrderType.STOP
    return OrderType.LIMIT if row.price("price") is not None else OrderType.MARKET


def _side(row: Row) -> Side:
    try:
        return Side(row.text("side").lower())
    except ValueError:
        raise row.unreadable("side") from None
