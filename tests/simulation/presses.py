"""Draw what a person does at TradingView's panel: presses of two browsers, and their polls in between.

What a press is about is known only when it is made: the position or order that this browser sees at that moment. So a
step holds the choice (`pick`), the prices and the sizes, and `panel.py` makes the request of it, as the front end does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

from orderbridge.model import OrderType
from tests.simulation.invariants.pressed import Button
from tests.simulation.markets import MARKETS
from tests.simulation.story import Market, Seat, Step, Strategy
from tests.simulation.weather import Fault, Window

BUTTONS: tuple[tuple[Button, int], ...] = (
    ("place", 9), ("close", 6), ("modify", 3), ("cancel", 3), ("protect", 4), ("reverse", 2),
)  # fmt: skip
BROWSERS = 2
BROWSER = frozenset({"browser"})
PANEL = frozenset({"broker_api"})
CALLS = frozenset({"dynamodb", "sqs", "secretsmanager", "sns", "tradelocker", "tradestation"})
FIRST_MS = 6_000
LOOKS_BEFORE_MS = (900, 2_500)
"""A person looks before pressing; what is shown may be older all the same."""


@dataclass(frozen=True, slots=True)
class Press:
    """One press as it is drawn."""

    button: Button
    browser: int
    seat: str
    symbol: str
    pick: int = 0
    """Which of the orders or positions that the browser sees, counted around."""
    side: int = 1
    quantity: Decimal = Decimal(1)
    """Of an order; of a close that `parts`."""
    parts: bool = False
    order_type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    move: Decimal = Decimal(0)
    """What a changed order's price is moved by; 0 changes its size to `quantity`."""
    price: Decimal = Decimal(0)
    """Of the market as the ticket shows it."""
    insists: bool = True
    """Without an answer the same request goes out again."""

    def __str__(self) -> str:
        sized = f" {'part ' if self.parts else ''}{self.quantity}" if self.parts or self.button == "place" else ""
        return f"{self.button}{sized} of {self.symbol} at {self.seat} in browser {self.browser}"


@dataclass(frozen=True)
class PanelDraw:
    """What presses are drawn from."""

    dice: Random
    seats: tuple[Seat, ...]
    strategies: tuple[Strategy, ...]
    prices: Sequence[Step]
    """The story's moves of prices, in their order."""
    length_ms: int

    def steps(self, a_minute: tuple[float, float]) -> list[Step]:
        """Give the presses of a story, the polls, and what goes wrong at the panel alone."""
        dice = self.dice
        traded = self._traded()
        minutes = self.length_ms / 60_000
        steps: list[Step] = []
        count = max(3, round(minutes * dice.uniform(*a_minute)))
        moments = sorted(dice.randrange(FIRST_MS, self.length_ms) for _ in range(count))
        if dice.random() < 0.3:  # somebody hurries
            moments += [moments[0] + dice.randrange(200, 2_000) for _ in range(3)]
        for at_ms in moments:
            seat, market = dice.choice(traded)
            press = self._press(seat, market, at_ms)
            steps.append(self._poll(press.browser, seat, max(0, at_ms - dice.randint(*LOOKS_BEFORE_MS))))
            steps.append(Step(at_ms, "press", {"press": press}))
        for _ in range(round(minutes * dice.choice((2, 6, 14)))):
            seat, _ = dice.choice(traded)
            steps.append(self._poll(dice.randrange(BROWSERS), seat, dice.randrange(2_000, self.length_ms)))
        for _ in range(dice.choice((0, 1, 1, 2, 3))):
            steps += self._weather()
        return steps

    def _traded(self) -> list[tuple[str, Market]]:
        """Give what the person trades: as a rule what the strategies trade, sometimes something else."""
        dice = self.dice
        shared = [
            (name, market)
            for strategy in self.strategies
            for name in strategy.accounts
            for market in MARKETS[name]
            if market.symbol == strategy.symbol
        ]
        others = [(seat.name, market) for seat in self.seats for market in MARKETS[seat.name]]
        chosen = [dice.choice(shared) if dice.random() < 0.7 else dice.choice(others)]
        if dice.random() < 0.6:
            chosen.append(dice.choice(others))
        return chosen

    def _poll(self, browser: int, seat: str, at_ms: int) -> Step:
        return Step(at_ms, "poll", {"browser": browser, "seat": seat})

    def _price(self, market: Market, at_ms: int) -> Decimal:
        moved = [s.values["price"] for s in self.prices if s.at_ms <= at_ms and s.values["symbol"] == market.symbol]
        price: Decimal = moved[-1] if moved else market.price
        return price

    def _press(self, seat: str, market: Market, at_ms: int) -> Press:
        dice, price = self.dice, self._price(market, at_ms)
        words, weights = zip(*BUTTONS, strict=True)
        button: Button = dice.choices(words, weights)[0]
        side = dice.choice((1, -1))
        kind = dice.choice(("market", "market", "market", "limit", "near", "stop"))
        values: dict[str, Any] = {}
        eighth, reference = market.distance / 8, price
        if button == "place" and kind in ("limit", "near"):
            reference = price - side * (market.distance / 2 if kind == "limit" else -eighth)
            values |= {"order_type": OrderType.LIMIT, "limit_price": reference}
        elif button == "place" and kind == "stop":
            reference = price + side * market.distance / 4
            values |= {"order_type": OrderType.STOP, "stop_price": reference}
        if button in ("place", "protect") and dice.random() < 0.6:
            values["stop_loss"] = reference - side * market.distance
        if button in ("place", "protect") and dice.random() < 0.4:
            values["take_profit"] = reference + side * market.distance
        return Press(
            button,
            dice.randrange(BROWSERS),
            seat,
            market.symbol,
            dice.randrange(4),
            side,
            market.unit * dice.choice((1, 1, 2, 3)),
            button == "close" and dice.random() < 0.4,
            move=dice.choice((Decimal(0), eighth, -eighth)),
            price=price,
            insists=dice.random() < 0.8,
            **values,
        )

    def _weather(self) -> list[Step]:
        """Give a stretch in which requests of the browsers, or the panel's own processes, fare badly."""
        dice = self.dice
        what = dice.choice(("delivery", "delivery", "killed", "calls", "frozen"))
        if what == "delivery":
            fault = dice.choice((Fault.LOST, Fault.LOST, Fault.CONFLICT, Fault.RESET, Fault.REFUSED, Fault.SLOW_BEFORE))
            window = Window(fault, 0.4, functions=BROWSER, ms=(100, 6_000))
        elif what == "killed":
            fault = dice.choice((Fault.KILL_BEFORE, Fault.KILL_AFTER))
            window = Window(fault, dice.choice((0.03, 0.1)), CALLS, PANEL)
        elif what == "frozen":
            window = Window(Fault.FREEZE, 0.05, CALLS, PANEL, ms=dice.choice(((2_000, 9_000), (12_000, 26_000))))
        else:
            fault = dice.choice((Fault.THROTTLED, Fault.ERROR_BEFORE, Fault.ERROR_AFTER, Fault.RESET, Fault.LOST))
            window = Window(fault, dice.choice((0.1, 0.3, 0.8)), frozenset({dice.choice(sorted(CALLS))}), PANEL)
        at_ms = dice.randrange(FIRST_MS, self.length_ms)
        ends_ms = at_ms + dice.choice((2_000, 10_000, 30_000))
        return [Step(at_ms, "weather", {"window": window}), Step(ends_ms, "clears", {"window": window})]
