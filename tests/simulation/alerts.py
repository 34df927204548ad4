"""Draw the alerts of a strategy: what a trader's script on TradingView would fire, one after the other."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from random import Random
from typing import Any

from orderbridge.alerts.alert import StopLoss, TakeProfit
from orderbridge.model import Direction, OrderType
from tests.simulation.bodies import DIALECTS, GARBAGE, body_of
from tests.simulation.invariants.evidence import Meant
from tests.simulation.story import START_MS, Market, Step

ZERO = Decimal(0)
ACTIONS = {
    "side": (("buy", 5), ("sell", 5), ("exit", 5), ("add", 1), ("cancel", 1)),
    "order": (("buy", 5), ("sell", 5), ("exit", 2), ("cancel", 1)),
    "target": (("move", 1),),
}
AGES_MS = (0, 0, 0, 0, 0, 0, 0, 0, 300, 2_000, 9_000, 20_000, 40_000)
"""How long after its firing an alert goes out."""


@dataclass
class Script:
    """A strategy as TradingView runs it: it believes in its own position, and fires when that moves."""

    name: str
    market: Market
    style: str
    scale: Decimal
    """The alert's units of one of the account's."""
    dice: Random
    price: Decimal
    ages_ms: tuple[int, ...] = AGES_MS
    timed: bool = True
    """Whether its alerts say when they fired."""
    plain: bool = False
    """Market orders of a size, with a fire time and a stop, in the plainest dialect."""
    position: Decimal = ZERO
    fired: list[int] = field(default_factory=list)

    def fire(self, at_ms: int) -> Step:
        """Give the step of the next alert."""
        meant = self._meant(at_ms)
        body, dialect = b"", self.dice.choice(sorted(DIALECTS)) if not self.plain else "native"
        if not self.plain and self.dice.random() < 0.02:
            body = self.dice.choice(GARBAGE).encode()
            meant = Meant(action="none", symbol="", understood=False)
        age_ms = self.dice.choice(self.ages_ms)
        values: dict[str, Any] = {"strategy": self.name, "meant": meant, "body": body or body_of(meant, dialect)}
        return Step(at_ms + age_ms, "alert", {**values, "fired_ms": START_MS + at_ms})

    def _meant(self, at_ms: int) -> Meant:
        dice = self.dice
        words, weights = zip(*ACTIONS[self.style], strict=True)
        action = dice.choices(words, weights)[0]
        fired_ms = (START_MS + at_ms) // 1000 * 1000 if self.plain or self.timed else None
        ticker = dice.choice(self.market.tickers)
        if action == "move":
            return self._move(Meant("none", ticker, fired_at_ms=fired_ms))
        if action == "cancel":
            return Meant("cancel", ticker, fired_at_ms=fired_ms)
        if action == "exit":
            whole = dice.random() < 0.7
            side = dice.choice((None, None, None, Direction.LONG, Direction.SHORT))
            quantity = None if whole else self._quantity(1, 2)
            return Meant("exit", ticker, quantity, exit_side=side, fired_at_ms=fired_ms)
        meant = Meant(action, ticker, self._quantity(1, 4), fired_at_ms=fired_ms)
        return self._terms(meant, -1 if action == "sell" else 1)

    def _quantity(self, least: int, most: int) -> Decimal:
        return self.market.unit * self.dice.randint(least, most) * self.scale

    def _move(self, meant: Meant) -> Meant:
        """Move the script's own position: an entry, a turn, a trim or an exit."""
        unit = self.market.unit * self.scale
        before = self.position
        after = unit * self.dice.choice([size for size in (-4, -2, -1, 0, 0, 1, 2, 4) if unit * size != before])
        self.position = after
        side = 1 if after > before else -1
        meant = replace(
            meant, action="buy" if side > 0 else "sell", quantity=abs(after - before), after=after, before=before
        )
        opens = after != 0 and (before * after <= 0 or abs(after) > abs(before))
        return self._terms(meant, side) if opens else meant

    def _terms(self, meant: Meant, side: int) -> Meant:
        """Add order type, stop and target to an entry."""
        dice, price, distance = self.dice, self.price, self.market.distance
        eighth = distance / 8
        if not self.plain and meant.after is None:
            kind = dice.choice(("market", "market", "market", "market", "limit", "near", "stop"))
            if kind in ("limit", "near"):
                away = distance / 2 if kind == "limit" else -eighth
                meant = replace(meant, order_type=OrderType.LIMIT, limit_price=price - side * away)
            elif kind == "stop":
                meant = replace(meant, order_type=OrderType.STOP, stop_price=price + side * distance / 4)
        if self.plain or dice.random() < 0.7:
            odd = distance / 1000 * dice.choice((0, 0, 0, 1, -1, 3))  # between two ticks
            meant = replace(meant, stop_loss=StopLoss(stop_price=price - side * distance + odd))
            if dice.random() < 0.6:
                meant = replace(meant, take_profit=TakeProfit(limit_price=price + side * distance + odd))
        elif dice.random() < 0.3:
            meant = replace(meant, stop_loss=StopLoss(percent=Decimal(dice.choice(("0.5", "1", "2")))))
        return meant
