"""Refresh token rotation, for every order in which two holders can use what they were given."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from orderbridge.broker_api.login.model import Pair, SignIn
from orderbridge.broker_api.login.rotation import MOST_CHILDREN, RefreshRefused, use_access, use_refresh

END_MS = 1_000_000


def pair(name: str) -> Pair:
    return Pair(f"access-{name}", END_MS, f"refresh-{name}", END_MS)


@dataclass
class Line:
    """A sign-in with the names of all pairs that it ever gave."""

    sign_in: SignIn = field(default_factory=lambda: SignIn("id", "code", 0, pair("0")))
    given: list[str] = field(default_factory=lambda: ["0"])
    over: bool = False

    def access(self, name: str) -> bool:
        used = None if self.over else use_access(self.sign_in, f"access-{name}", 0)
        self.sign_in = used or self.sign_in
        return used is not None

    def refresh(self, name: str) -> bool:
        if self.over:
            return False
        new = str(len(self.given))
        used = use_refresh(self.sign_in, f"refresh-{name}", pair(new), 0)
        if isinstance(used, RefreshRefused):
            self.over = self.over or used.reused
            return False
        self.given.append(new)
        self.sign_in = used
        return True


moves = st.lists(st.tuples(st.sampled_from(["access", "refresh"]), st.integers(0, 5)), max_size=30)


@given(moves)
def test_at_most_one_generation_and_its_children_are_good(played: list[tuple[str, int]]) -> None:
    line = Line()
    for kind, number in played:
        name = line.given[min(number, len(line.given) - 1)]
        line.access(name) if kind == "access" else line.refresh(name)

    good = {line.sign_in.current.access_hash, *(child.access_hash for child in line.sign_in.children)}
    for name in line.given:
        found = use_access(line.sign_in, f"access-{name}", 0)
        assert (found is not None) is (f"access-{name}" in good)


@given(moves)
def test_a_pair_that_was_left_behind_never_works_again(played: list[tuple[str, int]]) -> None:
    line = Line()
    dead: set[str] = set()
    for kind, number in played:
        name = line.given[min(number, len(line.given) - 1)]
        worked = line.access(name) if kind == "access" else line.refresh(name)
        assert not (worked and name in dead)
        alive = {one.access_hash for one in (line.sign_in.current, *line.sign_in.children)}
        dead |= {name for name in line.given if f"access-{name}" not in alive}


@given(moves)
def test_two_holders_never_both_go_on(played: list[tuple[str, int]]) -> None:
    """Whoever has stolen a refresh token and whoever owns it: once both have refreshed on, it ends."""
    line = Line()
    for kind, number in played:
        name = line.given[min(number, len(line.given) - 1)]
        line.access(name) if kind == "access" else line.refresh(name)
    one, other = Line(line.sign_in, line.given, line.over), "0"

    thief = one.refresh(other)
    if thief:
        stolen = one.given[-1]
        owner = one.refresh(other)
        owned = one.given[-1] if owner else ""
        if one.refresh(stolen) and owned and owned != stolen:
            assert not one.refresh(owned)
            assert one.over


def test_old_access_token_is_good_until_a_new_one_is_used() -> None:
    line = Line()
    line.refresh("0")

    assert line.access("0")
    assert line.access("1")
    assert not line.access("0")


def test_sibling_of_the_pair_that_was_used_is_over() -> None:
    line = Line()
    line.refresh("0")
    line.refresh("0")
    line.access("2")

    assert not line.access("1")
    assert not line.over
    assert not line.refresh("1")
    assert line.over


def test_children_are_bounded_and_the_latest_ones_are_good() -> None:
    line = Line()
    for _ in range(MOST_CHILDREN + 3):
        line.refresh("0")

    assert len(line.sign_in.children) == MOST_CHILDREN
    assert line.access(line.given[-1])


def test_lapsed_refresh_token_is_refused_without_ending_the_sign_in() -> None:
    outcome = use_refresh(Line().sign_in, "refresh-0", pair("1"), END_MS)

    assert outcome == RefreshRefused(reused=False)


def test_lapsed_access_token_is_refused() -> None:
    assert use_access(Line().sign_in, "access-0", END_MS) is None
