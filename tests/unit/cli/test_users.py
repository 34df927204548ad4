"""`orderbridge users`: adding, linking, passwords, removal; no password shows anywhere."""

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orderbridge.broker_api.login.model import User
from orderbridge.broker_api.login.passwords import verify
from orderbridge.brokers.login import Login
from orderbridge.secret import Secret
from orderbridge.storage.secrets import LoginSecrets, NotConnectedError
from orderbridge.storage.token_lease import TokenLeases
from orderbridge.storage.users import Users
from tests.unit.broker_api.login.bench import settings_of
from tests.unit.cli.bench import NOW_MS, SETTINGS, Bench
from tests.unit.storage.aws import PREFIX, TABLE

PASSWORD = "canary battery staple"


def users(bench: Bench) -> Users:
    return Users(bench.client("dynamodb"), TABLE)


def user(bench: Bench, login: str = "ann") -> User:
    found = users(bench).get(login)
    assert found is not None
    return found.value


def add(bench: Bench, login: str, *arguments: str) -> dict[str, object]:
    environ = {**bench.world.environ, "ORDERBRIDGE_PASSWORD": PASSWORD}
    added: dict[str, object] = bench.ok("users", "add", login, *arguments, environ=environ)
    return added


def test_added_user_has_the_linked_account_and_a_hashed_password(applied: Bench) -> None:
    shown = add(applied, "Ann", "--account", "sim")

    assert (shown["login"], shown["accounts"], shown["password"]) == ("ann", ["sim"], True)
    stored = user(applied)
    assert stored.accounts == ("sim",)
    assert stored.created_at_ms == NOW_MS
    assert verify(stored.password_hash, Secret(PASSWORD))


def test_password_is_asked_for_twice_and_never_shown(applied: Bench) -> None:
    result = applied.run("users", "add", "ann", answers=f"{PASSWORD}\n{PASSWORD}\n")

    assert result.exit_code == 0
    assert "canary" not in result.output
    assert verify(user(applied).password_hash, Secret(PASSWORD))


def test_password_that_cannot_be_asked_for_names_its_variable(applied: Bench) -> None:
    result = applied.run("users", "add", "ann", interactive=False)

    assert result.exit_code == 6
    assert "ORDERBRIDGE_PASSWORD" in result.stderr


def test_short_password_is_refused(applied: Bench) -> None:
    result = applied.run("users", "add", "ann", answers="short\nshort\n")

    assert result.exit_code == 3
    assert "12 characters" in result.stderr
    assert users(applied).all() == {}


def test_same_login_is_not_added_twice(applied: Bench) -> None:
    add(applied, "ann")

    result = applied.run("users", "add", "ANN", answers=f"{PASSWORD}\n{PASSWORD}\n")

    assert result.exit_code == 7
    assert "already" in result.stderr


@pytest.mark.parametrize("login", ["", "a b", "ä", "../x", "x" * 65, "-ann"])
def test_login_that_cannot_be_one_is_refused(applied: Bench, login: str) -> None:
    result = applied.run("users", "add", "--", login)

    assert result.exit_code == 3


def test_unknown_account_is_refused_with_the_known_ones(applied: Bench) -> None:
    result = applied.run("users", "add", "ann", "--account", "simm", answers=f"{PASSWORD}\n{PASSWORD}\n")

    assert result.exit_code == 3
    assert "which are: sim" in result.stderr


def test_user_for_tradestation_needs_no_password(applied: Bench) -> None:
    shown = applied.ok("users", "add", "tess", "--no-password", "--tradestation-account", "SIM1234567M")

    assert (shown["password"], shown["tradestation_account"]) == (False, "SIM1234567M")


def test_user_who_could_not_sign_in_at_all_is_refused(applied: Bench) -> None:
    assert applied.run("users", "add", "tess", "--no-password").exit_code == 3


def test_link_and_unlink_change_the_accounts(applied: Bench) -> None:
    add(applied, "ann")

    linked = applied.ok("users", "link", "ann", "sim", "sim")
    unlinked = applied.ok("users", "unlink", "ann", "sim")

    assert (linked["accounts"], unlinked["accounts"]) == (["sim"], [])
    assert applied.run("users", "unlink", "ann", "sim").exit_code == 3


def test_another_users_own_account_cannot_be_linked(applied: Bench) -> None:
    add(applied, "ann")
    applied.ok("users", "add", "tess", "--no-password", "--tradestation-account", "SIM1")
    found = users(applied).get("tess")
    assert found is not None
    users(applied).give_accounts(found, "user.tess", [settings_of("tess.SIM1", connection="user.tess")])

    result = applied.run("users", "link", "ann", "tess.SIM1")

    assert result.exit_code == 3
    assert user(applied).all_accounts == ()


def test_new_password_ends_the_sign_ins_of_the_old_one(applied: Bench) -> None:
    add(applied, "ann", "--account", "sim")
    before = user(applied)
    numbers = itertools.count(7)
    environ = {**applied.world.environ, "ORDERBRIDGE_PASSWORD": "another battery staple"}

    applied.ok("users", "passwd", "ann", environ=environ, random_bytes=lambda count: bytes([next(numbers)] * count))

    after = user(applied)
    assert after.generation != before.generation
    assert after.accounts == before.accounts
    assert verify(after.password_hash, Secret("another battery staple"))
    assert not verify(after.password_hash, Secret(PASSWORD))


def test_removing_asks_and_takes_the_users_own_login_along(applied: Bench) -> None:
    applied.ok("users", "add", "tess", "--no-password", "--tradestation-account", "SIM1")
    found = users(applied).get("tess")
    assert found is not None
    users(applied).give_accounts(found, "user.tess", [settings_of("tess.SIM1", connection="user.tess")])
    secrets = LoginSecrets(applied.client("secretsmanager"), PREFIX)
    login = Login("tradestation", "sim", "https://x", "https://y", Secret("r"), Secret("a"), 1, 0)
    secrets.create("user.tess", login, "v" * 32)
    leases = TokenLeases(applied.client("dynamodb"), TABLE)
    leases.register("user.tess", login, "v" * 32)

    declined = applied.run("users", "remove", "tess", answers="n\n")
    removed = applied.ok("users", "remove", "tess", "--yes")

    assert declined.exit_code == 6
    assert removed["own_accounts"] == ["tess.SIM1"]
    assert users(applied).get("tess") is None
    assert users(applied).own_accounts() == {}
    assert leases.connections() == []
    with pytest.raises(NotConnectedError):
        secrets.read("user.tess")


def test_apply_leaves_users_own_accounts_alone(applied: Bench) -> None:
    applied.ok("users", "add", "tess", "--no-password", "--tradestation-account", "SIM1")
    found = users(applied).get("tess")
    assert found is not None
    users(applied).give_accounts(found, "user.tess", [settings_of("tess.SIM1", connection="user.tess")])

    result = applied.ok("apply")

    assert result["changes"] == []
    assert list(users(applied).own_accounts()) == ["tess.SIM1"]


def give_tess_an_account(bench: Bench, **changes: Any) -> None:
    bench.ok("users", "add", "tess", "--no-password", "--tradestation-account", "SIM1")
    found = users(bench).get("tess")
    assert found is not None
    own = replace(settings_of("tess.SIM1", connection="user.tess"), **changes)
    users(bench).give_accounts(found, "user.tess", [own])


def test_apply_refuses_an_account_that_a_user_has_brought_along(bench: Bench) -> None:
    give_tess_an_account(bench, broker_account_id="SIM123F")
    bench.write(SETTINGS)

    result = bench.run("apply", "--yes")

    assert result.exit_code == 3
    assert "users remove tess" in result.stderr
    assert bench.ok("apply", "--dry-run", folder=empty(bench))["written"] is False


def empty(bench: Bench) -> Path:
    """Give a folder whose settings name another account."""
    folder = bench.folder / "other"
    folder.mkdir()
    (folder / "orderbridge.yaml").write_text(SETTINGS.replace("SIM123F", "SIM124F"), encoding="utf-8")
    return folder


def test_users_own_account_can_be_halted_and_confirmed_for_live_orders(applied: Bench) -> None:
    give_tess_an_account(applied, environment="live", broker_account_id="123F")

    applied.ok("halt", "--account", "tess.SIM1")
    applied.ok("live", "tess.SIM1", "--confirm", "123F")

    assert [one["scope"] for one in applied.ok("status")["halts"]] == ["account#tess.SIM1"]
    assert users(applied).own_accounts()["tess.SIM1"].live_confirmed_at_ms is not None
    assert "tess.SIM1" in applied.run("live", "nope").stderr


def test_list_shows_everybody_and_no_hash(applied: Bench) -> None:
    add(applied, "ann", "--account", "sim")
    applied.ok("users", "add", "tess", "--no-password", "--tradestation-account", "SIM1")

    result = applied.run("users", "list")
    listed = applied.ok("users", "list")

    assert [one["login"] for one in listed["users"]] == ["ann", "tess"]
    assert "argon2" not in json.dumps(listed) + result.output
    assert "TradeStation (not yet done)" in result.stdout


def test_unknown_user_is_told_with_the_known_ones(applied: Bench) -> None:
    add(applied, "ann")

    result = applied.run("users", "passwd", "bob")

    assert result.exit_code == 3
    assert "users are: ann" in result.stderr
