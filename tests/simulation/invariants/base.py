"""What every invariant is, and what it looks through."""

from collections.abc import Iterator

from tests.simulation.invariants.books import AccountBook, Books
from tests.simulation.invariants.evidence import Counts, Evidence, Violation, Write
from tests.simulation.invariants.ledger import Job, Ledger, Move


class View:
    """The evidence, read once for all invariants: what is new since the last look stands beside what there is."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.ledger = Ledger(evidence)
        self.books = Books(evidence, self.ledger)
        self.counts = Counts()
        self.writes: list[Write] = []
        self.moves: list[Move] = []
        self.changed: list[AccountBook] = []
        self.ended: list[Job] = []
        """Jobs that have ended since the last look."""

    @property
    def now_ms(self) -> int:
        return self.evidence.now_ms()

    def refresh(self) -> None:
        """Look again."""
        self.writes, self.moves = self.ledger.refresh()
        self.ended = self.ledger.take_ended()
        self.changed = self.books.refresh(self.moves)


class Invariant:
    """One thing that must hold. The first line of a subclass's docstring is its sentence; its class name its name."""

    def after_step(self, view: View) -> Iterator[Violation]:
        """Check what one step of the world may have broken."""
        del view
        yield from ()

    def at_end(self, view: View) -> Iterator[Violation]:
        """Check what must hold once all is quiet."""
        del view
        yield from ()

    @property
    def name(self) -> str:
        return type(self).__name__

    @property
    def sentence(self) -> str:
        return (type(self).__doc__ or "").strip().partition("\n")[0]

    def violated(self, view: View, sentence: str, at_ms: int | None = None) -> Violation:
        return Violation(self.name, view.now_ms if at_ms is None else at_ms, sentence)
