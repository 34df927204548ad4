"""The stop and target that an entry carries: absolute, rounded, on the right side (TRADING.md rules 14, 24). Pure."""

from dataclasses import dataclass
from decimal import Decimal

from orderbridge.alerts.alert import StopLoss, TakeProfit
from orderbridge.commands import Bracket
from orderbridge.model import OrderType, Side
from orderbridge.strategy.case import Case
from orderbridge.strategy.goal import End
from orderbridge.strategy.prices import OrderPrices, rounding_note, to_tick, trail_to_tick
from orderbridge.strategy.reasons import end, number


@dataclass(frozen=True, slots=True)
class Bracketed:
    """The bracket, None where the alert has none; and what is said about it."""

    bracket: Bracket | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Leg:
    stop_loss: Decimal | None = None
    stop_limit: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    take_profit: Decimal | None = None
    notes: tuple[str, ...] = ()


def bracket_of(case: Case, side: Side, prices: OrderPrices) -> Bracketed | End:
    """Give the bracket of an entry on `side`.

    Percentages and distances count from the order's own stop or limit price, else from the middle of the quote.
    """
    alert = case.alert
    if alert.stop_loss is None and alert.take_profit is None:
        return Bracketed()
    if not case.capabilities.entry_bracket:
        return end("bracket_unsupported", f"{case.broker} takes no stop or target with an entry.")
    stop = _Leg() if alert.stop_loss is None else _stop_leg(case, side, prices, alert.stop_loss)
    if isinstance(stop, End):
        return stop
    target = _Leg() if alert.take_profit is None else _target_leg(case, side, prices, alert.take_profit)
    if isinstance(target, End):
        return target
    refusal = _wrong_side(case, side, prices, stop.stop_loss, target.take_profit)
    if refusal:
        return refusal
    bracket = Bracket(stop.stop_loss, stop.stop_limit, stop.trail_amount, stop.trail_percent, target.take_profit)
    return Bracketed(bracket, stop.notes + target.notes)


# ---- the stop


def _stop_leg(case: Case, side: Side, prices: OrderPrices, asked: StopLoss) -> _Leg | End:
    kind = _stop_type(asked)
    if kind not in case.capabilities.bracket_types:
        return end("bracket_unsupported", f"{case.broker} has no {kind} as a protective stop.")
    if kind is OrderType.TRAILING_STOP:
        return _trailing_leg(case, asked)
    level = _level(case, prices, asked.stop_price, asked.amount, asked.percent, away=-side.sign)
    if isinstance(level, End):
        return level
    if level is None:
        return end("bracket_incomplete", "stopLoss needs one of stopPrice, percent and amount.")
    stop = to_tick(level, case.instrument, up=side is Side.BUY)
    notes = rounding_note("stop", level, stop, case.instrument)
    if kind is OrderType.STOP:
        return _Leg(stop_loss=stop, notes=notes)
    if asked.limit_price is None:
        return end("bracket_incomplete", "A stop_limit stopLoss needs limitPrice.")
    limit = to_tick(asked.limit_price, case.instrument, up=side is Side.SELL)
    notes += rounding_note("stop's limit", asked.limit_price, limit, case.instrument)
    return _Leg(stop_loss=stop, stop_limit=limit, notes=notes)


def _stop_type(asked: StopLoss) -> OrderType:
    if asked.trail_amount is not None or asked.trail_percent is not None:
        return OrderType.TRAILING_STOP
    return asked.type


def _trailing_leg(case: Case, asked: StopLoss) -> _Leg | End:
    distance = asked.trail_amount if asked.trail_amount is not None else asked.trail_percent
    if distance is None:
        return end("bracket_incomplete", "A trailing stopLoss needs trailAmount or trailPercent.")
    if distance <= 0:
        return end("price_not_positive", f"The trail {number(distance)} is not a distance.")
    if asked.trail_amount is None:
        return _Leg(trail_percent=distance)
    trail = trail_to_tick(distance, case.instrument)
    return _Leg(trail_amount=trail, notes=rounding_note("trail", distance, trail, case.instrument))


# ---- the target


def _target_leg(case: Case, side: Side, prices: OrderPrices, asked: TakeProfit) -> _Leg | End:
    level = _level(case, prices, asked.limit_price, asked.amount, asked.percent, away=side.sign)
    if isinstance(level, End):
        return level
    if level is None:
        return end("bracket_incomplete", "takeProfit needs one of limitPrice, percent and amount.")
    target = to_tick(level, case.instrument, up=side is Side.SELL)
    return _Leg(take_profit=target, notes=rounding_note("target", level, target, case.instrument))


# ---- shared


def _level(
    case: Case, prices: OrderPrices, price: Decimal | None, amount: Decimal | None, percent: Decimal | None, away: int
) -> Decimal | End | None:
    """Give an absolute level, unrounded. `away` is 1 above the entry, -1 below it."""
    if price is None and amount is None and percent is None:
        return None
    if price is None:
        entry = _entry_price(case, prices)
        if entry is None:
            return end("bracket_needs_quote", "A relative stop or target needs a quote, and the broker gives none now.")
        price = entry + away * (amount if amount is not None else entry * (percent or 0) / 100)
    if price <= 0:
        return end("price_not_positive", f"The stop or target at {number(price)} is not a price.")
    return price


def _entry_price(case: Case, prices: OrderPrices) -> Decimal | None:
    if prices.expected is not None:
        return prices.expected
    return None if case.quote is None else case.quote.reference


def _wrong_side(
    case: Case, side: Side, prices: OrderPrices, stop: Decimal | None, target: Decimal | None
) -> End | None:
    """Refuse a stop that would trigger at once and a target that is no gain."""
    entry = _entry_price(case, prices)
    entry = case.alert.price if entry is None else entry
    if entry is None:
        return None
    fill = _marketable(case, side, prices, entry)
    if stop is not None and (fill - stop) * side.sign <= 0:
        return end("stop_wrong_side", _said(case, side, "stop", stop, fill, "below" if side is Side.BUY else "above"))
    if target is not None and (target - entry) * side.sign <= 0:
        return end(
            "target_wrong_side", _said(case, side, "target", target, entry, "above" if side is Side.BUY else "below")
        )
    return None


def _marketable(case: Case, side: Side, prices: OrderPrices, entry: Decimal) -> Decimal:
    """A limit order beyond the market fills at the market."""
    market = None if case.quote is None else case.quote.reference
    if market is None or prices.limit is None or prices.stop is not None:
        return entry
    return min(entry, market) if side is Side.BUY else max(entry, market)


def _said(case: Case, side: Side, name: str, level: Decimal, entry: Decimal, where: str) -> str:
    return (
        f"The {name} of a {side} must lie {where} its entry, and {number(level)} does not: "
        f"{case.instrument.symbol} would be entered at about {number(entry)}."
    )
