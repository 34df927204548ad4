"""Prove that the checker bites: each planted bug is found within its number of seeds, by an invariant named for it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.simulation.bugs.bug import Bug
from tests.simulation.bugs.patcher import patched
from tests.simulation.play import play_story, story_for


@dataclass(frozen=True, slots=True)
class Proof:
    """What became of one bug."""

    bug: Bug
    seed: int | None
    """The first seed that showed it; None when none did."""
    named: tuple[str, ...] = ()
    """The invariants that it broke there."""
    sentence: str = ""

    @property
    def holds(self) -> bool:
        return self.seed is not None and bool(set(self.named) & set(self.bug.caught_by))


def prove(bug: Bug, seeds: Iterable[int] | None = None) -> Proof:
    """Plant a bug and play its stories until one shows it."""
    found = Proof(bug, None)
    with patched(bug.install):
        for seed in range(1, bug.seeds + 1) if seeds is None else seeds:
            played = play_story(story_for(seed, bug.shape), stop_at="*")
            if played.violations:
                names = tuple(sorted({one.name for one in played.violations}))
                mine = [one for one in played.violations if one.name in bug.caught_by]
                found = Proof(bug, seed, names, (mine or played.violations)[0].sentence)
                if found.holds:
                    break
    return found


def prove_all(bugs: Iterable[Bug]) -> Iterator[Proof]:
    """Prove one bug after the other."""
    for bug in bugs:
        yield prove(bug)
