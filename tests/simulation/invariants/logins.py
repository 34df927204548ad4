"""Logins: a token pair that rotates is never lost, and no refresh token of one is used twice."""

from collections.abc import Iterator

from tests.simulation.invariants.base import Invariant, View
from tests.simulation.invariants.evidence import Violation
from tests.simulation.invariants.exchanged import Exchange


class LoginsKept(Invariant):
    """The login in Secrets Manager still works at the broker in the end.

    The one exception is counted: a process that was killed between the broker's answer to a refresh and the secret's
    write takes the only copy of a rotated pair with it (DESIGN.md section 1, `storage/tokens.py`); a person is told.
    """

    def at_end(self, view: View) -> Iterator[Violation]:
        for login in view.evidence.logins:
            if login.works():
                continue
            if login.lost_in_hand():
                view.counts.lost_logins += 1
            else:
                yield self.violated(view, f"the stored login of {login.connection} no longer works")


class ExchangedOnce(Invariant):
    """No refresh token is sent to its broker again once it was exchanged for another.

    It may be when nobody has the other: the answer was lost on its way, or whoever got it died, stood still or had
    a call go wrong before it was stored. The old token is then all that there is, and the broker may still take it.
    """

    def __init__(self) -> None:
        self._looked = 0
        self._first: dict[str, list[int]] = {}
        self._open: list[tuple[int, int]] = []

    def after_step(self, view: View) -> Iterator[Violation]:
        exchanges = view.evidence.exchanges
        for number in range(self._looked, len(exchanges)):
            earlier = self._first.setdefault(exchanges[number].used, [])
            self._open += [(before, number) for before in earlier]
            earlier.append(number)
        self._looked = len(exchanges)
        for pair in list(self._open):
            before, again = (exchanges[number] for number in pair)
            if not (before.gave and before.heard):
                continue  # on its way, or never to be heard of
            self._open.remove(pair)
            if not _lost_in_hand(view, before):
                said = f"{again.process} sent a refresh token that {before.process} had exchanged already"
                yield self.violated(view, said, again.sent_ms)


def _lost_in_hand(view: View, exchange: Exchange) -> bool:
    return view.evidence.stumbles.get(exchange.process, 0) >= exchange.sent_ms
