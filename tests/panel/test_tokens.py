"""The panel behind its real door: tokens of the password flow, and what is made of them, at every operation."""

import base64
import hashlib
import itertools
import json
from dataclasses import replace
from typing import Any

import jwt
import pytest

from orderbridge.broker_api.login.model import User
from orderbridge.broker_api.login.passwords import hash_password
from orderbridge.broker_api.serving import BrokerApi
from orderbridge.panel import Panel, PanelEnvironment
from orderbridge.secret import Secret
from tests.machine import HandMade
from tests.panel.conftest import PANEL_BENCHES
from tests.panel.schema import operations
from tests.panel.world import PanelWorld, TestStage
from tests.scenario.world import TABLE

PASSWORD = "correct horse battery"
DAY_MS = 24 * 3_600_000
GUARDED = sorted(name for name in operations() if name not in ("authorize", "getMapping"))


class GuardedWorld(PanelWorld):
    """A world whose API asks the real door who somebody is."""

    def __init__(self, bench: Any) -> None:
        super().__init__(bench)
        draw = itertools.count()
        machine = HandMade(
            now_ms=self.clock.now_ms,
            monotonic=self.clock.monotonic,
            random_bytes=lambda count: hashlib.shake_256(str(next(draw)).encode()).digest(count),
        )
        environment = PanelEnvironment(TABLE, "prefix", (), ())
        self.panel = Panel(environment, machine=machine, client_of=lambda _: self.client)
        hashed = hash_password(Secret(PASSWORD))
        self.panel.users.put(User("alice", "g1", accounts=(self.account.name,), password_hash=hashed), None)
        self.api = BrokerApi(TestStage(self), self.panel.authenticator, self.panel.passwords)

    def log_in(self) -> str:
        form = {"login": "alice", "password": PASSWORD, "locale": "en"}
        return str(self.ask("POST", "/authorize", form, token=None).d["access_token"])

    def refused(self, token: str) -> list[str]:
        """Name the operations that answer this token with 401."""
        found = []
        for name in GUARDED:
            method, path = operations()[name]
            form = self.ticket() if method != "GET" else None
            reply = self.ask(method, path.replace("{accountId}", self.account.name), form, token=token)
            if reply.status == 401:
                assert reply.content["s"] == "error"
                assert reply.headers["Access-Control-Allow-Origin"] == "https://www.tradingview.com"
                found.append(name)
        return found


@pytest.fixture
def world() -> GuardedWorld:
    return GuardedWorld(PANEL_BENCHES["tradestation"]())


def unsigned(claims: dict[str, Any]) -> str:
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def test_token_of_the_password_flow_is_good_for_its_user(world: GuardedWorld) -> None:
    token = world.log_in()

    assert [one["id"] for one in world.ask("GET", "/accounts", token=token).d] == [world.account.name]
    assert world.ask("POST", world.own("orders"), world.ticket(), token=token).ok
    assert world.held() == world.bench.unit


@pytest.mark.parametrize("forgery", ["changed", "cut", "alg=none", "signed by another", "of the digest"])
def test_forged_token_is_401_at_every_operation_and_does_nothing(world: GuardedWorld, forgery: str) -> None:
    token = world.log_in()
    claims = {"sub": "alice", "exp": world.clock.now_ms() // 1000 + 3_600}
    forged = {
        "changed": token[:-1] + ("A" if token[-1] != "A" else "B"),
        "cut": token[:-1],
        "alg=none": unsigned(claims),
        "signed by another": jwt.encode(claims, "k" * 32, algorithm="HS256"),
        "of the digest": token[: len(token) // 2] + hashlib.sha256(token.encode()).hexdigest(),
    }[forgery]

    assert world.refused(forged) == GUARDED
    assert world.bench.writes() == 0


def test_token_is_401_at_every_operation_once_it_is_over(world: GuardedWorld) -> None:
    token = world.log_in()

    world.bench.advance(DAY_MS + 1_000)

    assert world.refused(token) == GUARDED
    assert world.bench.writes() == 0


def test_user_who_is_removed_while_logged_in_is_out_within_seconds(world: GuardedWorld) -> None:
    token = world.log_in()
    assert world.ask("GET", "/accounts", token=token).ok
    found = world.panel.users.get("alice")
    assert found is not None

    world.panel.users.remove(found)
    world.bench.advance(5_100)

    assert world.refused(token) == GUARDED
    assert world.bench.writes() == 0


def test_account_that_is_unlinked_while_logged_in_is_gone_within_seconds(world: GuardedWorld) -> None:
    token = world.log_in()
    assert world.ask("GET", world.own("orders"), token=token).ok
    found = world.panel.users.get("alice")
    assert found is not None

    world.panel.users.put(replace(found.value, accounts=()), found.version)
    world.bench.advance(5_100)

    assert world.ask("GET", world.own("orders"), token=token).errmsg == "There is no such account."
    assert world.ask("POST", world.own("orders"), world.ticket(), token=token).errmsg == "There is no such account."
    assert world.bench.writes() == 0


def test_token_is_401_after_logging_out(world: GuardedWorld) -> None:
    token, other = world.log_in(), world.log_in()

    assert world.ask("POST", "/logout", {}, token=token).ok

    assert world.refused(token) == GUARDED
    assert world.ask("GET", "/accounts", token=other).ok


def test_ten_logins_give_ten_tokens_with_an_end_in_the_future(world: GuardedWorld) -> None:
    form = {"login": "alice", "password": PASSWORD}
    given = [world.ask("POST", "/authorize", form, token=None).d for _ in range(10)]

    assert len({one["access_token"] for one in given}) == 10
    assert all(isinstance(one["expiration"], int) for one in given)
    assert all(one["expiration"] > world.clock.now_ms() // 1000 for one in given)
