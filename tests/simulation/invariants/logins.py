"""Logins: a token pair that rotates is never lost."""

from collections.abc import Iterator

from tests.simulation.invariants.base import Invariant, View
from tests.simulation.invariants.evidence import Violation


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
