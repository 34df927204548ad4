"""Whose token, whose account: one user never sees or trades another's."""

from dataclasses import replace

import pytest

from orderbridge.broker_api.login.authenticate import KEPT_S, Authenticator, account_of, accounts_of
from orderbridge.broker_api.login.issue import Issued
from orderbridge.broker_api.login.model import User
from orderbridge.errors import NotSignedInError, NotYoursError
from orderbridge.secret import Secret
from tests.unit.broker_api.login.bench import CLIENT, PASSWORD, Bench, Random

NAMES = ("sim-a", "sim-b", "sim-shared")


class HandClock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def fresh(bench: Bench, clock: HandClock | None = None) -> Authenticator:
    panel = bench.panel
    return Authenticator(panel.sessions, panel.users, panel.clients, panel.now_ms, clock or HandClock())


def user(bench: Bench, login: str) -> User:
    return fresh(bench).authenticate(bench.tokens(login)["access_token"])


# ---- accounts


def test_each_user_has_exactly_the_linked_accounts(bench: Bench) -> None:
    assert list(accounts_of(user(bench, "ann"), bench.panel.accounts)) == ["sim-a", "sim-shared"]
    assert list(accounts_of(user(bench, "bob"), bench.panel.accounts)) == ["sim-b", "sim-shared"]


@pytest.mark.parametrize(
    "name", ["sim-b", "SIM-A", "sim-a ", "SIM-sim-a", "", "*", "sim-a#MES", "sim-a/../sim-b", "bob.SIM1", "\u0000"]
)
def test_account_that_is_not_the_users_is_not_there(bench: Bench, name: str) -> None:
    ann = user(bench, "ann")

    with pytest.raises(NotYoursError) as refused:
        account_of(ann, name, bench.panel.accounts)

    assert str(refused.value) == "There is no such account."


def test_foreign_and_missing_account_are_told_in_the_same_words(bench: Bench) -> None:
    ann = user(bench, "ann")
    told = set()

    for name in ("sim-b", "no-such-account"):
        with pytest.raises(NotYoursError) as refused:
            account_of(ann, name, bench.panel.accounts)
        told.add(str(refused.value))

    assert len(told) == 1


def test_linked_account_that_left_the_settings_is_left_out(bench: Bench) -> None:
    ann = replace(user(bench, "ann"), accounts=("gone", "sim-a"))

    assert list(accounts_of(ann, bench.panel.accounts)) == ["sim-a"]


def test_own_account_under_another_login_than_the_users_is_refused(bench: Bench) -> None:
    bench.add_account("ann.SIM1", connection="user.bob")
    ann = replace(user(bench, "ann"), own_accounts=("ann.SIM1",), connection="user.ann")

    with pytest.raises(NotYoursError):
        account_of(ann, "ann.SIM1", bench.panel.accounts)


# ---- tokens


@pytest.mark.parametrize("token", ["", " ", "x", "x" * 65, "é" * 65, "../" * 30, "x" * 100_000, "\u0000" * 65, "a b"])
def test_made_up_token_is_nobodys(bench: Bench, token: str) -> None:
    with pytest.raises(NotSignedInError):
        fresh(bench).authenticate(token)


def test_token_with_one_letter_changed_is_nobodys(bench: Bench) -> None:
    token = bench.tokens()["access_token"]

    for position in (0, 21, 22, 64):
        other = "A" if token[position] != "A" else "B"
        with pytest.raises(NotSignedInError):
            fresh(bench).authenticate(token[:position] + other + token[position + 1 :])


def test_secret_of_one_sign_in_does_not_open_another(bench: Bench) -> None:
    ann, bob = bench.tokens("ann")["access_token"], bench.tokens("bob")["access_token"]

    with pytest.raises(NotSignedInError):
        fresh(bench).authenticate(ann[:22] + bob[22:])


def test_unsigned_jwt_is_nobodys_token(bench: Bench) -> None:
    forged = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ."

    with pytest.raises(NotSignedInError):
        fresh(bench).authenticate(forged)


def test_digest_of_a_token_is_no_token(bench: Bench) -> None:
    bench.tokens()
    (item,) = [item for item in bench.items() if item["pk"]["S"].startswith("SIGNIN#")]
    sign_in, _ = bench.panel.sessions.sign_in(item["pk"]["S"].removeprefix("SIGNIN#")) or (None, 0)
    assert sign_in is not None

    with pytest.raises(NotSignedInError):
        fresh(bench).authenticate(sign_in.id + sign_in.current.access_hash[:43])


# ---- users that change


def test_new_password_ends_every_sign_in(bench: Bench) -> None:
    token = bench.tokens()
    found = bench.panel.users.get("ann")
    assert found is not None

    bench.panel.users.put(replace(found.value, generation="another"), found.version)

    with pytest.raises(NotSignedInError):
        fresh(bench).authenticate(token["access_token"])
    assert bench.refresh(token["refresh_token"])[0] == 400


def test_removed_user_is_signed_out_and_stays_so_when_added_again(bench: Bench) -> None:
    token = bench.tokens()
    found = bench.panel.users.get("ann")
    assert found is not None

    bench.panel.users.remove(found)
    with pytest.raises(NotSignedInError):
        fresh(bench).authenticate(token["access_token"])
    bench.add_user("ann", "sim-a", generation="of the second ann")

    with pytest.raises(NotSignedInError):
        fresh(bench).authenticate(token["access_token"])
    assert bench.refresh(token["refresh_token"])[0] == 400


def test_code_of_a_user_who_was_removed_meanwhile_gives_nothing(bench: Bench) -> None:
    code = bench.code()
    found = bench.panel.users.get("ann")
    assert found is not None

    bench.panel.users.remove(found)

    assert bench.redeem(code)[0] == 400


def test_unlinked_account_is_gone_within_seconds(bench: Bench) -> None:
    clock = HandClock()
    authenticator, token = fresh(bench, clock), bench.tokens()["access_token"]
    before = authenticator.authenticate(token)
    found = bench.panel.users.get("ann")
    assert found is not None
    bench.panel.users.put(replace(found.value, accounts=("sim-shared",)), found.version)

    clock.now = KEPT_S + 0.1
    after = authenticator.authenticate(token)

    assert (before.all_accounts, after.all_accounts) == (("sim-a", "sim-shared"), ("sim-shared",))


def test_token_ends_within_seconds_with_the_client_that_it_was_given_to(bench: Bench) -> None:
    clock = HandClock()
    authenticator, tokens = fresh(bench, clock), bench.tokens()
    by_password = bench.panel.passwords.sign_in("ann", Secret(PASSWORD), "203.0.113.9")
    assert isinstance(by_password, Issued)
    assert authenticator.authenticate(tokens["access_token"]).login == "ann"

    bench.panel.clients.remove(CLIENT)
    clock.now = KEPT_S + 0.1

    with pytest.raises(NotSignedInError):
        authenticator.authenticate(tokens["access_token"])
    assert bench.refresh(tokens["refresh_token"])[0] == 401
    assert authenticator.authenticate(by_password.access_token.reveal()).login == "ann"


def test_random_bytes_of_the_bench_never_repeat() -> None:
    draw = Random()

    assert len({draw(16) for _ in range(100)}) == 100
