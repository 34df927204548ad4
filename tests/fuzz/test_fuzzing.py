"""What fuzzing is made of: changes that can be repeated, seeds that are read, coverage that is counted."""

from orderbridge.alerts.alert import Alert
from tests.fuzz.__main__ import summary
from tests.fuzz.bodies import MESSAGES
from tests.fuzz.coverage import lines_reached
from tests.fuzz.mutator import mutated, seeds
from tests.fuzz.oracle import check
from tests.unit.alerts.kit import read_text

LOG = b"""#2\tINITED cov: 10 ft: 20 corp: 1/2b exec/s: 0 rss: 30Mb
#99\tNEW    cov: 321 ft: 654 corp: 9/99b lim: 9 exec/s: 0 rss: 40Mb L: 2/9 MS: 1 Custom-
stat::number_of_executed_units: 2000
stat::peak_rss_mb:              74
"""


def test_changed_body_is_the_same_for_the_same_seed_and_mostly_another_for_another() -> None:
    body = seeds()[0]

    assert [mutated(body, 500, seed) for seed in range(50)] == [mutated(body, 500, seed) for seed in range(50)]
    assert len({mutated(body, 500, seed) for seed in range(50)}) > 40
    assert all(len(mutated(body, 60, seed)) <= 60 for seed in range(50))


def test_changed_bodies_are_read_or_refused_and_some_are_still_orders() -> None:
    accepted = 0
    for number, body in enumerate(seeds()):
        for seed in range(40):
            raw = mutated(body, 3_000, seed * 1_000 + number)
            read = read_text(raw)
            check(raw, read)
            accepted += isinstance(read, Alert)

    assert accepted > 20


def test_seeds_hold_an_order_of_each_kind() -> None:
    actions = {read.action.value for read in map(read_text, seeds()) if isinstance(read, Alert)}

    assert actions == {"buy", "sell", "add", "exit", "cancel"}
    assert len(seeds()) > len(MESSAGES)


def test_more_bodies_reach_more_lines_of_the_reader() -> None:
    few, there = lines_reached([b"{}"], read_text)
    more, _ = lines_reached(seeds(), read_text)

    assert 0 < few < more < there
    assert more > there / 2


def test_summary_says_what_the_log_says() -> None:
    told = summary("reader", LOG, 12.3)

    assert told == "reader: 2000 bodies in 12 s, 321 branches and 654 features reached, at most 74 MB"
