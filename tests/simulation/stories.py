"""Draw a story from a seed: accounts, strategies, alerts, and all that goes wrong on the way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from orderbridge.model import PositionMode
from sandbox.tradelocker.switches import ALL as TRADELOCKER
from sandbox.tradestation.switches import ALL as TRADESTATION
from tests.simulation.alerts import AGES_MS, Script
from tests.simulation.disturbances import DISTURBANCES, Draw
from tests.simulation.markets import MARKETS, SEATS, market
from tests.simulation.pointed import POINTED
from tests.simulation.presses import PanelDraw
from tests.simulation.story import Seat, Step, Story, Strategy
from tests.simulation.weather import Fault, Window

SWITCHES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "tradelocker": {switch.name: switch.tradable for switch in TRADELOCKER},
    "tradestation": {switch.name: switch.values for switch in TRADESTATION if switch.name != "authorize_page"},
}
TRADESTATIONS, EXECUTOR = frozenset({"tradestation"}), frozenset({"order_executor"})
PLACING = frozenset({"POST /v3/orderexecution/orders"})
FIRST_MS = 8_000
"""When the first alert may fire."""


@dataclass(frozen=True)
class Shape:
    """What kind of story: how much of what."""

    minutes: tuple[float, float] = (1.5, 4)
    alerts_a_minute: tuple[float, float] = (10, 45)
    seats: tuple[int, int] = (1, 4)
    names: tuple[str, ...] = tuple(seat.name for seat in SEATS)
    strategies: tuple[int, int] = (1, 5)
    styles: tuple[str, ...] = ("side", "side", "target", "target", "order")
    plain: bool = False
    """Only well-formed alerts of the plainest kind."""
    switches: tuple[int, ...] = (0, 1, 2, 4)
    """How many unconfirmed behaviours of a broker differ from the usual."""
    forced: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Broker -> behaviours that are certain."""
    moves_a_minute: float = 4
    disturbances: tuple[int, int] = (3, 12)
    kinds: tuple[str, ...] = tuple(DISTURBANCES)
    certain: tuple[str, ...] = ()
    """Pointed disturbances that every story of the shape has."""
    ages_ms: tuple[int, ...] = AGES_MS
    skew_ms: tuple[int, ...] = (0, 0, 500, 2_000)
    settings: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """Of a strategy: each is drawn from its list."""
    units: tuple[str, ...] = ("lots", "lots", "units")
    """What a strategy at TradeLocker counts in."""
    limited: bool = False
    """Every strategy has a `max_quantity` of five of its market's units."""
    patient: float = 0.25
    """How often the end waits out every redelivery and lapse."""
    two_on_one: float = 0.15
    """How often a strategy shares account and symbol with the one before it."""
    panel: float = 0.0
    """How often a person trades at TradingView's panel too."""
    presses_a_minute: tuple[float, float] = (6, 20)
    restored: float = 0.0
    """How often the table goes back to a copy."""
    twinned: float = 0.0
    """How often somebody places at TradeStation the very order whose answer the bridge has lost."""


SETTINGS: Mapping[str, Sequence[Any]] = {
    "pyramiding": (1, 1, 1, 2, 3),
    "on_stop_refused": ("close", "close", "keep"),
    "on_foreign_position": ("ignore", "ignore", "ignore", "adopt", "halt"),
    "catch_up": (False, False, False, True),
}


SHARING: Mapping[str, Any] = {"shares_symbol": True, "on_foreign_position": "ignore"}
"""Of strategies that share account and symbol: what is the other's is foreign."""


def story_of(seed: int, shape: Shape, name: str) -> Story:
    """Draw a story."""
    dice = Random(f"{name} {seed}")
    count = min(dice.randint(*shape.seats), len(shape.names))
    chosen = sorted(dice.sample(shape.names, count))
    seats = tuple(seat for seat in SEATS if seat.name in chosen)
    brokers = sorted({seat.broker for seat in seats})
    switches = {broker: _switches(dice, broker, shape) for broker in brokers}
    length_ms = round(dice.uniform(*shape.minutes) * 60_000)
    strategies, scripts = _strategies(dice, seats, shape)
    steps = _trading(dice, scripts, shape, length_ms)
    draw = Draw(dice, seats, tuple(scripts), length_ms)
    for _ in range(dice.randint(*shape.disturbances)):
        steps += DISTURBANCES[dice.choice(shape.kinds)](draw)
    for kind in shape.certain:
        steps += POINTED[kind](draw)
    restores = _restores(Random(f"{name} {seed} restored"), shape, length_ms)
    steps += restores
    steps += _twins(Random(f"{name} {seed} twins"), shape, length_ms)
    at_panel, presses = _at_panel(Random(f"{name} {seed} panel"), seats, strategies, steps, shape, length_ms)
    steps += presses
    steps.sort(key=lambda step: step.at_ms)  # stable: what was drawn first comes first
    calm_ms = max([length_ms, *(step.at_ms for step in steps)]) + 1_000
    patient, skew_ms = dice.random() < shape.patient, dice.choice(shape.skew_ms)
    whole = tuple(steps)
    return Story(seed, name, switches, seats, strategies, whole, calm_ms, patient, at_panel, bool(restores), skew_ms)


def _restores(dice: Random, shape: Shape, length_ms: int) -> list[Step]:
    """Draw a restore of the table, and the person who recovers from it, with dice of their own."""
    if dice.random() >= shape.restored:
        return []
    copied_ms = dice.randrange(FIRST_MS, length_ms // 2)
    restored_ms = copied_ms + dice.choice((1_000, 6_000, 20_000, 45_000))
    recovered_ms = restored_ms + dice.choice((3_000, 15_000, 40_000))
    return [Step(copied_ms, "backup"), Step(restored_ms, "restore"), Step(recovered_ms, "recover")]


def _twins(dice: Random, shape: Shape, length_ms: int) -> list[Step]:
    """Draw lost answers to orders that cannot be told from a stranger's, with dice of their own: a person decides."""
    if dice.random() >= shape.twinned:
        return []
    steps: list[Step] = []
    for _ in range(dice.randint(1, 3)):
        from_ms = dice.randrange(FIRST_MS, length_ms)
        values = {"window": Window(Fault.TWINNED, 0.5, TRADESTATIONS, EXECUTOR, PLACING, most=1)}
        steps += [Step(from_ms, "weather", values), Step(from_ms + 20_000, "clears", values)]
    return steps


def _at_panel(
    dice: Random,
    seats: tuple[Seat, ...],
    strategies: tuple[Strategy, ...],
    steps: list[Step],
    shape: Shape,
    length_ms: int,
) -> tuple[tuple[str, ...], list[Step]]:
    """Draw what a person does at the panel, with dice of its own: the stories without one stay what they are.

    None where the table is restored: the operator of the stories knows strategies' orders, not what persons meant.
    """
    if dice.random() >= shape.panel or any(step.kind == "restore" for step in steps):
        return (), []
    prices = sorted((step for step in steps if step.kind == "price"), key=lambda step: step.at_ms)
    draw = PanelDraw(dice, seats, strategies, prices, length_ms)
    return tuple(seat.name for seat in seats), draw.steps(shape.presses_a_minute)


def _switches(dice: Random, broker: str, shape: Shape) -> Mapping[str, str]:
    known = SWITCHES[broker]
    drawn = {name: dice.choice(known[name]) for name in sorted(dice.sample(sorted(known), dice.choice(shape.switches)))}
    return {**drawn, **shape.forced.get(broker, {})}


def _strategies(dice: Random, seats: tuple[Seat, ...], shape: Shape) -> tuple[tuple[Strategy, ...], list[Script]]:
    strategies: list[Strategy] = []
    scripts: list[Script] = []
    taken: set[tuple[str, str]] = set()
    for number in range(dice.randint(*shape.strategies)):
        name = "abcdefgh"[number]
        seat = dice.choice(seats)
        free = [one for one in MARKETS[seat.name] if (seat.name, one.symbol) not in taken]
        shares = dice.random() < shape.two_on_one and bool(strategies) and _keeps_apart(strategies[-1], seats)
        if shares:
            before = strategies[-1]
            accounts, traded = before.accounts, market(before.accounts[0], before.symbol)
            strategies[-1] = Strategy(before.name, accounts, traded.symbol, {**before.settings, **SHARING})
        elif free:
            traded = dice.choice(free)
            accounts = (seat.name,)
            others = [s.name for s in seats if s.broker == seat.broker and s is not seat and traded in MARKETS[s.name]]
            if others and dice.random() < 0.3 and (others[0], traded.symbol) not in taken:
                accounts = (seat.name, others[0])
        else:
            continue
        taken |= {(account, traded.symbol) for account in accounts}
        style = dice.choice(shape.styles)
        settings = {key: dice.choice(values) for key, values in {**SETTINGS, **shape.settings}.items()}
        settings |= {"action_means": "order" if style == "order" else "side", **(SHARING if shares else {})}
        scale = Decimal(1)
        if accounts[0].startswith("tl"):
            settings["quantity_unit"] = dice.choice(shape.units)
            scale = traded.lot if settings["quantity_unit"] == "units" else scale
        if shape.limited:
            settings["max_quantity"] = traded.unit * scale * 5
        strategies.append(Strategy(name, accounts, traded.symbol, settings))
        timed = shape.plain or dice.random() < 0.85
        script_dice = Random(dice.random())
        scripts.append(Script(name, traded, style, scale, script_dice, traded.price, shape.ages_ms, timed, shape.plain))
    return tuple(strategies), scripts


def _keeps_apart(strategy: Strategy, seats: tuple[Seat, ...]) -> bool:
    """Tell whether a strategy's accounts keep the positions of two strategies apart: one that nets does not."""
    return all(seat.mode is PositionMode.HEDGING for seat in seats if seat.name in strategy.accounts)


def _trading(dice: Random, scripts: list[Script], shape: Shape, length_ms: int) -> list[Step]:
    """Draw the alerts and the moves of prices between them, in the order of time: levels follow the price."""
    steps: list[Step] = []
    minutes = length_ms / 60_000
    moments = [("move", dice.randrange(length_ms)) for _ in range(round(minutes * shape.moves_a_minute))]
    rate = dice.uniform(*shape.alerts_a_minute)
    moments += [("alert", dice.randrange(FIRST_MS, length_ms)) for _ in range(max(2, round(minutes * rate)))]
    bar_ms = length_ms // 2
    if dice.random() < 0.3:  # a bar closes, and every strategy fires at once
        moments += [("alert", bar_ms + dice.randrange(300)) for _ in range(2 * len(scripts))]
    brokers = {script.market.symbol: script for script in scripts}
    for kind, at_ms in sorted(moments, key=lambda one: one[1]):
        if kind == "alert":
            steps.append(dice.choice(scripts).fire(at_ms))
            continue
        moved = brokers[dice.choice(sorted(brokers))].market
        price = moved.price + moved.distance * dice.randint(-12, 12) / 8
        for script in scripts:
            if script.market is moved:
                script.price = price
        steps.append(Step(at_ms, "price", {"symbol": moved.symbol, "price": price}))
    return steps
