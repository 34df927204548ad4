"""The login function's handler: the gateway's events in and out, and nothing secret in the log."""

import io
import json
import logging
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from tests.unit.broker_api.login.bench import PASSWORD, Bench, BrowserTab, authorization, event, told


@pytest.fixture
def app(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Give the handler's module, on the bench's panel."""
    from functions.broker_login import app as module

    monkeypatch.setattr(module, "routes", bench.routes)
    return module


def call(app: ModuleType, asked: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = app.handler(asked, None)
    return result


def test_page_goes_out_in_the_gateways_form(app: ModuleType) -> None:
    result = call(app, event("GET", "/oauth/authorize", query=authorization()))

    assert result["statusCode"] == 200
    assert result["multiValueHeaders"]["Content-Type"] == ["text/html; charset=utf-8"]
    assert len(result["multiValueHeaders"]["Set-Cookie"]) == 1
    assert result["isBase64Encoded"] is False


def test_failure_of_the_table_is_a_page_and_not_an_exception(
    app: ModuleType, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.panel.clients, "_table", "no-such-table")

    result = call(app, event("GET", "/oauth/authorize", query=authorization()))

    assert result["statusCode"] == 503
    assert "Try again in a minute" in result["body"]


def test_failure_of_the_table_is_json_at_the_token_endpoint(
    app: ModuleType, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.panel.clients, "_table", "no-such-table")
    form = {
        "grant_type": "authorization_code",
        "client_id": "x",
        "client_secret": "y",
        "code": "z",
        "redirect_uri": "u",
    }
    asked = event("POST", "/oauth/token", form=form, headers={"Origin": "https://www.tradingview.com"})

    result = call(app, asked)

    assert result["statusCode"] == 503
    assert json.loads(result["body"])["error"] == "temporarily_unavailable"
    assert result["multiValueHeaders"]["Access-Control-Allow-Origin"] == ["https://www.tradingview.com"]


def test_body_that_is_not_what_its_mark_says_is_refused(app: ModuleType) -> None:
    asked = event("POST", "/oauth/token", body=b"x") | {"body": "%%%", "isBase64Encoded": True}

    assert call(app, asked)["statusCode"] == 400


@pytest.fixture
def all_logged() -> Iterator[None]:
    """Log at the level of a deployed function, whatever another test of this process has set."""
    logger = logging.getLogger("broker-login")
    before = logger.level
    logger.setLevel(logging.INFO)
    yield
    logger.setLevel(before)


@pytest.mark.usefixtures("all_logged")
def test_log_holds_no_code_token_cookie_password_or_state(
    app: ModuleType, bench: Bench, tab: BrowserTab, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = io.StringIO()
    monkeypatch.setattr(app.logger.registered_handler, "stream", log)
    code = bench.code(tab)
    cookie = "; ".join(f"{name}={value}" for name, value in tab.cookies.items())
    secrets = [code, PASSWORD, "canary-state", *tab.cookies.values()]

    call(app, event("GET", "/oauth/authorize", query=authorization(state="canary-state"), headers={"cookie": cookie}))
    form = {"login": "ann", "password": PASSWORD, "form_key": "x"}
    call(app, event("POST", "/oauth/authorize", query=authorization(state="canary-state"), form=form))
    redeemed = {"grant_type": "authorization_code", "client_id": "tv-production", "client_secret": "canary-secret"}
    call(app, event("POST", "/oauth/token", form=redeemed | {"code": code, "redirect_uri": "https://x"}))

    assert log.getvalue().count('"path":"/oauth/authorize"') == 2
    assert '"path":"/oauth/token"' in log.getvalue()
    assert [secret for secret in [*secrets, "canary-secret"] if secret in log.getvalue()] == []


def test_function_makes_its_panel_from_the_environment(app: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "routes", None)
    variables = {
        "TABLE_NAME": "bridge",
        "SECRET_PREFIX": "orderbridge/test/",
        "BROKER_HOSTS": "https://api.example.com",
    }
    for name, value in {
        **variables,
        "PANEL_ORIGINS": "http://localhost:6285",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)

    result = call(app, event("OPTIONS", "/oauth/token", headers={"Origin": "http://localhost:6285"}))

    assert result["statusCode"] == 204
    assert result["multiValueHeaders"]["Access-Control-Allow-Origin"] == ["http://localhost:6285"]


def test_redirect_goes_out_with_its_cookie(app: ModuleType, bench: Bench, tab: BrowserTab) -> None:
    tab.open(authorization())
    assert "code" in told(tab.submit(login="ann", password=PASSWORD))

    result = tab.answer.event()

    assert result["statusCode"] == 302
    assert result["multiValueHeaders"]["Set-Cookie"][0].startswith("__Host-orderbridge=")
