"""The judge: looks through the evidence after each step and at the end, and keeps every violation once."""

from collections.abc import Callable, Iterator, Sequence

from tests.simulation.invariants.base import Invariant, View
from tests.simulation.invariants.catalogue import every_invariant
from tests.simulation.invariants.evidence import Counts, Evidence, Violation


class Judge:
    """Holds a world to its invariants."""

    def __init__(self, evidence: Evidence, invariants: Sequence[Invariant] | None = None) -> None:
        self._view = View(evidence)
        self._invariants = every_invariant() if invariants is None else invariants
        self._kept: dict[tuple[str, str], Violation] = {}

    @property
    def violations(self) -> tuple[Violation, ...]:
        return tuple(self._kept.values())

    @property
    def counts(self) -> Counts:
        return self._view.counts

    def after_step(self) -> None:
        """Check what the last boundary call may have broken."""
        self._check(lambda invariant: invariant.after_step(self._view))

    def at_end(self) -> tuple[Violation, ...]:
        """Check what must hold when the world is quiet; give every violation of the run."""
        self.after_step()
        self._check(lambda invariant: invariant.at_end(self._view))
        return self.violations

    def _check(self, ask: Callable[[Invariant], Iterator[Violation]]) -> None:
        self._view.refresh()
        for invariant in self._invariants:
            for violation in ask(invariant):
                self._kept.setdefault((violation.name, violation.sentence), violation)
