"""Login and password: limits of tries, equal time, fresh tokens (the password flow)."""

import time
from dataclasses import replace
from statistics import median

import pytest
from argon2 import PasswordHasher

from orderbridge.broker_api.login.issue import Issued
from orderbridge.broker_api.login.model import User
from orderbridge.broker_api.login.password_login import Denied, clean_login, limits_of, network_of
from orderbridge.broker_api.login.passwords import hash_password, outdated, verify, wrong_with
from orderbridge.errors import NotSignedInError
from orderbridge.secret import Secret
from orderbridge.storage.attempts import Attempts
from tests.unit.broker_api.login.bench import NOW_MS, PASSWORD, Bench, BrowserTab, authorization, password_hash
from tests.unit.storage.aws import TABLE

MINUTE_MS = 60_000
HERE, THERE = "203.0.113.5", "198.51.100.7"


def check(bench: Bench, login: str = "ann", password: str = PASSWORD, address: str = HERE) -> User | Denied:
    return bench.panel.passwords.check(login, Secret(password), address)


def limited(outcome: User | Denied) -> bool:
    return isinstance(outcome, Denied) and outcome.limited


# ---- the password flow


def test_ten_logins_give_ten_tokens_that_all_work(bench: Bench) -> None:
    issued = [bench.panel.passwords.sign_in("ann", Secret(PASSWORD), HERE) for _ in range(10)]

    tokens = {one.access_token.reveal() for one in issued if isinstance(one, Issued)}
    assert len(tokens) == 10
    assert {bench.who(token) for token in tokens} == {"ann"}


def test_password_token_lasts_for_a_day_and_has_no_refresh_token(bench: Bench) -> None:
    issued = bench.panel.passwords.sign_in("ann", Secret(PASSWORD), HERE)

    assert isinstance(issued, Issued)
    assert issued.access_ends_ms == NOW_MS + 24 * 60 * MINUTE_MS
    assert not issued.refresh_token
    bench.pass_ms(24 * 60 * MINUTE_MS)
    with pytest.raises(NotSignedInError):
        bench.who(issued.access_token.reveal())


def test_token_is_masked_wherever_it_is_shown(bench: Bench) -> None:
    issued = bench.panel.passwords.sign_in("ann", Secret(PASSWORD), HERE)

    assert isinstance(issued, Issued)
    assert issued.access_token.reveal() not in repr(issued)


def test_user_without_a_password_cannot_sign_in_with_one(bench: Bench) -> None:
    bench.add_user("tess", password_hash="")

    assert isinstance(check(bench, "tess", ""), Denied)
    assert isinstance(check(bench, "tess", "nobody has this password, and its check is thrown away"), Denied)


# ---- limits


def test_sixth_wrong_password_from_an_address_is_not_looked_at(bench: Bench) -> None:
    outcomes = [check(bench, password="wrong") for _ in range(5)]

    sixth = check(bench)

    assert [limited(one) for one in outcomes] == [False] * 5
    assert limited(sixth)
    assert isinstance(sixth, Denied)
    assert sixth.message == "Too many tries. Wait 5 min and try again."


def test_limit_ends_with_its_window(bench: Bench) -> None:
    for _ in range(6):
        check(bench, password="wrong")
    bench.pass_ms(5 * MINUTE_MS)

    assert isinstance(check(bench), User)


def test_limited_login_still_works_from_another_address(bench: Bench) -> None:
    for _ in range(6):
        check(bench, password="wrong")

    assert isinstance(check(bench, address=THERE), User)


def test_address_that_tries_many_logins_is_limited(bench: Bench) -> None:
    attempts = Attempts(bench.aws.dynamodb, TABLE)
    for number in range(30):
        assert attempts.take(limits_of(f"user{number}", HERE)[1], NOW_MS) is None

    assert limited(check(bench))
    assert isinstance(check(bench, address=THERE), User)


def test_login_that_many_addresses_try_is_limited(bench: Bench) -> None:
    attempts = Attempts(bench.aws.dynamodb, TABLE)
    for _ in range(100):
        assert attempts.take(limits_of("ann", HERE)[2], NOW_MS) is None

    assert limited(check(bench, address=THERE))
    assert isinstance(check(bench, "bob", address=THERE), User)


def test_unknown_login_is_limited_like_a_known_one(bench: Bench) -> None:
    for _ in range(5):
        check(bench, "nobody", "wrong")

    assert limited(check(bench, "nobody", "wrong"))


def test_right_passwords_use_up_no_tries(bench: Bench) -> None:
    outcomes = [check(bench) for _ in range(8)]

    assert [limited(one) for one in outcomes] == [False] * 8


def test_refused_try_takes_no_place_in_the_wider_windows(bench: Bench) -> None:
    for _ in range(40):
        check(bench, password="wrong")  # only the first five are looked at

    assert isinstance(check(bench, "bob"), User)


def test_page_says_how_long_to_wait(bench: Bench, tab: BrowserTab) -> None:
    for _ in range(5):
        tab.open(authorization())
        tab.submit(login="ann", password="wrong")
    tab.open(authorization())

    answer = tab.submit(login="ann", password=PASSWORD)

    assert answer.status == 429
    assert tab.error == "Too many tries. Wait 5 min and try again."


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("203.0.113.5", "203.0.113.6", False),
        ("", "rubbish", True),
    ],
)
def test_addresses_of_one_household_count_together(one: str, other: str, same: bool) -> None:
    assert (network_of(one) == network_of(other)) is same


# ---- hashing


def test_wrong_unknown_and_passwordless_logins_take_equally_long(bench: Bench) -> None:
    bench.add_user("tess", password_hash="")
    cases = {"wrong": ("ann", "wrong"), "unknown": ("nobody", "wrong"), "passwordless": ("tess", "wrong")}
    took: dict[str, list[float]] = {name: [] for name in cases}
    verify("", Secret("makes the hash that nobody has"))
    for number in range(3):
        for name, (login, password) in cases.items():
            begun = time.process_time()
            check(bench, login, password, f"203.0.113.{number}")
            took[name].append(time.process_time() - begun)

    middles = [median(values) for values in took.values()]
    assert max(middles) < 1.6 * min(middles)


def test_hash_is_argon2id_with_a_salt_of_its_own() -> None:
    one, other = password_hash(), hash_password(Secret(PASSWORD))

    assert one.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert one != other
    assert verify(other, Secret(PASSWORD))


def test_hash_of_older_costs_is_renewed_at_the_next_sign_in(bench: Bench) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    found = bench.panel.users.get("ann")
    assert found is not None
    bench.panel.users.put(replace(found.value, password_hash=weak), found.version)

    outcome = check(bench)

    stored = bench.panel.users.get("ann")
    assert isinstance(outcome, User)
    assert stored is not None
    assert outdated(weak)
    assert not outdated(stored.value.password_hash)
    assert isinstance(check(bench), User)


@pytest.mark.parametrize(
    ("password", "fine"), [("x" * 11, False), ("x" * 12, True), ("x" * 256, True), ("x" * 257, False)]
)
def test_password_has_a_least_and_a_greatest_length(password: str, fine: bool) -> None:
    assert (wrong_with(Secret(password)) == "") is fine


@pytest.mark.parametrize(
    ("text", "login"),
    [
        ("Ann", "ann"),
        (" ann@example.com ", "ann@example.com"),
        ("", ""),
        ("a b", ""),
        ("ann\n", "ann"),
        ("-ann", ""),
        ("ä", ""),
    ],
)
def test_login_is_cleaned(text: str, login: str) -> None:
    assert clean_login(text) == login
