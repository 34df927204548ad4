"""A table that was restored from a backup: halted until it is reconciled, and nothing twice afterwards."""

from collections.abc import Iterator
from typing import Any

from orderbridge.execution.records import CommandStatus
from tests.simulation.invariants.base import Invariant, View
from tests.simulation.invariants.evidence import Violation


class NothingWhileRestored(Invariant):
    """A restored table sends nothing until it was reconciled and a person has lifted its halt."""

    def after_step(self, view: View) -> Iterator[Violation]:
        if not view.ledger.restores:
            return
        known: Any = view.evidence.items.get(("INCARNATION", "INCARNATION"), {})
        restore = view.ledger.restores[-1]
        for move in view.moves:
            record = move.command.record
            halted = known.get("table_id", {}).get("S") != restore.table_id
            same = move.before is not None and move.before.status is CommandStatus.SENDING
            begun = record.status is CommandStatus.SENDING and not same and move.write.at_ms > restore.at_ms
            if begun and (halted or known.get("lifted_by") is None):
                yield self.violated(view, f"{record.job_id} {record.role} was sent from a restored table")
