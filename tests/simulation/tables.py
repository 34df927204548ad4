"""The tables of docs/simulation.md, written from the code: `python -m tests.simulation.tables` writes them anew."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.simulation.bugs.catalogue import BUGS
from tests.simulation.invariants.catalogue import every_invariant

DOCS = Path(__file__).resolve().parents[2] / "docs" / "simulation.md"


def invariants_table() -> str:
    """Give the invariants with their sentences."""
    rows = [(invariant.name, invariant.sentence) for invariant in every_invariant()]
    return _table(("invariant", "what must hold"), rows)


def bugs_table(kind: str) -> str:
    """Give the planted bugs of one kind: stories, seeds allowed, and who catches them."""
    rows = [
        (f"`{bug.name}`", bug.sentence, bug.shape, str(bug.seeds), ", ".join(bug.caught_by))
        for bug in BUGS
        if bug.kind == kind
    ]
    return _table(("bug", "what is wrong", "stories", "seeds", "caught by one of"), rows)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    titles = list(head)
    lines = [titles, ["---"] * len(titles), *map(list, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def tables() -> Mapping[str, str]:
    """Give every table by its mark."""
    return {
        "invariants": invariants_table(),
        "trading bugs": bugs_table("trading"),
        "mechanics bugs": bugs_table("mechanics"),
    }


def with_tables(text: str) -> str:
    """Give the page with its tables as they are now."""
    for mark, table in tables().items():
        begin, end = f"<!-- {mark}: generated -->", f"<!-- {mark}: end -->"
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n{table}\n{end}{rest.partition(end)[2]}"
    return text


if __name__ == "__main__":
    DOCS.write_text(with_tables(DOCS.read_text()))
