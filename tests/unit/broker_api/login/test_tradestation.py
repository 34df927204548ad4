"""Signing in at TradeStation from our page, against the simulated TradeStation: own tokens, own accounts."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from orderbridge.broker_api.login.authenticate import accounts_of
from orderbridge.broker_api.login.model import User
from orderbridge.broker_api.login.tradestation import ApiKey, RefusedError, subject_of
from orderbridge.brokers.login import Login
from orderbridge.secret import NO_SECRET, Secret
from orderbridge.storage.panel_key import PanelKey
from orderbridge.storage.secrets import LoginSecrets, NotConnectedError
from orderbridge.storage.token_lease import TokenLeases
from sandbox.simserver import ManualClock
from sandbox.simserver.inprocess import InProcess
from sandbox.simserver.transport import SimulatedTransport
from sandbox.tradestation.app import TradeStation
from sandbox.tradestation.seeds import KEYS
from tests.unit.broker_api.login.bench import (
    NOW_MS,
    Bench,
    BrowserTab,
    authorization,
    panel_bench,
    told,
)
from tests.unit.storage.aws import PREFIX, TABLE

HOST = "http://127.0.0.1:9"
CALLBACK = "https://bridge.example.com/v1/oauth/tradestation/callback"
FIRST, SECOND = "sim-trader-1", "sim-trader-2"


def api_key(environment: str = "sim") -> ApiKey:
    blank = Login(
        broker="tradestation",
        environment="live" if environment == "live" else "sim",
        base_url=f"{HOST}/v3",
        auth_url=HOST,
        refresh_token=NO_SECRET,
        access_token=NO_SECRET,
        access_expires_at_ms=0,
        obtained_at_ms=0,
        client_id=KEYS[0].client_id,
        client_secret=Secret(KEYS[0].client_secret or ""),
    )
    return ApiKey(blank, CALLBACK)


@dataclass
class World:
    """The panel's bench with a simulated TradeStation behind it."""

    bench: Bench
    broker: InProcess
    http: httpx.Client

    def at_tradestation(self, location: str, trader: str, **changes: str) -> str:
        """Do what the browser and the person do there; give the query that the browser comes back with."""
        reply = self.http.get(location, params=dict(httpx.URL(location).params) | {"login_hint": trader} | changes)
        assert reply.status_code == 302, reply.text
        assert reply.headers["Location"].startswith(f"{CALLBACK}?")
        return urlsplit(reply.headers["Location"]).query

    def sign_in(self, tab: BrowserTab, trader: str = FIRST, **changes: str) -> None:
        """Go the whole way: our page, TradeStation, back, and our page again if it let us in."""
        tab.open(authorization())
        away = tab.open(authorization(), "/oauth/tradestation/start")
        back = tab.open(
            self.at_tradestation(away.headers["Location"], trader, **changes), "/oauth/tradestation/callback"
        )
        if back.status == 302:
            assert back.headers["Location"].startswith("../authorize?")
            tab.open(urlsplit(back.headers["Location"]).query)

    def user(self, login: str) -> User:
        found = self.bench.panel.users.get(login)
        assert found is not None
        return found.value

    def login(self, connection: str) -> Login:
        return LoginSecrets(self.bench.aws.secretsmanager, PREFIX).read(connection).login


@pytest.fixture
def world() -> Iterator[World]:
    broker = InProcess(TradeStation(ManualClock(NOW_MS), callbacks=frozenset({CALLBACK})))
    transport = SimulatedTransport(broker)
    with panel_bench(transport, broker_hosts=("127.0.0.1:9",)) as bench:
        PanelKey(bench.aws.secretsmanager, PREFIX).write(api_key())
        bench.add_user("tess", password_hash="", tradestation_account="SIM1234567M")
        bench.add_user("theo", password_hash="", tradestation_account="SIM7654321M")
        yield World(bench, broker, httpx.Client(transport=transport))


@pytest.fixture
def tab(world: World) -> BrowserTab:
    return BrowserTab(world.bench)


# ---- the way in


def test_page_offers_tradestation_where_there_is_a_key(tab: BrowserTab) -> None:
    assert "tradestation/start?" in tab.open(authorization()).body


def test_page_does_not_offer_tradestation_without_a_key(bench: Bench) -> None:
    assert "tradestation/start" not in BrowserTab(bench).open(authorization()).body


def test_way_to_tradestation_asks_for_the_scopes_and_comes_back_to_us(tab: BrowserTab) -> None:
    answer = tab.open(authorization(), "/oauth/tradestation/start")

    asked = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert asked["redirect_uri"] == [CALLBACK]
    assert "Trade" in asked["scope"][0]
    assert len(asked["state"][0]) == 43


def test_invited_person_gets_a_consent_page_with_own_accounts_and_then_a_code(world: World, tab: BrowserTab) -> None:
    world.sign_in(tab)

    assert "signed in as <strong>tess</strong>" in tab.answer.body
    assert "tess.SIM1234567M (TradeStation, simulated)" in tab.answer.body
    status, tokens = world.bench.redeem(told(tab.submit("allow"))["code"])
    assert status == 200
    user = world.bench.panel.authenticator.authenticate(tokens["access_token"])
    accounts = accounts_of(user, world.bench.panel.accounts)
    assert sorted(accounts) == ["tess.SIM1234567C", "tess.SIM1234567F", "tess.SIM1234567M", "tess.SIM1234568M"]
    assert {account.connection for account in accounts.values()} == {"user.tess"}
    assert accounts["tess.SIM1234567F"].kind == "Futures"


def test_tokens_are_kept_as_the_users_own_connection_and_will_be_refreshed(world: World, tab: BrowserTab) -> None:
    world.sign_in(tab)

    assert world.login("user.tess").refresh_token.reveal().startswith("sim-refresh-")
    leases = TokenLeases(world.bench.aws.dynamodb, TABLE)
    assert [connection.name for connection in leases.connections()] == ["user.tess"]


def test_two_people_have_separate_tokens_and_accounts(world: World, tab: BrowserTab) -> None:
    other = BrowserTab(world.bench)
    world.sign_in(tab, FIRST)
    world.sign_in(other, SECOND)

    tess, theo = world.user("tess"), world.user("theo")
    assert set(tess.all_accounts) & set(theo.all_accounts) == set()
    assert theo.all_accounts == ("theo.SIM7654321M", "theo.SIM7654321F")
    assert world.login("user.tess").access_token != world.login("user.theo").access_token
    assert "SIM1234567" not in other.answer.body


def test_second_sign_in_is_recognised_without_the_account_and_replaces_the_tokens(
    world: World, tab: BrowserTab
) -> None:
    world.sign_in(tab)
    before = world.login("user.tess").access_token

    world.sign_in(BrowserTab(world.bench))

    user = world.user("tess")
    assert user.tradestation_subject == f"auth0|{FIRST}"
    assert len(user.own_accounts) == 4
    assert world.login("user.tess").access_token != before


def test_prompt_login_is_done_by_tradestations_page(world: World, tab: BrowserTab) -> None:
    away = tab.open(authorization(response_type="token", prompt="login"), "/oauth/tradestation/start")
    url = urlsplit(away.headers["Location"])
    assert parse_qs(url.query)["prompt"] == ["login"]
    asked = {name: values[0] for name, values in parse_qs(url.query).items()}
    signed = world.http.post(
        f"{HOST}/authorize?{urlencode(asked)}",
        data={"username": FIRST, "password": "sandbox-password-1"},
    )

    back = tab.open(urlsplit(signed.headers["Location"]).query, "/oauth/tradestation/callback")
    page = tab.open(urlsplit(back.headers["Location"]).query)

    assert "signed in as <strong>tess</strong>" in page.body


# ---- who is not let in


def test_person_whom_nobody_invited_is_refused_and_nothing_is_kept(world: World, tab: BrowserTab) -> None:
    found = world.bench.panel.users.get("tess")
    assert found is not None
    world.bench.panel.users.remove(found)

    world.sign_in(tab)

    assert tab.answer.status == 403
    assert "not among the users" in tab.answer.body
    with pytest.raises(NotConnectedError):
        world.login("user.tess")


def test_bound_user_is_not_taken_over_by_another_person_with_the_same_account(world: World, tab: BrowserTab) -> None:
    world.sign_in(tab)
    app = world.broker.app
    assert isinstance(app, TradeStation)
    account = app.book.accounts["SIM1234567M"]
    account.user = SECOND  # a joint account that both of them hold by turns
    found = world.bench.panel.users.get("theo")
    assert found is not None
    world.bench.panel.users.remove(found)

    other = BrowserTab(world.bench)
    world.sign_in(other, SECOND)

    assert other.answer.status == 403
    assert world.user("tess").tradestation_subject == f"auth0|{FIRST}"


def test_account_that_is_another_users_stays_theirs(world: World, tab: BrowserTab) -> None:
    world.sign_in(tab)
    app = world.broker.app
    assert isinstance(app, TradeStation)
    app.book.accounts["SIM1234567M"].user = SECOND

    world.sign_in(BrowserTab(world.bench), SECOND)

    assert "theo.SIM1234567M" not in world.user("theo").own_accounts
    assert "tess.SIM1234567M" in world.user("tess").own_accounts


def test_account_of_the_settings_file_is_not_taken_from_it(world: World, tab: BrowserTab) -> None:
    world.bench.add_account("alerts", broker_account_id="SIM1234567M")

    world.sign_in(tab)

    assert world.user("tess").own_accounts == ("tess.SIM1234567F", "tess.SIM1234567C", "tess.SIM1234568M")


def test_person_who_said_no_at_tradestation_is_not_signed_in(world: World, tab: BrowserTab) -> None:
    world.sign_in(tab, FIRST, deny="1")

    assert tab.answer.status == 403
    assert "Back to signing in" in tab.answer.body


def test_unticked_scope_is_named(world: World, tab: BrowserTab) -> None:
    world.sign_in(tab, FIRST, scope="openid offline_access MarketData ReadAccount")

    assert tab.answer.status == 403
    assert "Trade" in tab.answer.body


# ---- the way back


def callback_query(world: World, tab: BrowserTab) -> str:
    away = tab.open(authorization(), "/oauth/tradestation/start")
    return world.at_tradestation(away.headers["Location"], FIRST)


def test_way_back_works_once(world: World, tab: BrowserTab) -> None:
    query = callback_query(world, tab)

    first = tab.open(query, "/oauth/tradestation/callback")
    second = tab.open(query, "/oauth/tradestation/callback")

    assert (first.status, second.status) == (302, 400)


def test_way_back_in_another_browser_is_refused(world: World, tab: BrowserTab) -> None:
    query = callback_query(world, tab)
    victim = BrowserTab(world.bench)
    victim.open(authorization())

    answer = victim.open(query, "/oauth/tradestation/callback")

    assert answer.status == 400
    assert "__Host-orderbridge" not in victim.cookies


def test_way_back_is_open_for_ten_minutes(world: World, tab: BrowserTab) -> None:
    query = callback_query(world, tab)
    world.bench.pass_ms(10 * 60_000)

    assert tab.open(query, "/oauth/tradestation/callback").status == 400


@pytest.mark.parametrize("query", ["", "state=x&code=y", "code=y", "state=x&state=y&code=z"])
def test_made_up_way_back_is_refused(tab: BrowserTab, query: str) -> None:
    assert tab.open(query, "/oauth/tradestation/callback").status == 400


def test_made_up_code_is_refused(world: World, tab: BrowserTab) -> None:
    state = dict(httpx.QueryParams(callback_query(world, tab)))["state"]

    answer = tab.open(urlencode({"state": state, "code": "made-up"}), "/oauth/tradestation/callback")

    assert answer.status == 403


def test_silent_tradestation_is_our_apology_and_a_way_back(world: World, tab: BrowserTab) -> None:
    query = callback_query(world, tab)
    world.broker.faults.add({"match": {"path": "/oauth/token"}, "fault": {"kind": "reply_lost"}})

    answer = tab.open(query, "/oauth/tradestation/callback")

    assert answer.status == 503
    assert "Back to signing in" in answer.body


@pytest.mark.parametrize("query", ["client_id=nobody", authorization(redirect_uri="https://evil.example.com/")])
def test_way_to_tradestation_begins_at_a_request_that_we_know(tab: BrowserTab, query: str) -> None:
    answer = tab.open(query, "/oauth/tradestation/start")

    assert answer.status == 400
    assert "Location" not in answer.headers


# ---- what is kept


def test_neither_table_nor_pages_hold_a_token_of_tradestations(world: World, tab: BrowserTab) -> None:
    world.sign_in(tab)

    login = world.login("user.tess")
    kept = json.dumps(world.bench.items()) + tab.answer.body
    assert login.access_token.reveal() not in kept
    assert login.refresh_token.reveal() not in kept
    assert str(KEYS[0].client_secret) not in kept


@pytest.mark.parametrize("token", ["", "x.y.z", "e30.e30.", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIiLCJhdWQiOiJrZXkifQ."])
def test_id_token_that_names_nobody_signs_nobody_in(token: str) -> None:
    with pytest.raises(RefusedError):
        subject_of(Secret(token), "key")


def test_id_token_for_another_key_signs_nobody_in() -> None:
    token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4iLCJhdWQiOiJrZXkifQ."  # {"sub": "ann", "aud": "key"}

    assert subject_of(Secret(token), "key") == "ann"
    with pytest.raises(RefusedError):
        subject_of(Secret(token), "another")
