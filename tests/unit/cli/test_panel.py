"""`orderbridge panel`: clients for TradingView, their secrets, the TradeStation key of the login page."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from orderbridge.broker_api.login.model import Client, OAuthClient, ServerClient
from orderbridge.broker_api.login.tokens import digest
from orderbridge.storage.panel_clients import PanelClients
from orderbridge.storage.panel_key import PanelKey
from tests.unit.broker_api.login.test_server_token import certificate_of, rsa_key
from tests.unit.cli.bench import Bench
from tests.unit.storage.aws import PREFIX, TABLE

BASE = "https://panel.execute-api.us-east-1.amazonaws.com/v1"
REDIRECT = "https://www.tradingview.com/trading/oauth-redirect/orderbridge/"


@pytest.fixture
def panel(applied: Bench) -> Bench:
    """Give a deployment that has the panel's API."""
    applied.cloudformation.outputs |= {"PanelApiUrl": BASE, "PanelApiId": "panel"}
    return applied


def stored(bench: Bench, client_id: str = "tv-production") -> Client:
    found = PanelClients(bench.client("dynamodb"), TABLE).get(client_id)
    assert found is not None
    return found


def make(bench: Bench, *arguments: str) -> dict[str, Any]:
    made: dict[str, Any] = bench.ok("panel", "client", "tv-production", "--redirect-uri", REDIRECT, *arguments)
    return made


def test_new_client_shows_what_tradingview_needs_and_keeps_the_hash_alone(panel: Bench) -> None:
    made = make(panel, "--logout-uri", "https://www.tradingview.com/trading/logout-redirect/")

    assert made["authorization_uri"] == f"{BASE}/oauth/authorize"
    assert made["token_uri"] == f"{BASE}/oauth/token"
    client = stored(panel)
    assert isinstance(client, OAuthClient)
    assert client.secret_hashes == (digest(made["client_secret"]),)
    assert client.flows == ("code",)
    assert len(made["client_secret"]) == 43


def test_changed_client_keeps_its_secret(panel: Bench) -> None:
    first = make(panel)

    second = make(panel, "--redirect-uri", "http://localhost:6285/back", "--implicit", "--scope", "general")

    client = stored(panel)
    assert isinstance(client, OAuthClient)
    assert "client_secret" not in second
    assert client.secret_hashes == (digest(first["client_secret"]),)
    assert client.redirect_uris == (REDIRECT, "http://localhost:6285/back")
    assert (client.flows, client.scopes) == (("code", "token"), ("general",))


@pytest.mark.parametrize(
    "uri",
    [
        "http://www.tradingview.com/x",
        "https://www.tradingview.com/x#y",
        "https://ann:secret@www.tradingview.com/",
        "javascript:alert(1)",
        "www.tradingview.com",
        "https://",
        "https://a;b/",
        "https://a b/",
        "https://[broken/",
    ],
)
def test_address_that_could_mislead_is_refused(panel: Bench, uri: str) -> None:
    result = panel.run("panel", "client", "tv-production", "--redirect-uri", uri)

    assert result.exit_code == 3


def test_second_secret_is_valid_beside_the_first_until_it_is_revoked(panel: Bench) -> None:
    first = make(panel)["client_secret"]
    numbers = itertools.count(1)

    second = panel.ok("panel", "secret", "tv-production", random_bytes=lambda count: bytes([next(numbers)] * count))
    both = stored(panel).secret_hashes
    third = panel.run("panel", "secret", "tv-production")
    panel.ok("panel", "secret", "tv-production", "--revoke", "old")

    assert both == (digest(first), digest(second["client_secret"]))
    assert third.exit_code == 3
    assert stored(panel).secret_hashes == (digest(second["client_secret"]),)
    assert panel.run("panel", "secret", "tv-production", "--revoke", "old").exit_code == 3


def test_data_servers_client_takes_certificates(panel: Bench, tmp_path: Path) -> None:
    (tmp_path / "tv.pem").write_text(certificate_of(rsa_key()))

    made = panel.ok("panel", "server", "tv-data-1", "--certificate", str(tmp_path / "tv.pem"), "--account", "sim")

    client = stored(panel, "tv-data-1")
    assert isinstance(client, ServerClient)
    assert made["token_url"] == client.token_url == f"{BASE}/authorize/token"
    assert made["AppUrl"] == client.app_url == BASE
    assert made["x5t"] == client.certificates[0].sha1
    assert client.account == "sim"


@pytest.mark.parametrize("text", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----"])
def test_file_that_is_no_certificate_is_refused(panel: Bench, tmp_path: Path, text: str) -> None:
    (tmp_path / "tv.pem").write_text(text)

    result = panel.run("panel", "server", "tv-data-1", "--certificate", str(tmp_path / "tv.pem"), "--account", "sim")

    assert result.exit_code == 3


def test_data_server_needs_an_account_of_the_settings(panel: Bench, tmp_path: Path) -> None:
    (tmp_path / "tv.pem").write_text(certificate_of(rsa_key()))

    result = panel.run("panel", "server", "tv-data-1", "--certificate", str(tmp_path / "tv.pem"), "--account", "gone")

    assert result.exit_code == 3


def test_oauth_client_does_not_become_a_server(panel: Bench, tmp_path: Path) -> None:
    make(panel)
    (tmp_path / "tv.pem").write_text(certificate_of(rsa_key()))

    result = panel.run(
        "panel", "server", "tv-production", "--certificate", str(tmp_path / "tv.pem"), "--account", "sim"
    )

    assert result.exit_code == 3
    assert isinstance(stored(panel), OAuthClient)


def test_list_shows_the_clients_and_remove_asks(panel: Bench) -> None:
    make(panel)

    listed = panel.ok("panel", "list")
    declined = panel.run("panel", "remove", "tv-production", answers="n\n")
    panel.ok("panel", "remove", "tv-production", "--yes")

    assert listed["clients"] == [{"client_id": "tv-production", "kind": "code", "addresses": [REDIRECT]}]
    assert declined.exit_code == 6
    assert panel.ok("panel", "list") == {"clients": []}


def test_tradestation_key_is_kept_in_secrets_manager_alone(panel: Bench) -> None:
    environ = {**panel.world.environ, "TRADESTATION_CLIENT_SECRET": "canary-secret"}

    told = panel.run("panel", "tradestation", "--client-id", "key", environ=environ)

    key = PanelKey(panel.client("secretsmanager"), PREFIX).read()
    assert told.exit_code == 0
    assert "canary" not in told.output
    assert f"{BASE}/oauth/tradestation/callback" in told.stdout
    assert key is not None
    assert (key.blank.client_id, key.blank.client_secret.reveal()) == ("key", "canary-secret")
    assert key.blank.base_url == "https://sim-api.tradestation.com/v3"


def test_tradestation_key_can_be_taken_back(panel: Bench) -> None:
    environ = {**panel.world.environ, "TRADESTATION_CLIENT_SECRET": "canary-secret"}
    panel.ok("panel", "tradestation", "--client-id", "key", environ=environ)

    panel.ok("panel", "tradestation", "--off")
    panel.ok("panel", "tradestation", "--off")

    assert PanelKey(panel.client("secretsmanager"), PREFIX).read() is None


def test_host_outside_of_the_stacks_list_is_refused(panel: Bench) -> None:
    environ = {**panel.world.environ, "TRADESTATION_CLIENT_SECRET": "canary-secret"}

    result = panel.run(
        "panel", "tradestation", "--client-id", "key", "--auth-url", "https://evil.example.com", environ=environ
    )

    assert result.exit_code == 3


def test_deployment_without_a_panel_says_so(applied: Bench) -> None:
    result = applied.run("panel", "client", "tv-production", "--redirect-uri", REDIRECT)

    assert result.exit_code == 3
    assert "no panel yet" in result.stderr


def test_local_aws_has_the_panel_below_its_own_address(panel: Bench) -> None:
    environ = {**panel.world.environ, "AWS_ENDPOINT_URL": "http://127.0.0.1:4577"}

    made = make_at(panel, environ)

    assert made["token_uri"] == "http://127.0.0.1:4577/_aws/execute-api/panel/v1/oauth/token"


def make_at(bench: Bench, environ: dict[str, str]) -> dict[str, Any]:
    made: dict[str, Any] = bench.ok("panel", "client", "tv-production", "--redirect-uri", REDIRECT, environ=environ)
    return made
