"""The simulation's command line: seeds in, statistics and the stories of failures out."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.bugs.catalogue import BUGS, BY_NAME
from tests.simulation.bugs.prove import prove_all
from tests.simulation.play import Played, play, play_story, story_for
from tests.simulation.shapes import SHAPES
from tests.simulation.shrink import shrink


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the seeds; 0 when every invariant held."""
    given = _parser().parse_args(arguments)
    if given.bugs or given.bug:
        return _prove(given.bug, given.jobs)
    seeds = _seeds(given.seeds)
    began = time.perf_counter()
    totals: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    complaints: Counter[str] = Counter()
    failed: list[int] = []
    cpu_s = 0.0
    for played in _played(seeds, given.shape, given.jobs):
        totals += played.statistics
        cpu_s += played.seconds
        totals["seeds"] += 1
        faults += played.faults
        complaints += played.complaints
        totals["longest time without a stop (ms)"] = max(
            totals["longest time without a stop (ms)"], played.counts.longest_bare_ms
        )
        if totals["seeds"] % 25 == 0:
            _print(f"{totals['seeds']} of {len(seeds)} seeds, {totals['alerts fired']:,} alerts")
        if played.violations:
            failed.append(played.story.seed)
            _tell(played)
        if given.told:
            _print("\n".join(played.lines))
    seconds = time.perf_counter() - began
    _report(totals, faults, complaints, seconds, cpu_s, given.jobs)
    for seed in failed[: given.stories]:
        _story(seed, given.shape, given.shrink, given.invariant)
    _print(f"violations in {len(failed)} of {len(seeds)} seeds: {failed}" if failed else "every invariant held")
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", default="1..20", help="one seed, a list (3,7) or a range (1..200)")
    parser.add_argument("--shape", default="full", choices=sorted(SHAPES), help="the kind of stories")
    parser.add_argument("--jobs", type=int, default=1, help="how many processes play at once")
    parser.add_argument("--stories", type=int, default=1, help="how many failing stories are printed whole")
    parser.add_argument("--invariant", default="", help="shrink to a violation of this one")
    parser.add_argument("--shrink", action="store_true", help="leave out of a failing story what it does not need")
    parser.add_argument("--bug", default="", choices=["", *BY_NAME], help="plant this bug, and find it")
    parser.add_argument("--bugs", action="store_true", help="plant every bug, one after the other, and find each")
    parser.add_argument("--told", action="store_true", help="print the time line of every story")
    return parser


def _prove(name: str, jobs: int) -> int:
    """Prove one planted bug or all of them; 0 when each was found in its seeds, by an invariant named for it."""
    began = time.perf_counter()
    missed: list[str] = []
    slowest = 0
    for proof in prove_all((BY_NAME[name],) if name else BUGS, jobs):
        _print(str(proof))
        slowest = max(slowest, proof.stories)
        if not proof.holds:
            missed.append(proof.bug.name)
    count = 1 if name else len(BUGS)
    seconds = time.perf_counter() - began
    found = count - len(missed)
    _print(f"{found} of {count} planted bugs found in {seconds:.0f} s; the slowest took {slowest} stories")
    if missed:
        _print(f"not proven: {', '.join(missed)}")
    return 1 if missed else 0


def _seeds(text: str) -> list[int]:
    seeds: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("..")
        seeds += range(int(first), int(last or first) + 1)
    return seeds


def _played(seeds: Sequence[int], shape: str, jobs: int) -> Iterator[Played]:
    if jobs == 1:
        for seed in seeds:
            yield play(seed, shape)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(play, seeds, [shape] * len(seeds))


def _tell(played: Played) -> None:
    _print(f"seed {played.story.seed}:")
    for violation in played.violations[:5]:
        _print(f"  {violation.name}: {violation.sentence}")


def _story(seed: int, shape: str, shrinks: bool, invariant: str) -> None:
    story = story_for(seed, shape)
    if shrinks:
        story = shrink(story, invariant)
    told = play_story(story, told=True)
    _print(f"\n{story}\n")
    _print("\n".join(told.lines))
    for violation in told.violations:
        _print(f"!!! {violation.name}: {violation.sentence}")
    _print(f"replay: python -m tests.simulation --seeds {seed} --shape {shape} --told\n")


def _report(
    totals: Counter[str], faults: Counter[str], complaints: Counter[str], seconds: float, cpu_s: float, jobs: int
) -> None:
    _print("")
    for name, count in totals.items():
        _print(f"{name:38} {count:>12,}")
    _print("faults met: " + ", ".join(f"{name} {count:,}" for name, count in sorted(faults.items())))
    _print("complaints: " + ", ".join(f"{name} {count:,}" for name, count in complaints.most_common(12)))
    fired = totals["alerts fired"]
    _print(
        f"{fired:,} alerts in {seconds:.1f} s with {jobs} process(es); {fired / cpu_s:.1f} a second of processor time"
    )


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
