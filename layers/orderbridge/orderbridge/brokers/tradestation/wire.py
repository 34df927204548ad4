"""Commands as TradeStation's request bodies. Every number travels as text, every nested order is a complete order."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from orderbridge.brokers.port import Leg
from orderbridge.brokers.tradestation.symbols import kind_of
from orderbridge.brokers.tradestation.values import price_text, quantity_text
from orderbridge.commands import Bracket, Effect, Place, PlaceGroup, Replace
from orderbridge.model import Duration, OrderType, Side

BuyingPowerWarning = Literal["Enforce", "Preconfirmed", "Confirmed"]

DURATIONS = {
    Duration.DAY: "DAY",
    Duration.GTC: "GTC",
    Duration.DAY_EXT: "DYP",
    Duration.GTC_EXT: "GCP",
    Duration.OPG: "OPG",
    Duration.CLS: "CLO",
    Duration.IOC: "IOC",
    Duration.FOK: "FOK",
}
ORDER_TYPES = {
    OrderType.MARKET: "Market",
    OrderType.LIMIT: "Limit",
    OrderType.STOP: "StopMarket",
    OrderType.STOP_LIMIT: "StopLimit",
    OrderType.TRAILING_STOP: "StopMarket",
}
_EQUITY_ACTIONS: dict[tuple[Side, Effect], str] = {
    (Side.BUY, "open"): "BUY",
    (Side.BUY, "close"): "BUYTOCOVER",
    (Side.SELL, "open"): "SELLSHORT",
    (Side.SELL, "close"): "SELL",
}
_OPTION_ACTIONS: dict[tuple[Side, Effect], str] = {
    (Side.BUY, "open"): "BUYTOOPEN",
    (Side.BUY, "close"): "BUYTOCLOSE",
    (Side.SELL, "open"): "SELLTOOPEN",
    (Side.SELL, "close"): "SELLTOCLOSE",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """One order that a command asks for: the order itself, and where it stands in the command."""

    order: Place
    leg: Leg
    index: int
    """Number of the child in its group; 0 outside a group."""
    mark: str
    """What seeds its `OrderConfirmID`, unique within the command."""


def wanted_orders(command: Place | PlaceGroup) -> tuple[Wanted, ...]:
    """Give every order that a command makes, each entry before its exits, in the order of the request."""
    if isinstance(command, Place):
        return tuple(_with_exits(command, "order", 0))
    return tuple(wanted for i, order in enumerate(command.orders) for wanted in _with_exits(order, "child", i))


def _with_exits(order: Place, leg: Leg, index: int) -> Iterator[Wanted]:
    yield Wanted(order, leg, index, f"{index}")
    if order.bracket is not None:
        for exit_leg, exit_order in exits_of(order, order.bracket):
            yield Wanted(exit_order, exit_leg, index, f"{index}.{exit_leg}")


def exits_of(entry: Place, bracket: Bracket) -> tuple[tuple[Leg, Place], ...]:
    """Give an entry's protective orders, the stop first. They work until cancelled, whatever the entry's duration."""
    found: list[tuple[Leg, Place]] = []
    if bracket.has_stop:
        found.append(("stop_loss", _stop_of(entry, bracket)))
    if bracket.take_profit is not None:
        found.append(("take_profit", _exit(entry, OrderType.LIMIT, limit_price=bracket.take_profit)))
    return tuple(found)


def _stop_of(entry: Place, bracket: Bracket) -> Place:
    if bracket.trail_amount is not None or bracket.trail_percent is not None:
        return _exit(
            entry, OrderType.TRAILING_STOP, trail_amount=bracket.trail_amount, trail_percent=bracket.trail_percent
        )
    if bracket.stop_limit is not None:
        return _exit(entry, OrderType.STOP_LIMIT, stop_price=bracket.stop_loss, limit_price=bracket.stop_limit)
    return _exit(entry, OrderType.STOP, stop_price=bracket.stop_loss)


def _exit(
    entry: Place,
    order_type: OrderType,
    limit_price: Decimal | None = None,
    stop_price: Decimal | None = None,
    trail_amount: Decimal | None = None,
    trail_percent: Decimal | None = None,
) -> Place:
    return Place(
        symbol=entry.symbol,
        side=entry.side.opposite,
        quantity=entry.quantity,
        effect="close",
        order_type=order_type,
        limit_price=limit_price,
        stop_price=stop_price,
        trail_amount=trail_amount,
        trail_percent=trail_percent,
        duration=Duration.GTC,
    )


def trade_action(symbol: str, side: Side, effect: Effect) -> str:
    """Give the action that fits: equities and options have one per side and effect, futures know BUY and SELL only."""
    match kind_of(symbol):
        case "future" | "data":
            return "BUY" if side is Side.BUY else "SELL"
        case "option":
            return _OPTION_ACTIONS[side, effect]
        case "stock":
            return _EQUITY_ACTIONS[side, effect]


def confirm_id(command_id: str, mark: str) -> str:
    """Give the `OrderConfirmID` of one order: 22 url-safe characters, always the same for the same command and order.

    It guards against a second sending; no reply ever shows it again, so an order cannot be looked up by it.
    """
    digest = hashlib.sha256(f"{command_id}:{mark}".encode()).digest()
    return base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Bodies:
    """Builds the bodies for one account."""

    account_id: str
    buying_power_warning: BuyingPowerWarning | None = None
    """For margin accounts that TradeStation lists with `RequiresBuyingPowerWarning`; its effect is unconfirmed."""
    confirm_ids: bool = True
    """Send `OrderConfirmID`s of our own; off for an API key that takes only those of orderconfirm."""

    def place(self, command: Place, command_id: str) -> dict[str, Any]:
        return self._order(command, command_id, "0")

    def group(self, command: PlaceGroup, command_id: str) -> dict[str, Any]:
        orders = [self._order(order, command_id, f"{i}") for i, order in enumerate(command.orders)]
        return {"Type": command.type.upper(), "Orders": orders}

    def _order(self, order: Place, command_id: str, mark: str) -> dict[str, Any]:
        body: dict[str, Any] = {
            "AccountID": self.account_id,
            "Symbol": order.symbol,
            "Quantity": quantity_text(order.quantity),
            "OrderType": ORDER_TYPES[order.order_type],
            "TradeAction": trade_action(order.symbol, order.side, order.effect),
            "TimeInForce": {"Duration": DURATIONS[order.duration]},
        }
        if self.confirm_ids:
            body["OrderConfirmID"] = confirm_id(command_id, mark)
        if kind_of(order.symbol) in ("stock", "option"):
            body["Route"] = "Intelligent"
        if order.order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT) and order.limit_price is not None:
            body["LimitPrice"] = price_text(order.limit_price)
        if order.order_type in (OrderType.STOP, OrderType.STOP_LIMIT) and order.stop_price is not None:
            body["StopPrice"] = price_text(order.stop_price)
        if order.order_type is OrderType.TRAILING_STOP:
            body["AdvancedOptions"] = {"TrailingStop": _trail(order.trail_amount, order.trail_percent)}
        if self.buying_power_warning is not None:
            body["BuyingPowerWarning"] = self.buying_power_warning
        if order.bracket is not None:
            exits = exits_of(order, order.bracket)
            children = [self._order(child, command_id, f"{mark}.{leg}") for leg, child in exits]
            body["OSOs"] = [{"Type": "BRK" if len(children) > 1 else "NORMAL", "Orders": children}]
        return body


def replace_body(command: Replace) -> dict[str, Any]:
    """Give the changes of a replace; empty when it changes nothing."""
    body: dict[str, Any] = {}
    if command.quantity is not None:
        body["Quantity"] = quantity_text(command.quantity)
    if command.limit_price is not None:
        body["LimitPrice"] = price_text(command.limit_price)
    if command.stop_price is not None:
        body["StopPrice"] = price_text(command.stop_price)
    if command.trail_amount is not None or command.trail_percent is not None:
        body["AdvancedOptions"] = {"TrailingStop": _trail(command.trail_amount, command.trail_percent)}
    return body


def _trail(amount: Decimal | None, percent: Decimal | None) -> dict[str, str]:
    """Give the distance: `Amount` in price units, or `Percent` (5 means 5 %)."""
    if amount is not None:
        return {"Amount": price_text(amount)}
    return {"Percent": price_text(percent)} if percent is not None else {}
