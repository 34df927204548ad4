"""Prove that the checker bites: each planted bug is found within its number of seeds, by an invariant named for it."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

from tests.simulation.bugs.bug import Bug
from tests.simulation.bugs.catalogue import BY_NAME
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
    clean: bool = False
    """The same story without the bug breaks nothing."""
    stories: int = 0

    @property
    def holds(self) -> bool:
        return self.found and self.clean

    @property
    def found(self) -> bool:
        return self.seed is not None and bool(set(self.named) & set(self.bug.caught_by))

    def __str__(self) -> str:
        how = "found" if self.holds else "NOT CLEAN" if self.found else "NOT FOUND"
        where = f"seed {self.seed} of {self.bug.seeds}" if self.seed is not None else f"none of {self.bug.seeds}"
        return f"{self.bug.name:40} {self.bug.shape:12} {how:9} {where:14} {','.join(self.named)}: {self.sentence}"


def prove(bug: Bug) -> Proof:
    """Plant a bug and play its stories until one shows it; then play that one without the bug."""
    proof = Proof(bug, None)
    for seed in range(1, bug.seeds + 1):
        story = story_for(seed, bug.shape)
        with patched(bug.install):
            played = play_story(story, stop_at=bug.caught_by[0] if len(bug.caught_by) == 1 else "*")
        mine = [one for one in played.violations if one.name in bug.caught_by]
        if not played.violations:
            continue
        names = tuple(sorted({one.name for one in played.violations}))
        proof = Proof(bug, seed, names, (mine or played.violations)[0].sentence, stories=seed)
        if proof.found:
            return replace(proof, clean=not play_story(story).violations)
    return replace(proof, stories=bug.seeds)


def prove_all(bugs: Iterable[Bug], jobs: int = 1) -> Iterator[Proof]:
    """Prove one bug after the other, or several at a time."""
    if jobs == 1:
        yield from map(prove, bugs)
        return
    with ProcessPoolExecutor(jobs) as pool:
        names = [bug.name for bug in bugs]
        yield from pool.map(_prove_named, names)


def _prove_named(name: str) -> Proof:
    return prove(BY_NAME[name])
