"""What both sides tell of orders, in one form: the bridge's ledger on one side, a simulated broker on the other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

WriteKind = Literal["place", "replace", "cancel", "cancel all", "close", "close all", "modify position"]


@dataclass(frozen=True)
class Exit:
    """A protective stop or target: its price (or trailing distance), and the quantity that it closes."""

    price: Decimal | None
    quantity: Decimal
    trail: str = ""

    def __str__(self) -> str:
        return f"{plain(self.quantity)} at {self.trail or plain(self.price)}"


@dataclass(frozen=True)
class Order:
    """One order that a request asks for; prices are None where its type has none."""

    side: str
    quantity: Decimal
    symbol: str
    type: str
    limit: Decimal | None = None
    stop: Decimal | None = None
    trail: str = ""
    stop_loss: Exit | None = None
    take_profit: Exit | None = None

    def __str__(self) -> str:
        prices = "".join(f" {plain(price)}" for price in (self.stop, self.limit) if price is not None)
        return f"{self.side} {plain(self.quantity)} {self.symbol} {self.type}{prices}{self.trail and ' ' + self.trail}"


@dataclass(frozen=True)
class Write:
    """One request that changes something at the broker, and what came of it."""

    kind: WriteKind
    about: str = ""
    """The order or position that it names."""
    orders: Mapping[str, Order] = field(default_factory=dict)
    """What was placed, by the broker's id; closing orders of the ledger have none yet and are numbered `#1`, `#2`."""
    changes: Mapping[str, Decimal | None] = field(default_factory=dict)
    """What a replace or modify sets, by name; None takes it away."""
    taken: bool = True
    """False for what the broker refused."""

    def __str__(self) -> str:
        orders = " and ".join(str(order) for order in self.orders.values())
        return " ".join(part for part in (self.kind, self.about, orders) if part)


@dataclass(frozen=True)
class Holding:
    """What is held of one symbol in one account, signed, and what protects it."""

    quantity: Decimal
    stop: Exit | None = None
    target: Exit | None = None


@dataclass(frozen=True)
class Told:
    """All that one side tells of one broker."""

    writes: tuple[Write, ...] = ()
    holdings: Mapping[tuple[str, str], Holding] = field(default_factory=dict)
    """By the broker's account id and symbol."""
    working: frozenset[str] = frozenset()
    """Ids of orders that are not final; at TradeLocker without the stops and targets that positions have."""
    statuses: Mapping[str, str] = field(default_factory=dict)
    """The broker's own word for each order's status, by id."""
    open_commands: tuple[str, ...] = ()
    """The ledger's commands whose outcome is not known."""


def plain(number: Decimal | None) -> str:
    """Write a number without an exponent and without superfluous zeros; nothing for none."""
    if number is None:
        return "none"
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
