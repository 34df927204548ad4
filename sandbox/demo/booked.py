"""What the simulated brokers' own request journals and books tell, in the form of `facts`. Pure.

Nothing here knows the adapters: a request is judged by its method and path, an order by what the broker booked for it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sandbox.demo.facts import Exit, Holding, Order, Told, Write, WriteKind
from sandbox.simserver.journal import LOST

Entry = Mapping[str, Any]
State = Mapping[str, Any]

NOT_TAKEN = (401, 429)
"""Statuses that say that the broker did not look at the request: the bridge may send it again."""
DONE = (200, LOST)
"""Statuses under which it did what it booked: it answered so, or its answer was lost."""


def told_by(broker: str, journal: Sequence[Entry], state: State) -> Told:
    """Give what a simulated broker tells; `journal` and `state` are what its control endpoints answer."""
    return tradestation(journal, state) if broker == "tradestation" else tradelocker(journal, state)


def _number(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value))


# ---- TradeStation

_TS_TYPES = {"Market": "market", "Limit": "limit", "StopMarket": "stop", "StopLimit": "stop_limit"}
_TS_CHANGES = {"Quantity": "quantity", "LimitPrice": "limit price", "StopPrice": "stop price"}
_TS_PATH = re.compile(r"^/v3/orderexecution/(orders|ordergroups)(?:/(?P<order>[^/]+))?$")
_TS_FINAL = frozenset(("FLL", "FLP", "BRF", "BRC", "OUT", "EXP", "UCH", "REJ", "TSC", "DOA"))


def tradestation(journal: Sequence[Entry], state: State) -> Told:
    """Read the simulated TradeStation's journal and book."""
    orders = {str(row["order_id"]): row for row in state["orders"]}
    open_orders = {one: row for one, row in orders.items() if row["status"] not in _TS_FINAL}
    return Told(
        writes=tuple(_ts_writes(journal, orders)),
        holdings={
            (row["account"], row["symbol"]): _ts_holding(row, open_orders.values()) for row in state["positions"]
        },
        working=frozenset(open_orders),
        statuses={one: str(row["status"]) for one, row in orders.items()},
    )


def _ts_writes(journal: Sequence[Entry], orders: Mapping[str, Entry]) -> Iterator[Write]:
    for entry in journal:
        path = _TS_PATH.match(entry["path"])
        if path is None or entry["method"] == "GET" or (entry["status"] in NOT_TAKEN and not entry["booked"]):
            continue
        taken = entry["status"] in DONE and any(not one.get("refused") for one in entry["booked"])
        match entry["method"]:
            case "POST":
                yield Write("place", orders=_ts_placed(entry["booked"], orders, taken), taken=taken)
            case "PUT":
                yield Write("replace", path["order"], changes=_ts_changes(entry["body"]), taken=taken)
            case _:
                yield Write("cancel", path["order"], taken=taken)


def _ts_placed(booked: Sequence[Entry], orders: Mapping[str, Entry], taken: bool) -> dict[str, Order]:
    """Give a request's orders, the exits of an entry as its bracket; where nothing was taken, what was refused."""
    rows = [one for one in booked if one["what"] == "order" and bool(one["refused"]) is not taken]
    return {
        str(row["order_id"] or f"#{at}"): _ts_order(row, rows, orders)
        for at, row in enumerate(rows, 1)
        if row["parent"] is None
    }


def _ts_order(row: Entry, rows: Sequence[Entry], orders: Mapping[str, Entry]) -> Order:
    children = [child for child in rows if child["parent"] is not None and child["parent"] == row["order_id"]]
    trail = _trail(orders.get(str(row["order_id"]), {}))
    return Order(
        side="buy" if row["action"].startswith("BUY") else "sell",
        quantity=Decimal(row["quantity"]),
        symbol=row["symbol"],
        type="trailing_stop" if trail else _TS_TYPES[row["type"]],
        limit=_number(row["limit_price"]),
        stop=_number(row["stop_price"]),
        trail=trail,
        stop_loss=next((_ts_exit(child, orders) for child in children if child["type"] != "Limit"), None),
        take_profit=next((_ts_exit(child, orders) for child in children if child["type"] == "Limit"), None),
    )


def _ts_exit(row: Entry, orders: Mapping[str, Entry]) -> Exit:
    price = row["limit_price"] if row["type"] == "Limit" else row["stop_price"]
    return Exit(_number(price), Decimal(row["quantity"]), _trail(orders.get(str(row["order_id"]), {})))


def _trail(row: Entry) -> str:
    return str(row.get("trail") or "")


def _ts_changes(body: Mapping[str, Any]) -> dict[str, Decimal | None]:
    return {name: _number(body[key]) for key, name in _TS_CHANGES.items() if key in body}


def _ts_holding(position: Entry, orders: Any) -> Holding:
    """Give a position with the working orders that would close it: here a position has no stop of its own."""
    held = Decimal(position["quantity"])
    closing = "SELL" if held > 0 else "BUY"
    exits = [
        row
        for row in orders
        if row["working"]
        and (row["account"], row["symbol"]) == (position["account"], position["symbol"])
        and row["action"].startswith(closing)
    ]
    stops = [_left(row, "stop_price") for row in exits if row["type"] != "Limit"]
    targets = [_left(row, "limit_price") for row in exits if row["type"] == "Limit"]
    return Holding(held, _sum(stops), _sum(targets))


def _left(row: Entry, price: str) -> Exit:
    return Exit(_number(row[price]), Decimal(row["quantity"]) - Decimal(row["filled"]), _trail(row))


def _sum(exits: Sequence[Exit]) -> Exit | None:
    if not exits:
        return None
    return Exit(exits[0].price, sum((one.quantity for one in exits), Decimal(0)), exits[0].trail)


# ---- TradeLocker

_TL_PATH = re.compile(
    r"^/backend-api/trade/(?:accounts/[^/]+/(?P<all>orders|positions)|(?P<what>orders|positions)/(?P<id>[^/]+))$"
)
_TL_CHANGES = {
    "qty": "quantity", "price": "limit price", "stopPrice": "stop price", "stopLoss": "stop loss",
    "takeProfit": "take profit",
}  # fmt: skip
_TL_KINDS: Mapping[tuple[str, str, bool], WriteKind] = {
    ("POST", "orders", True): "place",
    ("DELETE", "orders", True): "cancel all",
    ("DELETE", "positions", True): "close all",
    ("PATCH", "orders", False): "replace",
    ("DELETE", "orders", False): "cancel",
    ("PATCH", "positions", False): "modify position",
    ("DELETE", "positions", False): "close",
}


def tradelocker(journal: Sequence[Entry], state: State) -> Told:
    """Read the simulated TradeLocker's journal and book."""
    orders = [order for account in state["accounts"] for order in account["orders"]]
    legs = ("stop loss", "take profit")
    working = (order for order in orders if order["status"] == "working" and order["role"] not in legs)
    return Told(
        writes=tuple(_tl_writes(journal)),
        holdings=_tl_holdings(state),
        working=frozenset(order["orderId"] for order in working),
        statuses={order["orderId"]: order["status"] for order in orders},
    )


def _tl_writes(journal: Sequence[Entry]) -> Iterator[Write]:
    for entry in journal:
        path = _TL_PATH.match(entry["path"])
        if path is None or entry["method"] == "GET" or (entry["status"] in NOT_TAKEN and not entry["booked"]):
            continue
        kind = _TL_KINDS[entry["method"], path["all"] or path["what"], path["all"] is not None]
        taken = bool(entry["booked"])
        rows = [one for one in entry["booked"] if one["what"] == "order" and one["role"] in ("entry", "close")]
        orders = {one["orderId"]: _tl_order(one) for one in rows}
        changes = _tl_changes(entry["body"]) if kind in ("replace", "modify position") else {}
        yield Write(kind, path["id"] or "", orders, changes, taken)


def _tl_order(row: Entry) -> Order:
    quantity = Decimal(row["qty"])
    return Order(
        side=row["side"],
        quantity=quantity,
        symbol=row["instrument"],
        type=row["type"],
        limit=_number(row["price"]) if row["type"] == "limit" else None,
        stop=_number(row["stopPrice"]) if row["type"] == "stop" else None,
        stop_loss=_tl_exit(row["stopLoss"], quantity),
        take_profit=_tl_exit(row["takeProfit"], quantity),
    )


def _tl_exit(price: object, quantity: Decimal) -> Exit | None:
    return None if price is None else Exit(_number(price), quantity)


def _tl_changes(body: Mapping[str, Any]) -> dict[str, Decimal | None]:
    return {name: _number(body[key]) for key, name in _TL_CHANGES.items() if key in body}


def _tl_holdings(state: State) -> dict[tuple[str, str], Holding]:
    """Add an account's positions of one symbol up: each has a stop and a target of its own."""
    found: dict[tuple[str, str], list[Holding]] = {}
    for account in state["accounts"]:
        for row in account["positions"]:
            quantity = Decimal(row["qty"])
            signed = quantity if row["side"] == "buy" else -quantity
            one = Holding(signed, _tl_exit(row["stopLoss"], quantity), _tl_exit(row["takeProfit"], quantity))
            found.setdefault((account["id"], row["instrument"]), []).append(one)
    return {
        key: Holding(
            sum((one.quantity for one in held), Decimal(0)),
            _sum([one.stop for one in held if one.stop is not None]),
            _sum([one.target for one in held if one.target is not None]),
        )
        for key, held in found.items()
    }
