"""An order as a row of the service's JSON: strings everywhere, and its traps where a switch asks for them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

from sandbox.tradestation.book import Book
from sandbox.tradestation.eastern import utc_text
from sandbox.tradestation.exchange import good_till_ms
from sandbox.tradestation.model import DESCRIPTIONS, Order, Status
from sandbox.tradestation.text import plain, rounded

Row = dict[str, object]
_DURATIONS = {"DYP": "DAY+", "GCP": "GTC+", "GDP": "GTD+", "1": "1 min", "3": "3 min", "5": "5 min"}
_TILL_DATE = ("GTC", "GCP", "GTD", "GDP")
_OPTIONAL = (
    "AdvancedOptions", "ClosedDateTime", "ConditionalOrders", "GoodTillDate", "GroupName", "LimitPrice",
    "MarketActivationRules", "RejectReason", "Routing", "ShowOnlyQuantity", "Spread", "StopPrice",
    "TimeActivationRules", "TrailingStop",
)  # fmt: skip
_OPTIONAL_OF_LEG = ("ExecutionPrice", "ExpirationDate", "OpenOrClose", "OptionType", "StrikePrice", "Underlying")


def order_row(book: Book, order: Order) -> Row:
    """Give an order as `GET orders` has it."""
    status = _status(book, order)
    row: Row = {
        "AccountID": order.account.id,
        "AdvancedOptions": _advanced(book, order) or None,
        "ClosedDateTime": _closed(book, order, status),
        "CommissionFee": plain(order.filled * order.instrument.commission),
        "ConditionalOrders": _conditional(book, order) or None,
        "ConversionRate": "1",
        "Currency": "USD",
        "Duration": _DURATIONS.get(order.ticket.duration, order.ticket.duration),
        "FilledPrice": rounded(order.average_price),
        "GoodTillDate": _good_till(order),
        "GroupName": _group_name(book, order),
        "Legs": [_leg(book, order, status)],
        "LimitPrice": _text(order.limit_price),
        "MarketActivationRules": [
            {
                "RuleType": "Price",
                "Symbol": rule.symbol,
                "Predicate": rule.predicate.lower(),
                "TriggerKey": rule.trigger_key.upper(),
                "Price": plain(rule.price),
            }
            for rule in order.ticket.price_rules
        ]
        or None,
        "OpenedDateTime": utc_text(order.opened_ms),
        "OrderID": order.id,
        "OrderType": order.type,
        "PriceUsedForBuyingPower": plain(order.limit_price or order.stop_price or order.price_at_entry),
        "RejectReason": order.reason or None,
        "Routing": order.ticket.route or ("Intelligent" if order.instrument.asset != "FUTURE" else None),
        "ShowOnlyQuantity": _text(order.ticket.show_only),
        "Status": status.value,
        "StatusDescription": DESCRIPTIONS[status],
        "StopPrice": _text(order.stop_price),
        "TimeActivationRules": _time_rules(order),
        "TrailingStop": _trail(order),
        "UnbundledRouteFee": "0",
    }
    return with_nulls(book, row, _OPTIONAL, int(order.id))


def with_nulls(book: Book, row: Mapping[str, object], optional: tuple[str, ...], number: int) -> Row:
    """Leave out what has no value, or send it as null; by switch, in every other row."""
    mode = book.switches["nulls"]
    send = mode == "sent" or (mode == "mixed" and number % 2 == 1)
    kept = {name: value for name, value in row.items() if value is not None or send}
    return {**dict.fromkeys(optional), **kept} if send else kept


def _status(book: Book, order: Order) -> Status:
    if order.interim is not None and not order.final:
        return order.interim
    shown_as_ack = order.status in (Status.FLL, Status.BRF) and order.closed_ms is not None
    if shown_as_ack and book.now_ms < (order.closed_ms or 0) + book.switches.number("ack_with_fill_ms"):
        return Status.ACK
    return order.status


def _closed(book: Book, order: Order, status: Status) -> str | None:
    if status is Status.STP and book.switches["stp_looks_closed"] == "yes":
        return utc_text(order.frames[-1][0])
    if status is Status.ACK or order.closed_ms is None or book.now_ms < order.closed_from_ms:
        return None
    return utc_text(order.closed_ms)


def _leg(book: Book, order: Order, status: Status) -> Row:
    instrument = order.instrument
    executed, remaining = order.filled, order.quantity - order.filled
    if status is Status.EXP:
        remaining = Decimal(0)
        executed = order.quantity if book.switches["exp_exec_quantity"] == "ordered" else executed
    if status is Status.STP and book.switches["stp_looks_closed"] == "yes":
        remaining = Decimal(0)
    row: Row = {
        "AssetType": instrument.asset,
        "BuyOrSell": order.action.leg_side,
        "ExecQuantity": plain(executed),
        "ExecutionPrice": rounded(order.average_price) if order.fills else None,
        "ExpirationDate": f"{instrument.expiration}T00:00:00Z" if instrument.expiration else None,
        "OpenOrClose": _open_or_close(order),
        "OptionType": ("CALL" if instrument.call else "PUT") if instrument.strike is not None else None,
        "QuantityOrdered": plain(order.quantity),
        "QuantityRemaining": plain(remaining),
        "StrikePrice": _text(instrument.strike),
        "Symbol": instrument.symbol,
        "Underlying": instrument.underlying or None,
    }
    return with_nulls(book, row, _OPTIONAL_OF_LEG, int(order.id))


def _open_or_close(order: Order) -> str | None:
    if order.instrument.asset == "FUTURE":
        return None
    return "Close" if order.action.closes else "Open"


def _text(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def _trail(order: Order) -> Row | None:
    if order.trail is None:
        return None
    if order.trail.amount is not None:
        return {"Amount": plain(order.trail.amount)}
    return {"Percent": f"{order.trail.percent:.1f}"}


def _time_rules(order: Order) -> list[Row] | None:
    clock = order.ticket.active_from_utc
    return [{"TimeUtc": f"0001-01-01T{clock}Z"}] if clock else None


def _good_till(order: Order) -> str | None:
    if order.ticket.duration not in _TILL_DATE:
        return None
    if order.ticket.expiration is not None:
        return f"{order.ticket.expiration}T00:00:00Z"
    return f"{datetime.fromtimestamp(good_till_ms(order) / 1000, UTC).date()}T00:00:00Z"


def _linked(order: Order) -> bool:
    return order.group is not None and len(order.group.members) > 1


def _group_name(book: Book, order: Order) -> str | None:
    if order.group is None or not _linked(order) or book.switches["group_name"] == "absent":
        return None
    return f"{order.group.kind} {order.group.number}"


def _advanced(book: Book, order: Order) -> str:
    parts = []
    if order.type in ("StopMarket", "StopLimit"):
        parts.append("STPTRG=STT")
    if order.trail is not None and order.trail.amount is not None:
        parts.append(f"TRL={plain(order.trail.amount)}")
    elif order.trail is not None and order.trail.percent is not None:
        parts.append(f"TRL={plain(order.trail.percent)}%")
    if order.ticket.all_or_none:
        parts.append("AON")
    if order.ticket.show_only is not None:
        parts.append(f"SHWQTY={plain(order.ticket.show_only)}")
    for rule in order.ticket.price_rules:
        sign = {"GT": ">", "GTE": ">=", "LT": "<", "LTE": "<="}[rule.predicate.upper()]
        parts.append(f"CND={rule.symbol}{sign}{plain(rule.price)}({rule.trigger_key.upper()})")
    if order.ticket.active_from_utc:
        parts.append(f"TIM={order.ticket.active_from_utc}")
    if order.group is not None and _linked(order) and book.switches["group_name"] == "present":
        parts.append(f"OCA={order.group.number}")
    return "".join(f"{part};" for part in parts)


def _conditional(book: Book, order: Order) -> list[Row]:
    mode = book.switches["conditional_orders"]
    if mode == "absent":
        return []
    links: list[tuple[Order, str]] = []
    if mode == "full":
        keep = book.switches["parent_link_after_release"] == "kept"
        if order.parent is not None and (keep or not order.released):
            links.append((order.parent, "OSP"))
        links += [(child, "OSO") for child in order.children if keep or not child.released]
    if order.group is not None:
        links += [(sibling, order.group.kind) for sibling in order.siblings()]
    return [{"Relationship": relationship, "OrderID": other.id} for other, relationship in links]
