"""Every invariant, in the order in which the reports name them."""

from tests.simulation.invariants import alerts, entries, exits, lanes, logins, orders, presses, prices, restored, stops
from tests.simulation.invariants.base import Invariant

KINDS: tuple[type[Invariant], ...] = (
    orders.OneOrderPerCommand,
    orders.RecordedFirst,
    orders.LegalMoves,
    orders.OneUnknownAtATime,
    orders.LedgerAgrees,
    entries.EntersAsAsked,
    entries.EntersInTime,
    entries.NothingWhileHalted,
    entries.WithinLimits,
    prices.PricesNeverWorse,
    exits.ReducesOnly,
    exits.LeavesForeignAlone,
    exits.OneSideOnly,
    exits.ClosesAsAsked,
    exits.FlatAfterTheLastExit,
    stops.KeepsItsStop,
    lanes.FencedOutWritesNothing,
    lanes.ChainInOrder,
    lanes.EndsWhereTheChainEnds,
    alerts.AnsweredMeansStored,
    alerts.OneAlertHoweverOftenDelivered,
    alerts.LostOnlyUnanswered,
    alerts.EndsInTime,
    alerts.Explained,
    alerts.UnderstoodAsMeant,
    logins.LoginsKept,
    logins.ExchangedOnce,
    restored.NothingWhileRestored,
    presses.AnswersStand,
    presses.ListedToTheEnd,
    presses.AlertsBeforePresses,
)


def every_invariant() -> list[Invariant]:
    """Give a fresh set: some of them remember."""
    return [kind() for kind in KINDS]
