"""What a person pressed at TradingView's panel, what it means, and what the browser heard of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from orderbridge.model import OrderType

Button = Literal["place", "modify", "cancel", "close", "protect", "reverse"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a press means: drawn with the story, for what that browser saw of the account at that moment."""

    button: Button
    account: str
    symbol: str
    side: int = 0
    """1 or -1: of the order that is placed, or of the position that the person saw."""
    quantity: Decimal | None = None
    """Of the order, in the account's own scale; of a close the part, None for all of it."""
    order_type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    aim: str = ""
    """Id of the order or position that the person saw."""
    unprotects: bool = False
    """A stop is taken away, or given another price."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a browser heard of one delivery."""

    sent_ms: int
    at_ms: int
    said: Literal["ok", "error", ""]
    """Empty: nothing came back, or nothing that says what was done (a gateway's 5xx)."""
    text: str = ""
    order_id: str = ""


@dataclass(frozen=True, slots=True)
class Pressed:
    """One press, with all its deliveries so far."""

    wanted: Wanted
    at_ms: int
    request_id: str
    replies: tuple[Reply, ...] = ()
    copied: bool = False
    """A delivery arrived twice, and what the copy was answered nobody has heard."""
    over: bool = False
    """The browser will not send it again."""

    @property
    def said(self) -> Literal["ok", "error", ""]:
        """Give what the person knows: a good answer, only bad ones, or nothing certain."""
        known = {reply.said for reply in self.replies}
        if "ok" in known:
            return "ok"
        return "error" if known == {"error"} and not self.copied else ""


@dataclass(frozen=True, slots=True)
class Listing:
    """One answer to /orders: each id with its status."""

    browser: int
    account: str
    asked_ms: int
    at_ms: int
    statuses: Mapping[str, str]
