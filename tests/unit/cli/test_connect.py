"""`orderbridge connect` and `accounts`: sign in, store the login, list the accounts; no secret shows anywhere."""

import contextlib
import json
import logging
import threading
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from typer.testing import Result

from orderbridge.cli.rules import read_settings
from orderbridge.cli.sign_in import Callback, SignInRefusedError, code_of
from orderbridge.secret import Secret
from orderbridge.storage.secrets import LoginSecrets
from sandbox.simserver.clock import ManualClock
from sandbox.simserver.inprocess import InProcess
from sandbox.simserver.transport import SimulatedTransport
from sandbox.tradelocker.app import TradeLockerApp
from tests.unit.cli.bench import NOW_MS, Bench
from tests.unit.storage.aws import PREFIX

SCOPE = "openid offline_access profile MarketData ReadAccount Trade"
CANARIES = ("canary-secret", "canary-access", "canary-refresh", "canary-code", "canary-verifier", "canary-password")
TRADELOCKER = "http://127.0.0.1:9/backend-api"


class TradeStationScript:
    """A token endpoint and an account list."""

    def __init__(self, **token: Any) -> None:
        self.forms: list[dict[str, str]] = []
        self.token = {
            "access_token": "canary-access",
            "refresh_token": "canary-refresh",
            "token_type": "Bearer",
            "expires_in": 1200,
            "scope": SCOPE,
        } | token
        self.status = 200

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/oauth/token":
            form = parse_qs(request.content.decode())
            self.forms.append({key: values[0] for key, values in form.items()})
            return httpx.Response(self.status, json=self.token)
        assert request.headers["Authorization"] == "Bearer canary-access"
        account = {"AccountID": "SIM123F", "AccountType": "Futures", "Currency": "USD", "Status": "Active"}
        return httpx.Response(200, json={"Accounts": [account]})


def connect(bench: Bench, script: TradeStationScript, *arguments: str, **changes: Any) -> Result:
    environ = {**bench.world.environ, "TRADESTATION_CLIENT_SECRET": "canary-secret"}
    return bench.run(
        "connect",
        "tradestation",
        "ts",
        "--client-id",
        "key",
        *arguments,
        **{"environ": environ, "transport": httpx.MockTransport(script), **changes},
    )


def stored(bench: Bench, connection: str) -> Any:
    return LoginSecrets(bench.client("secretsmanager"), PREFIX).read(connection).login


# ---- TradeStation


def test_code_is_exchanged_stored_and_the_accounts_listed(bench: Bench) -> None:
    script = TradeStationScript()

    result = connect(bench, script, "--code", "canary-code", "--json")

    answer = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (answer["connection"], answer["environment"]) == ("ts", "sim")
    assert [one["account_id"] for one in answer["accounts"]] == ["SIM123F"]
    assert script.forms[0]["redirect_uri"] == "http://localhost:3000"
    assert stored(bench, "ts").refresh_token == Secret("canary-refresh")
    assert stored(bench, "ts").client_secret == Secret("canary-secret")


def test_listed_yaml_is_a_valid_settings_file(bench: Bench) -> None:
    result = connect(bench, TradeStationScript(), "--code", "canary-code", "--json")
    part = json.loads(result.stdout)["accounts"][0]["yaml"]

    settings = read_settings(f"accounts:\n{part}\n", "f", ("sim-api.tradestation.com", "signin.tradestation.com"), 0)

    assert settings.accounts["ts-sim123f"].kind == "Futures"


def test_browser_is_opened_and_the_callback_takes_the_code(bench: Bench) -> None:
    def sign_in(url: str) -> bool:
        query = {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}
        answer = f"{query['redirect_uri'].replace('localhost', '127.0.0.1')}/?code=canary-code&state={query['state']}"
        threading.Thread(target=lambda: urllib.request.urlopen(answer, timeout=5).read(), daemon=True).start()
        return True

    script = TradeStationScript()
    result = connect(bench, script, "--port", "0", open_browser=sign_in)

    assert result.exit_code == 0, result.output
    assert script.forms[0]["code"] == "canary-code"


def test_pasted_address_gives_the_code(bench: Bench) -> None:
    import base64

    state = base64.urlsafe_b64encode(bytes(range(24))).decode()
    script = TradeStationScript()

    result = connect(
        bench, script, "--paste", "--no-browser", answers=f"http://localhost:3000/?code=canary-code&state={state}\n"
    )

    assert result.exit_code == 0, result.output
    assert "https://signin.tradestation.com/authorize?" in result.stderr
    assert script.forms[0]["code"] == "canary-code"


def test_pkce_key_sends_the_verifier_and_no_secret(bench: Bench) -> None:
    import base64

    state = base64.urlsafe_b64encode(bytes(range(24))).decode()
    script = TradeStationScript()

    result = connect(bench, script, "--pkce", "--paste", answers=f"x?code=c&state={state}\n")

    assert result.exit_code == 0, result.output
    assert "client_secret" not in script.forms[0]
    assert len(script.forms[0]["code_verifier"]) == 64
    assert "code_challenge=" in bench.browsed[0]


def test_login_without_a_needed_scope_is_not_stored(bench: Bench) -> None:
    result = connect(bench, TradeStationScript(scope="openid offline_access ReadAccount MarketData"), "--code", "c")

    assert result.exit_code == 5
    assert "lacks Trade" in result.stderr
    assert bench.client("secretsmanager").list_secrets()["SecretList"] == []


def test_refused_code_is_told_in_the_broker_s_words(bench: Bench) -> None:
    script = TradeStationScript(error="invalid_grant", error_description="code expired")
    script.status = 403

    result = connect(bench, script, "--code", "canary-code")

    assert result.exit_code == 5
    assert "code expired" in result.stderr


def test_sign_in_host_outside_of_the_stack_s_list_is_refused_before_anything_is_sent(bench: Bench) -> None:
    script = TradeStationScript()

    result = connect(bench, script, "--code", "c", "--auth-url", "https://evil.example.com")

    assert result.exit_code == 3
    assert script.forms == []


def test_missing_secret_where_nobody_can_be_asked_names_the_variable(bench: Bench) -> None:
    result = connect(bench, TradeStationScript(), "--code", "c", environ=bench.world.environ, interactive=False)

    assert result.exit_code == 6
    assert "TRADESTATION_CLIENT_SECRET" in result.stderr


# ---- the callback


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("?error=access_denied&error_description=No&state=s", "No"),
        ("?code=c&state=other", "another sign-in"),
        ("?code=c", "another sign-in"),
        ("?state=s", "no code"),
    ],
)
def test_answer_that_is_no_code_of_this_sign_in_is_refused(answer: str, words: str) -> None:
    with pytest.raises(SignInRefusedError, match=words):
        code_of(answer, "s")


def test_bare_code_and_whole_address_both_give_the_code() -> None:
    assert code_of("abc", "s") == code_of("http://localhost:3000/?code=abc&state=s", "s") == Secret("abc")


def test_nobody_signing_in_ends_the_wait() -> None:
    moments = iter([0.0, 0.0, 301.0])
    callback = Callback((0,))
    threading.Thread(target=_ask_for_icon, args=(callback.redirect_uri,), daemon=True).start()

    with pytest.raises(SignInRefusedError, match="nobody signed in within 300 seconds"):
        callback.wait("s", 300, lambda: next(moments))


def _ask_for_icon(address: str) -> None:
    with contextlib.suppress(urllib.error.HTTPError):
        urllib.request.urlopen(f"{address.replace('localhost', '127.0.0.1')}/favicon.ico", timeout=5)


# ---- TradeLocker


@pytest.fixture
def tradelocker() -> SimulatedTransport:
    return SimulatedTransport(InProcess(TradeLockerApp(host="127.0.0.1:9")))


def ticking() -> dict[str, Any]:
    """Give a clock that waiting moves on: the broker's quota is waited for."""
    clock = ManualClock(NOW_MS)
    return {"now_ms": clock.now_ms, "sleep": lambda seconds: clock.advance(max(1, round(seconds * 1000)))}


def log_in(
    bench: Bench, transport: SimulatedTransport, user: str = "second", password: str = "sandbox-password-2"
) -> Result:
    environ = {**bench.world.environ, "TRADELOCKER_PASSWORD": password}
    return bench.run(
        *("connect", "tradelocker", "tl", "--email", f"{user}@sandbox.test", "--server", "SANDBOX"),
        *("--base-url", TRADELOCKER, "--json"),
        environ=environ,
        transport=transport,
        **ticking(),
    )


def test_tradelocker_login_is_stored_and_its_accounts_listed_with_the_mode_that_was_seen(
    bench: Bench, tradelocker: SimulatedTransport
) -> None:
    result = log_in(bench, tradelocker, "trader", "sandbox-password-1")

    answer = json.loads(result.stdout)
    assert result.exit_code == 0
    seen = {
        one["account_id"]: (one["account_number"], one["position_mode"], one["position_mode_seen"])
        for one in answer["accounts"]
    }
    assert seen == {
        "1180": ("1", "hedging", True),
        "1181": ("2", "hedging", True),
        "1182": ("3", "netting", True),
    }
    assert stored(bench, "tl").password == Secret("sandbox-password-1")


def test_wrong_tradelocker_password_is_refused_and_nothing_stored(
    bench: Bench, tradelocker: SimulatedTransport
) -> None:
    result = log_in(bench, tradelocker, password="wrong")

    assert result.exit_code == 5
    assert bench.client("secretsmanager").list_secrets()["SecretList"] == []


def test_password_is_asked_for_without_showing_it(bench: Bench, tradelocker: SimulatedTransport) -> None:
    result = bench.run(
        *("connect", "tradelocker", "tl", "--email", "trader@sandbox.test", "--server", "SANDBOX"),
        *("--base-url", TRADELOCKER),
        answers="sandbox-password-1\n",
        transport=tradelocker,
        **ticking(),
    )

    assert result.exit_code == 0, result.output
    assert "sandbox-password-1" not in result.output


# ---- accounts


def test_accounts_lists_every_connection_again(bench: Bench, tradelocker: SimulatedTransport) -> None:
    log_in(bench, tradelocker)

    answer = bench.ok("accounts", transport=tradelocker)

    assert [one["account_id"] for one in answer["accounts"]] == ["2270", "2271"]
    assert answer["problems"] == {}


def test_suggested_tradelocker_yaml_is_a_valid_settings_file(bench: Bench, tradelocker: SimulatedTransport) -> None:
    answer = json.loads(log_in(bench, tradelocker).stdout)
    text = "accounts:\n" + "\n".join(one["yaml"] for one in answer["accounts"])

    settings = read_settings(text, "f", ("127.0.0.1",), 0)

    assert settings.accounts["tl-2270"].base_url == TRADELOCKER


def test_accounts_of_a_connection_that_fails_are_a_problem_of_their_own(
    bench: Bench, tradelocker: SimulatedTransport
) -> None:
    log_in(bench, tradelocker)
    broken = httpx.MockTransport(lambda _: httpx.Response(401, json={"s": "error", "errmsg": "no"}))

    result = bench.run("accounts", "--json", transport=broken)

    assert result.exit_code == 5
    assert list(json.loads(result.stdout)["problems"]) == ["tl"]


def test_unknown_connection_names_those_that_there_are(bench: Bench, tradelocker: SimulatedTransport) -> None:
    log_in(bench, tradelocker)

    result = bench.run("accounts", "ts")

    assert result.exit_code == 3
    assert "connected are: tl" in result.stderr


# ---- secrecy


@pytest.mark.parametrize("extra", [[], ["--json"]], ids=["text", "json"])
@pytest.mark.parametrize("fault", ["none", "refused", "unavailable", "no scope", "no store"])
def test_no_secret_shows_in_output_logs_or_exceptions(
    bench: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, fault: str, extra: list[str]
) -> None:
    caplog.set_level(logging.DEBUG, "orderbridge")
    script = TradeStationScript(**({"scope": "openid"} if fault == "no scope" else {}))
    if fault == "refused":
        script.status, script.token = 403, {"error": "invalid_grant"}
    if fault == "unavailable":
        script.status, script.token = 503, {"access_token": "canary-access"}
    if fault == "no store":
        monkeypatch.setattr(bench.client("secretsmanager"), "put_secret_value", _broken_store)

    result = connect(bench, script, "--code", "canary-code", *extra)

    shown = result.output + result.stdout + result.stderr + caplog.text + repr(result.exception)
    context = result.exception
    while context is not None:
        shown += repr(context) + str(getattr(context, "__notes__", ""))
        context = context.__cause__
    assert [canary for canary in CANARIES if canary in shown] == []
    assert (result.exit_code == 0) == (fault == "none")


def _broken_store(**arguments: Any) -> None:
    from botocore.exceptions import ParamValidationError

    raise ParamValidationError(report=f"Invalid value: {arguments['SecretString']}")
