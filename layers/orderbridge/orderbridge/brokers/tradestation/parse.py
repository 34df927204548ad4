"""Accounts, balances, positions and orders of TradeStation's replies as the bridge's own nouns.

Shapes: the v3 OpenAPI document and recorded replies. A reply may carry data and `Errors` together with HTTP 200. The
bridge asks for one account at a time, so any error means that the data cannot be trusted: "no positions" is not "flat".
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Literal

from orderbridge.brokers.tradestation import values
from orderbridge.brokers.tradestation.statuses import FILL_CODES, status_of
from orderbridge.brokers.tradestation.values import Row, number, objects, positive, text, time_ms
from orderbridge.errors import BrokerUnavailableError, RateLimitedError, ReadRefusedError
from orderbridge.model import (
    AccountState,
    AssetType,
    BrokerAccount,
    Duration,
    Order,
    OrderStatus,
    OrderType,
    Position,
    Side,
)

ASSET_TYPES: dict[str, AssetType] = {
    "STOCK": "stock",
    "FUTURE": "future",
    "FOREX": "forex",
    "INDEX": "index",
    "CRYPTO": "crypto",
    "STOCKOPTION": "option",
    "INDEXOPTION": "option",
    "FUTUREOPTION": "option",
    "CURRENCYOPTION": "option",
}
_ORDER_TYPES = {
    "market": OrderType.MARKET,
    "limit": OrderType.LIMIT,
    "stopmarket": OrderType.STOP,
    "stoplimit": OrderType.STOP_LIMIT,
}
_DURATIONS = {
    "DAY": Duration.DAY,
    "DAY+": Duration.DAY_EXT,
    "DYP": Duration.DAY_EXT,
    "GTC": Duration.GTC,
    "GTC+": Duration.GTC_EXT,
    "GCP": Duration.GTC_EXT,
    "OPG": Duration.OPG,
    "CLO": Duration.CLS,
    "IOC": Duration.IOC,
    "FOK": Duration.FOK,
}
"""Replies show `DAY+` where requests say `DYP`; both are understood."""
_REFUSED_STATUS = {"BadRequest": 400, "Unauthorized": 401, "Forbidden": 403, "NotFound": 404}


def check_errors(body: object) -> None:
    """Raise for a partial error of a read: `ReadRefusedError` for a refusal, else `BrokerUnavailableError`."""
    for error in objects(body, "Errors") if isinstance(body, dict) else ():
        kind, message = text(error, "Error"), text(error, "Message")
        if kind == "TooManyRequests":
            raise RateLimitedError("the broker's request quota is used up", 1_000)
        if kind in _REFUSED_STATUS:
            raise ReadRefusedError(_REFUSED_STATUS[kind], message)
        raise BrokerUnavailableError(f"TradeStation: {kind}: {message}"[:300])


def accounts(body: object) -> tuple[BrokerAccount, ...]:
    check_errors(body)
    return tuple(_account(row) for row in values.rows(body, "Accounts"))


def _account(row: Row) -> BrokerAccount:
    status = text(row, "Status")
    return BrokerAccount(
        id=_required(row, "AccountID"),
        name=text(row, "Alias") or text(row, "AccountID"),
        currency=text(row, "Currency") or "USD",
        kind=text(row, "AccountType") or "Unknown",
        status=_account_status(status),
        native_status=status,
    )


def _account_status(status: str) -> Literal["active", "closing_only", "blocked"]:
    """Tell what may be traded: everything only when the status is exactly Active."""
    folded = status.casefold()
    if folded == "active":
        return "active"
    return "closing_only" if "closing" in folded or "liquidating" in folded else "blocked"


def account_state(body: object, account_id: str) -> AccountState:
    """Give the money of `account_id`. Raises `BrokerUnavailableError` when the reply does not have it."""
    check_errors(body)
    for row in values.rows(body, "Balances"):
        if text(row, "AccountID") == account_id:
            detail = row.get("BalanceDetail") or {}
            return AccountState(
                balance=number(row, "CashBalance") or Decimal(0),
                equity=_required_number(row, "Equity"),
                unrealized_pl=number(detail, "UnrealizedProfitLoss") or Decimal(0),
                available_funds=number(row, "BuyingPower"),
                margin_used=_first(detail, ("RequiredMargin", "InitialMargin", "MarginRequirement")),
            )
    raise BrokerUnavailableError("TradeStation: the reply has no balance of this account")


def positions(body: object, account_id: str) -> tuple[Position, ...]:
    """Give the open positions. There is one netted position per symbol, so the symbol is its id."""
    check_errors(body)
    found = [row for row in values.rows(body, "Positions") if _of(row, account_id) and not row.get("Deleted")]
    return tuple(position for position in map(_position, found) if position.quantity)


def _position(row: Row) -> Position:
    signed = _required_number(row, "Quantity")
    long_short = text(row, "LongShort").casefold()
    short = long_short == "short" or (not long_short and signed < 0)
    symbol = _required(row, "Symbol").upper()
    return Position(
        id=symbol,
        symbol=symbol,
        side=Side.SELL if short else Side.BUY,
        quantity=abs(signed),  # negative for shorts
        average_price=positive(row, "AveragePrice"),  # sometimes missing in SIM
        unrealized_pl=number(row, "UnrealizedProfitLoss"),
        opened_at_ms=time_ms(row, "Timestamp"),
        asset_type=ASSET_TYPES.get(text(row, "AssetType").upper(), "unknown"),
        native_id=text(row, "PositionID"),
    )


def orders(body: object, account_id: str) -> tuple[Order, ...]:
    """Give the orders of one page. Orders of several symbols (option spreads) have no form here and are left out."""
    check_errors(body)
    found = (_order(row) for row in values.rows(body, "Orders") if _of(row, account_id))
    return tuple(order for order in found if order is not None)


def next_token(body: object) -> str:
    """Give the token of the next page; empty on the last."""
    return text(body, "NextToken") if isinstance(body, dict) else ""


def _order(row: Row) -> Order | None:
    legs = objects(row, "Legs")
    if not legs or len({text(leg, "Symbol").upper() for leg in legs}) > 1:
        return None
    leg = legs[0]
    code = _required(row, "Status").upper()
    filled = _filled(row, leg, code)
    opened, closed = time_ms(row, "OpenedDateTime"), time_ms(row, "ClosedDateTime")
    status = status_of(code, closed=closed > 0, reject_reason=text(row, "RejectReason"), filled=filled > 0)
    trailing = row.get("TrailingStop") or {}
    links = [(text(link, "Relationship").upper(), text(link, "OrderID")) for link in objects(row, "ConditionalOrders")]
    parent = next((order_id for relationship, order_id in links if relationship == "OSP"), None)
    words = text(leg, "BuyOrSell").casefold()
    return Order(
        id=_required(row, "OrderID"),
        symbol=_required(leg, "Symbol").upper(),
        side=Side.BUY if words.startswith("buy") else Side.SELL,
        type=OrderType.TRAILING_STOP if trailing else _order_type(row),
        quantity=_ordered(leg),
        status=status,
        filled_quantity=filled,
        average_price=(positive(row, "FilledPrice") or positive(leg, "ExecutionPrice")) if filled else None,
        limit_price=number(row, "LimitPrice"),
        stop_price=number(row, "StopPrice"),
        trail_amount=number(trailing, "Amount"),
        trail_percent=number(trailing, "Percent"),
        duration=_duration(text(row, "Duration")),
        placed_at_ms=opened,
        updated_at_ms=closed or opened,
        parent_id=parent,
        parent_type="order" if parent else None,
        sibling_ids=tuple(order_id for relationship, order_id in links if relationship in ("BRK", "OCO")),
        effect=_effect(leg, words),
        native_status=code,
        message=text(row, "RejectReason") or (text(row, "StatusDescription") if status is OrderStatus.REJECTED else ""),
    )


def _filled(row: Row, leg: Row, code: str) -> Decimal:
    """Give what was executed, which no single field tells.

    `ExecQuantity` is cumulative, but an expired order was recorded with all of its quantity there and no price: it
    counts only with a price, or under a status that says filled. `QuantityRemaining` is "0" on some working orders.
    """
    executed = number(leg, "ExecQuantity")
    if code in ("FLL", "BRF") and not executed:
        return _ordered(leg)
    priced = positive(leg, "ExecutionPrice") or positive(row, "FilledPrice")
    return executed if executed and (priced or code in FILL_CODES) else Decimal(0)


def _ordered(leg: Row) -> Decimal:
    ordered = number(leg, "QuantityOrdered")
    if ordered is not None:
        return ordered
    return (number(leg, "ExecQuantity") or Decimal(0)) + (number(leg, "QuantityRemaining") or Decimal(0))


def _order_type(row: Row) -> OrderType:
    name = text(row, "OrderType")
    if name.casefold() not in _ORDER_TYPES:
        raise BrokerUnavailableError("TradeStation: an order has no known OrderType")
    return _ORDER_TYPES[name.casefold()]


def _duration(native: str) -> str:
    known = _DURATIONS.get(native.upper())
    return known.value if known else native


def _effect(leg: Row, words: str) -> Literal["open", "close", "unknown"]:
    """Tell whether an order opens or closes; a future's reply leaves it out and its action does not say it either."""
    said = text(leg, "OpenOrClose").casefold()
    if said in ("open", "close"):
        return "open" if said == "open" else "close"
    if words.endswith("open") or words == "sellshort":
        return "open"
    if words.endswith("close") or words == "buytocover":
        return "close"
    if text(leg, "AssetType").upper() == "STOCK":
        return "open" if words == "buy" else "close"
    return "unknown"


def _of(row: Row, account_id: str) -> bool:
    return text(row, "AccountID") in ("", account_id)


def _required(row: Row, key: str) -> str:
    value = text(row, key)
    if not value:
        raise BrokerUnavailableError(f"TradeStation: a row has no {key}")
    return value


def _required_number(row: Row, key: str) -> Decimal:
    value = number(row, key)
    if value is None:
        raise BrokerUnavailableError(f"TradeStation: a row has no {key}")
    return value


def _first(row: Row, keys: Iterable[str]) -> Decimal | None:
    return next((value for key in keys if (value := number(row, key)) is not None), None)
