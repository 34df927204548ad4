"""What a trader is told, case by case: decisions whose whole text stands in `sentences.txt`.

python -m tests.unit.strategy.sentences      writes that file; read the difference before you keep it
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from orderbridge.alerts.alert import Alert, StopLoss, TakeProfit
from orderbridge.model import Direction, Duration, OrderType
from orderbridge.strategy.goal import End, Goal
from tests.unit.strategy.cases import (
    EURUSD,
    FUTURES,
    FX,
    MES,
    NOW_MS,
    alert,
    d,
    held_in,
    holds,
    target,
    toward,
    working,
)

LIMIT, STOP, STOP_LIMIT, TRAIL = OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP
TEXT = Path(__file__).with_suffix(".txt")
Decision = Callable[[], Goal | End]


def _stopped(action: str = "buy", **stop: object) -> Alert:
    return alert(action, 1, stop_loss=StopLoss(**stop))  # type: ignore[arg-type]


def _targeted(action: str = "buy", **profit: object) -> Alert:
    return alert(action, 1, take_profit=TakeProfit(**profit))  # type: ignore[arg-type]


def _old(ms: int, action: str = "buy") -> Alert:
    return alert(action, 1, fired_at_ms=NOW_MS - ms)


_FIXED = FUTURES.with_route(fixed_quantity=d(2))
_HALF = FX.with_settings(quantity_unit="units")

DECISIONS: dict[str, Decision] = {
    # nothing to do
    "mode off": lambda: FUTURES.with_settings(mode="off").decide(alert("buy", 1)),
    "notice": lambda: FUTURES.decide(alert("none")),
    "action not allowed": lambda: FUTURES.with_settings(allowed_actions=("buy", "exit")).decide(alert("sell", 1)),
    "no action allowed": lambda: FUTURES.with_settings(allowed_actions=()).decide(alert("sell", 1)),
    "symbol not allowed": lambda: FUTURES.with_settings(trades=("MNQ", "MYM")).decide(alert("buy", 1)),
    "nothing working": lambda: FUTURES.decide(alert("cancel")),
    "one order to cancel": lambda: FUTURES.decide(alert("cancel"), holds(0, entries=(working("buy"),))),
    "two orders to cancel": lambda: FUTURES.decide(
        alert("cancel"), holds(0, entries=(working("buy"), working("buy", 2)))
    ),
    # exits
    "flat already": lambda: FUTURES.decide(alert("exit")),
    "not owned": lambda: FUTURES.decide(alert("exit"), replace(holds(0), held=d(3))),
    "side not held": lambda: FUTURES.decide(alert("exit", exit_side=Direction.SHORT), holds(2)),
    "exit of all": lambda: FUTURES.decide(alert("exit"), holds(2)),
    "exit of a part": lambda: FUTURES.decide(alert("exit", 1), holds(-2)),
    "exit of a part, rounded": lambda: FX.decide(alert("exit", "0.015"), holds("0.5")),
    "exit of less than a step": lambda: FX.decide(alert("exit", "0.001"), holds("0.5")),
    "exit of another month": lambda: FUTURES.decide(
        alert("exit"), holds(2, positions=(held_in("MESU26", 1), held_in("MESZ26", 1)))
    ),
    "exit with all that it does not obey": lambda: FUTURES.decide(
        alert("exit", 0, order_type=LIMIT, limit_price=d(5000), stop_loss=StopLoss(stop_price=d(1))), holds(2)
    ),
    "exit with a target that it does not obey": lambda: FUTURES.decide(
        alert("exit", 1, take_profit=TakeProfit(limit_price=d(1))), holds(2)
    ),
    "exit too old": lambda: FUTURES.with_settings(exit_max_age_ms=60_000).decide(_old(90_500, "exit"), holds(1)),
    "exit too old since its arrival": lambda: (
        FUTURES.with_settings(exit_max_age_ms=60_000)
        .with_(accepted_at_ms=NOW_MS - 61_000)
        .decide(alert("exit", bar_time_ms=NOW_MS - 300_000), holds(1))
    ),
    # age and state of an entry
    "entry too old": lambda: FUTURES.decide(_old(31_500)),
    "entry of the future": lambda: FUTURES.decide(_old(-90_000)),
    "entry of yesterday": lambda: FUTURES.with_(accepted_at_ms=NOW_MS - 31_000).decide(_old(25 * 3_600_000)),
    "entry timed by its bar": lambda: FUTURES.decide(
        alert("buy", 1, fired_at_ms=NOW_MS - 60_000, bar_time_ms=NOW_MS - 60_000)
    ),
    "entry of the start of a bar": lambda: FUTURES.decide(
        alert("buy", 1, fired_at_ms=NOW_MS // 300_000 * 300_000 - 300_000, interval="5")
    ),
    "unknown entry": lambda: FUTURES.decide(alert("buy", 1), holds(0, unknown_entries=d(2))),
    "unknown exit": lambda: FUTURES.decide(alert("buy", 1), holds(0, unknown_exits=1)),
    "unknown entry and exits": lambda: FUTURES.decide(
        alert("buy", 1), holds(0, unknown_entries=d(-1), unknown_exits=2)
    ),
    "foreign position halts": lambda: FUTURES.with_settings(on_foreign_position="halt").decide(
        alert("buy", 1), replace(holds(0), held=d(-2))
    ),
    "foreign position opposite": lambda: FUTURES.decide(alert("buy", 1), replace(holds(0), held=d(-2))),
    "data only": lambda: FUTURES.with_(instrument=replace(MES, tradable=False)).decide(alert("buy", 1)),
    "expired": lambda: FUTURES.with_(instrument=replace(MES, expires_at_ms=NOW_MS)).decide(alert("buy", 1)),
    # side of an entry
    "same side held": lambda: FUTURES.decide(alert("buy", 1), holds(2)),
    "same side held in another month": lambda: FUTURES.decide(
        alert("buy", 1), holds(2, positions=(held_in("MESU26", 2),))
    ),
    "plain order beside a resting one": lambda: FUTURES.with_settings(action_means="order").decide(
        alert("sell", 3), holds(1, entries=(working("buy", 2),))
    ),
    "plain order that only opens beside a resting one": lambda: FUTURES.with_settings(action_means="order").decide(
        alert("sell", 1), holds(0, entries=(working("buy", 2),))
    ),
    "same side working": lambda: FUTURES.decide(alert("sell", 1), holds(0, entries=(working("sell", 2),))),
    "same side held and working": lambda: FUTURES.decide(alert("buy", 1), holds(1, entries=(working("buy", 2),))),
    "add to nothing": lambda: FUTURES.decide(alert("add", 1)),
    "add to the other side": lambda: FUTURES.decide(alert("add", 1, target=toward("short")), holds(2)),
    "add beside another month": lambda: FUTURES.decide(alert("add", 1), holds(2, positions=(held_in("MESU26", 2),))),
    "limit order that would close": lambda: FUTURES.with_settings(action_means="order").decide(
        alert("sell", 1, order_type=LIMIT, limit_price=d(5001)), holds(2)
    ),
    "plain order, rounded": lambda: FX.with_settings(action_means="order").decide(alert("buy", "0.015")),
    "plain order that closes, rounded": lambda: FX.with_settings(action_means="order").decide(
        alert("sell", "0.015"), holds("0.5")
    ),
    # targets
    "target reached": lambda: FUTURES.decide(alert("buy", 1, target=target(2)), holds(2)),
    "target reached by working orders": lambda: FUTURES.decide(
        alert("buy", 1, target=target(2)), holds(1, entries=(working("buy"),))
    ),
    "target of a direction reached": lambda: FUTURES.decide(alert("buy", 1, target=toward("long")), holds(2)),
    "target reached in another month": lambda: FUTURES.decide(
        alert("buy", 1, target=target(2)), holds(2, positions=(held_in("MESU26", 2),))
    ),
    "nothing to reduce": lambda: FUTURES.decide(alert("sell", 1, target=target(1)), holds(0)),
    "target that is only caught up in part": lambda: FUTURES.decide(alert("buy", 1, target=target(3, 2)), holds(0)),
    "turn of unknown size": lambda: FUTURES.decide(alert("buy", 2, target=toward("long", "short"))),
    "share of unknown size": lambda: _FIXED.decide(alert("sell", 1, target=toward("long", "long")), holds(2)),
    "turn with nothing left to open": lambda: FUTURES.decide(alert("buy", 2, target=toward("long")), holds(-2)),
    # size
    "no quantity": lambda: FUTURES.decide(alert("buy")),
    "quantity of another type": lambda: FUTURES.decide(alert("buy", 1, quantity_type="percent_of_equity")),
    "negative quantity": lambda: FUTURES.decide(alert("buy", -1)),
    "quantity zero": lambda: FUTURES.decide(alert("buy", 0)),
    "unit not said": lambda: FX.with_settings(quantity_unit=None).decide(alert("buy", 1)),
    "unit that the broker lacks": lambda: FUTURES.with_settings(quantity_unit="lots").decide(alert("buy", 1)),
    "less than one step": lambda: FX.decide(alert("buy", "0.001")),
    "rounded to the step": lambda: FX.decide(alert("buy", "0.015")),
    "lots without a price": lambda: FX.with_(quote=None).with_settings(max_notional=None).decide(alert("buy", 1)),
    "below the minimum": lambda: FX.with_(instrument=replace(EURUSD, min_quantity=d("0.1"))).decide(
        alert("buy", "0.05")
    ),
    "above the maximum": lambda: FUTURES.with_(instrument=replace(MES, max_quantity=d(10))).decide(alert("buy", 11)),
    "beyond max_quantity": lambda: FUTURES.with_settings(max_quantity=d(3), pyramiding=9).decide(
        alert("buy", 2), holds(2)
    ),
    "beyond max_quantity alone": lambda: FUTURES.with_settings(max_quantity=d(3)).decide(alert("buy", 4)),
    "beyond max_quantity in units": lambda: _HALF.with_settings(max_quantity=d(150_000)).decide(alert("buy", 200_000)),
    "beyond max_notional": lambda: FUTURES.with_settings(max_notional=d(40_000), pyramiding=9).decide(
        alert("buy", 1), holds(1)
    ),
    "beyond max_notional alone": lambda: FUTURES.with_settings(max_notional=d(20_000)).decide(alert("buy", 1)),
    "notional unknown": lambda: FUTURES.with_(quote=None).with_settings(max_notional=d(20_000)).decide(alert("buy", 1)),
    # order
    "order type that the broker lacks": lambda: FX.decide(alert("buy", 1, order_type=STOP_LIMIT)),
    "limit price missing": lambda: FUTURES.decide(alert("buy", 1, order_type=LIMIT)),
    "stop price missing": lambda: FUTURES.decide(alert("buy", 1, order_type=STOP)),
    "trail missing": lambda: FUTURES.decide(alert("buy", 1, order_type=TRAIL)),
    "limit price zero": lambda: FUTURES.decide(alert("buy", 1, order_type=LIMIT, limit_price=d(0))),
    "stop price negative": lambda: FUTURES.decide(alert("buy", 1, order_type=STOP, stop_price=d(-1))),
    "trail percent zero": lambda: FUTURES.decide(alert("buy", 1, order_type=TRAIL, trail_percent=d(0))),
    "prices rounded": lambda: FUTURES.decide(
        alert("buy", 1, order_type=STOP_LIMIT, stop_price=d("5000.10"), limit_price=d("5001.10"))
    ),
    "trail rounded": lambda: FUTURES.decide(alert("buy", 1, order_type=TRAIL, trail_amount=d("10.10"))),
    "prices passed over": lambda: FUTURES.decide(alert("buy", 1, limit_price=d(4999), stop_price=d(5001))),
    "duration that the broker lacks": lambda: FX.decide(
        alert("buy", 1, order_type=LIMIT, limit_price=d(1), time_in_force=Duration.DAY)
    ),
    "extended hours at market": lambda: FUTURES.decide(alert("buy", 1, extended_hours=True)),
    "extended hours that the broker lacks": lambda: FX.decide(
        alert("buy", 1, order_type=LIMIT, limit_price=d(1), extended_hours=True)
    ),
    # stop and target
    "no brackets": lambda: FUTURES.with_(capabilities=replace(FUTURES.capabilities, entry_bracket=False)).decide(
        _stopped(stop_price=d(4990))
    ),
    "trailing stop that the broker lacks": lambda: FX.decide(_stopped(trail_amount=d(1))),
    "stop without a price": lambda: FUTURES.decide(_stopped()),
    "stop limit without its limit": lambda: FUTURES.decide(_stopped(type=STOP_LIMIT, stop_price=d(4990))),
    "trailing stop without its distance": lambda: FUTURES.decide(_stopped(type=TRAIL)),
    "trail zero": lambda: FUTURES.decide(_stopped(trail_amount=d(0))),
    "trail below one": lambda: FUTURES.decide(_stopped(trail_amount=d("0.5"))),
    "target without a price": lambda: FUTURES.decide(_targeted()),
    "distance without a quote": lambda: FUTURES.with_(quote=None).decide(_stopped(amount=d(10))),
    "stop at zero": lambda: FUTURES.decide(_stopped(amount=d(5000))),
    "stop below one": lambda: FX.decide(_stopped(stop_price=d("0.95"))),
    "percent of nothing": lambda: FUTURES.decide(_stopped(percent=d(0))),
    "stop and its limit rounded": lambda: FUTURES.decide(
        _stopped(type=STOP_LIMIT, stop_price=d("4990.10"), limit_price=d("4989.90"))
    ),
    "stop and its limit of a sell rounded": lambda: FUTURES.decide(
        _stopped("sell", type=STOP_LIMIT, stop_price=d("5010.10"), limit_price=d("5011.10"))
    ),
    "stop rounded": lambda: FUTURES.decide(_stopped(stop_price=d("4990.10"))),
    "trailing stop rounded": lambda: FUTURES.decide(_stopped(trail_amount=d("10.10"))),
    "target rounded": lambda: FUTURES.decide(_targeted(limit_price=d("5010.10"))),
    "stop above a buy": lambda: FUTURES.decide(_stopped(stop_price=d(5001))),
    "stop at a buy": lambda: FUTURES.decide(_stopped(stop_price=d(5000))),
    "stop below a sell": lambda: FUTURES.decide(_stopped("sell", stop_price=d(4999))),
    "target below a buy": lambda: FUTURES.decide(_targeted(limit_price=d(4999))),
    "target at a sell": lambda: FUTURES.decide(_targeted("sell", limit_price=d(5000))),
    "stop between a marketable limit and the market": lambda: FUTURES.decide(
        alert("buy", 1, order_type=LIMIT, limit_price=d(5020), stop_loss=StopLoss(stop_price=d(5010)))
    ),
    "stop of a marketable sell": lambda: FUTURES.decide(
        alert("sell", 1, order_type=LIMIT, limit_price=d(4980), stop_loss=StopLoss(stop_price=d(4990)))
    ),
    "stop by the alert's own price": lambda: FUTURES.with_(quote=None).decide(
        alert("buy", 1, price=d(5000), stop_loss=StopLoss(stop_price=d(5005)))
    ),
    # a close that goes ahead without its entry
    "reversal without its entry": lambda: FUTURES.decide(alert("sell", 3, stop_loss=StopLoss()), holds(2)),
}


def told(decided: Goal | End) -> tuple[str, ...]:
    """Give all that a decision says: its code and sentence, or its notes."""
    if isinstance(decided, End):
        return (f"{decided.ending} {decided.code}", decided.sentence)
    return (decided.kind, *decided.notes)


def block_of(name: str) -> str:
    """Give the lines that the file should have of a case."""
    return "\n    ".join((name, *told(DECISIONS[name]())))


if __name__ == "__main__":
    TEXT.write_text("\n\n".join(map(block_of, DECISIONS)) + "\n")
