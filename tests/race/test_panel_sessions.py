"""Codes, refresh tokens, tries and accounts when several ask at the same moment: each promise holds for the table."""

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, TypeVar

import pytest

from orderbridge.broker_api.gateway import read_request
from orderbridge.broker_api.login.endpoint import TokenEndpoint
from orderbridge.broker_api.login.issue import begin
from orderbridge.broker_api.login.model import Code, Limit, User
from orderbridge.broker_api.login.tokens import digest
from orderbridge.errors import ConflictError, NotSignedInError
from orderbridge.panel import Panel, PanelEnvironment
from orderbridge.storage.attempts import Attempts
from orderbridge.storage.users import Users
from sandbox.local_aws import BridgeResources, LocalAws
from tests.unit.broker_api.login.bench import (
    CLIENT,
    REDIRECT,
    SECRET,
    event,
    oauth_client,
    settings_of,
)

pytestmark = pytest.mark.race

WORKERS = 8
ROUNDS = 5
R = TypeVar("R")


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def together(work: Callable[[int], R], workers: int = WORKERS) -> list[R]:
    """Do the work in as many threads, begun at the same moment."""
    gate = Barrier(workers)

    def one(number: int) -> R:
        gate.wait()
        return work(number)

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(one, range(workers)))


def panel(aws: LocalAws, bridge: BridgeResources) -> Panel:
    """Make a panel as a process of its own would."""
    environment = PanelEnvironment(bridge.table_name, bridge.secret_prefix, (), ())
    return Panel(environment, client_of=aws.client)


@pytest.fixture
def ready(aws: LocalAws, bridge: BridgeResources) -> Panel:
    made = panel(aws, bridge)
    made.clients.put(oauth_client())
    made.users.put(User("ann", "generation", ("sim-a",)), None)
    return made


def endpoint(of: Panel) -> TokenEndpoint:
    return TokenEndpoint(of.clients, of.users, of.sessions, now_ms, os.urandom)


def ask(of: Panel, **form: str) -> tuple[int, dict[str, Any]]:
    fields = {"client_id": CLIENT, "client_secret": SECRET, **form}
    answer = endpoint(of).answer(read_request(event("POST", "/oauth/token", form=fields)))
    return answer.status, json.loads(answer.body)


def refresh_token(ready: Panel) -> str:
    user = ready.users.get("ann")
    assert user is not None
    sign_in, issued = begin("code", now_ms(), os.urandom, user=user.value, client_id=CLIENT)
    ready.sessions.begin(sign_in)
    return issued.refresh_token.reveal()


def test_code_presented_by_many_at_once_gives_tokens_once_and_then_ends_them(
    aws: LocalAws, bridge: BridgeResources, ready: Panel
) -> None:
    for number in range(ROUNDS):
        code = f"code-{number}"
        kept = Code(CLIENT, REDIRECT, "ann", "generation", f"sign-in-{number}", now_ms() + 60_000)
        ready.sessions.keep_code(digest(code), kept)
        panels = [panel(aws, bridge) for _ in range(WORKERS)]

        def redeem(n: int, panels: list[Panel] = panels, code: str = code) -> tuple[int, dict[str, Any]]:
            return ask(panels[n], grant_type="authorization_code", code=code, redirect_uri=REDIRECT)

        answers = together(redeem)

        assert sorted(status for status, _ in answers) == [200, *[400] * (WORKERS - 1)]
        (tokens,) = [body for status, body in answers if status == 200]
        with pytest.raises(NotSignedInError):
            ready.authenticator.authenticate(tokens["access_token"])


def test_refresh_by_many_at_once_gives_different_tokens_and_the_one_used_first_wins(
    aws: LocalAws, bridge: BridgeResources, ready: Panel
) -> None:
    refresh = refresh_token(ready)
    panels = [panel(aws, bridge) for _ in range(4)]

    answers = together(lambda n: ask(panels[n], grant_type="refresh_token", refresh_token=refresh), 4)

    given = [body["access_token"] for status, body in answers if status == 200]
    assert len(given) == len(set(given)) >= 1
    assert ready.authenticator.authenticate(given[0]).login == "ann"
    for other in given[1:]:
        with pytest.raises(NotSignedInError):
            ready.authenticator.authenticate(other)


def test_new_access_token_first_used_by_many_at_once_is_good_for_all(
    aws: LocalAws, bridge: BridgeResources, ready: Panel
) -> None:
    for _ in range(ROUNDS):
        refresh = refresh_token(ready)
        _, answer = ask(ready, grant_type="refresh_token", refresh_token=refresh)
        panels = [panel(aws, bridge) for _ in range(WORKERS)]

        def who(n: int, panels: list[Panel] = panels, token: str = answer["access_token"]) -> str:
            return panels[n].authenticator.authenticate(token).login

        assert together(who) == ["ann"] * WORKERS


def test_tries_sent_side_by_side_are_all_counted(aws: LocalAws, bridge: BridgeResources) -> None:
    for number in range(ROUNDS):
        limit = Limit(f"limit-{number}", 5, 60_000)
        stores = [Attempts(aws.client("dynamodb"), bridge.table_name) for _ in range(WORKERS)]

        def take(n: int, stores: list[Attempts] = stores, limit: Limit = limit) -> int | None:
            return stores[n].take(limit, 1_000)

        assert [until for until in together(take) if until is not None] == [61_000] * (WORKERS - 5)


def test_one_broker_account_goes_to_one_of_two_users(aws: LocalAws, bridge: BridgeResources, ready: Panel) -> None:
    for number in range(ROUNDS):
        logins = (f"one-{number}", f"two-{number}")
        for login in logins:
            ready.users.put(User(login, "generation"), None)

        def give(n: int, logins: tuple[str, str] = logins, number: int = number) -> bool:
            users = Users(aws.client("dynamodb"), bridge.table_name)
            found = users.get(logins[n])
            assert found is not None
            account = settings_of(f"{logins[n]}.X", connection=f"user.{logins[n]}", broker_account_id=f"SIM{number}")
            try:
                users.give_accounts(found, f"user.{logins[n]}", [account])
            except ConflictError:
                return False
            return True

        assert sorted(together(give, 2)) == [False, True]
        owners = [ready.users.get(login) for login in logins]
        assert sorted(len(owner.value.own_accounts) for owner in owners if owner) == [0, 1]
