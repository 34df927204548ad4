"""Decide what a job asks for, once: a goal to pursue, or the end of the job.

    prepared    symbol, instrument and, where it is wanted, a price: read before the account is looked at
    decided     the goal by what is held; what may not be opened is left out of it, and told
"""

from dataclasses import dataclass, replace

from orderbridge.alerts.alert import Action, Alert, Refusal
from orderbridge.errors import UnknownSymbolError
from orderbridge.execution.desk import Desk, amount
from orderbridge.execution.records import Job
from orderbridge.execution.session import LaneSession
from orderbridge.execution.steps import with_floor
from orderbridge.model import Direction, Instrument, OrderType, PositionMode, Quote
from orderbridge.strategy.decide import decide
from orderbridge.strategy.goal import End, Ending, Goal, Holding
from orderbridge.strategy.settings import AccountRoute, StrategySettings
from orderbridge.strategy.symbols import Lookup, wanted_symbol


@dataclass(frozen=True, slots=True)
class Prepared:
    """A job with all that deciding wants but what is held."""

    job: Job
    alert: Alert
    settings: StrategySettings
    route: AccountRoute
    instrument: Instrument
    quote: Quote | None


class Decider:
    """Decides the jobs of one lane while it is held."""

    def __init__(self, lane: LaneSession, desk: Desk) -> None:
        self._lane = lane
        self._desk = desk
        self._clock = lane.clock

    def prepare(self, job: Job, settings: StrategySettings, route: AccountRoute) -> Prepared | End:
        """Find the instrument and its price. Raises `BrokerReadError`, `UnknownSymbolError`, `AmbiguousSymbolError`."""
        assert job.alert is not None
        lookup = wanted_symbol(job.alert, settings, route, self._desk.account.broker, self._clock.now_ms())
        if isinstance(lookup, Refusal):
            return End(Ending.REFUSED, lookup.code, f"{lookup.message} {lookup.hint}".strip())
        instrument = self._instrument(lookup)
        quote = None
        if needs_quote(job.alert, settings):
            quote = self._desk.quote(instrument.symbol, self._lane.deadline)
        return Prepared(job, job.alert, settings, route, instrument, quote)

    def decide(self, prepared: Prepared, holding: Holding) -> Goal | End:
        """Decide by what is held."""
        decided = decide(
            prepared.alert,
            prepared.settings,
            prepared.route,
            self._lane.broker.capabilities,
            prepared.instrument,
            prepared.quote,
            holding,
            now_ms=self._clock.now_ms(),
            accepted_at_ms=prepared.job.accepted_at_ms,
            position_mode=self._desk.account.position_mode,
        )
        if isinstance(decided, End):
            return decided
        barred = self._entry_barred(prepared.settings, holding)
        decided = _without_entry(decided, barred) if barred is not None else decided
        if isinstance(decided, End):
            return decided
        if decided.test:
            return End(Ending.NO_ACTION, "test", f"Test: {_aim(decided)} Nothing was sent.")
        return with_floor(decided, holding)

    def not_allowed(self, settings: StrategySettings) -> End | None:
        """Give why nothing at all may be sent for the strategy at this account."""
        account = self._desk.account
        if settings.mode == "off":
            return End(Ending.NO_ACTION, "mode_off", f"{settings.name} is switched off: nothing was sent.")
        if settings.mode == "sim" and account.environment == "live":
            sentence = f"{settings.name} runs in mode sim and {account.name} is a live account: nothing was sent."
            return End(Ending.REFUSED, "mode_mismatch", sentence)
        if settings.mode == "live" and account.environment == "live" and account.live_confirmed_at_ms is None:
            sentence = f"Live trading of {account.name} is not confirmed: type `orderbridge live {account.name}` first."
            return End(Ending.REFUSED, "live_not_confirmed", sentence)
        return None

    def _entry_barred(self, settings: StrategySettings, holding: Holding) -> End | None:
        """Give why nothing may be opened, whatever the alert asks: what it closes is closed all the same."""
        account = self._desk.account
        if unknown := (*settings.unknown, *account.unknown):
            sentence = (
                f"{settings.name} or {account.name} has settings that this release does not know "
                f"({', '.join(unknown)}): entries stop. Update the stack, or apply the settings anew."
            )
            return End(Ending.REFUSED, "settings_newer", sentence)
        symbols = [position.symbol for position in holding.positions]
        if self._desk.account.position_mode is PositionMode.NETTING and len(symbols) != len(set(symbols)):
            sentence = (  # TRADING.md rule 2
                f"{account.name} is set to netting, and the broker shows several positions of one symbol: entries "
                f"stop. Check the account with `orderbridge doctor` and mend `position_mode`."
            )
            return End(Ending.REFUSED, "position_mode", sentence)
        return None

    def _instrument(self, lookup: Lookup) -> Instrument:
        instrument = self._desk.instrument(lookup.name, self._lane.deadline)
        if not lookup.continuous:
            return instrument
        if instrument.front_contract is None:
            raise UnknownSymbolError(f"{lookup.name}: the broker names no contract behind this continuous symbol")
        return self._desk.instrument(instrument.front_contract, self._lane.deadline)


def needs_quote(alert: Alert, settings: StrategySettings) -> bool:
    """Tell whether deciding wants a price: a read that a plain market order, and every exit, does without."""
    if alert.action not in (Action.BUY, Action.SELL, Action.ADD):
        return False
    priced = alert.take_profit is not None or alert.stop_loss is not None or settings.max_notional is not None
    return priced or alert.order_type is not OrderType.MARKET


def _without_entry(goal: Goal, refused: End) -> Goal | End:
    """Close what the goal closes; what it would open is refused, and told."""
    if goal.entry is None:
        return goal
    return refused if goal.close is Direction.FLAT else replace(goal, entry=None, dropped=refused)


def _aim(goal: Goal) -> str:
    parts: list[str] = []
    if goal.close is not Direction.FLAT:
        size = "all" if goal.close_quantity is None else amount(goal.close_quantity)
        parts.append(f"close {size} {goal.close} {goal.root}")
    if goal.entry is not None:
        parts.append(f"{goal.entry.side} {amount(goal.entry.quantity)} {goal.symbol} ({goal.entry.order_type})")
    return f"would {' and then '.join(parts) or goal.kind}."
