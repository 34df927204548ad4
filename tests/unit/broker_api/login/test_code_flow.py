"""The OAuth 2 code flow: page, code, tokens, refresh, sign-out."""

import json

import pytest

from orderbridge.errors import NotSignedInError
from tests.unit.broker_api.login.bench import (
    CLIENT,
    LOGOUT,
    PASSWORD,
    REDIRECT,
    SECRET,
    STATE,
    Bench,
    BrowserTab,
    authorization,
    oauth_client,
    told,
)

MINUTE_MS = 60_000

# ---- the page and the code


def test_right_password_redirects_with_a_code_and_the_state_as_it_came(tab: BrowserTab) -> None:
    tab.open(authorization())

    answer = tab.submit(login="ann", password=PASSWORD)

    assert answer.headers["Location"].startswith(f"{REDIRECT}?")
    assert told(answer)["state"] == STATE
    assert len(told(answer)["code"]) == 43


def test_login_is_taken_in_any_case_and_with_spaces_around(tab: BrowserTab) -> None:
    tab.open(authorization())

    answer = tab.submit(login="  ANN ", password=PASSWORD)

    assert "code" in told(answer)


def test_cancel_tells_the_client_that_access_was_denied(tab: BrowserTab) -> None:
    tab.open(authorization())

    answer = tab.submit("deny")

    assert (told(answer)["error"], told(answer)["state"]) == ("access_denied", STATE)


def test_signed_in_browser_is_asked_again_before_the_next_code(bench: Bench, tab: BrowserTab) -> None:
    bench.code(tab)

    page = tab.open(authorization())

    assert page.status == 200
    assert "signed in as <strong>ann</strong>" in page.body
    assert "sim-a (TradeStation, simulated)" in page.body
    assert "sim-b" not in page.body
    assert "code" in told(tab.submit("allow"))


def test_another_login_can_be_used_in_a_signed_in_browser(bench: Bench, tab: BrowserTab) -> None:
    bench.code(tab)
    tab.open(authorization())

    tab.submit("other")
    answer = tab.submit(login="bob", password=PASSWORD)

    status, tokens = bench.redeem(told(answer)["code"])
    assert status == 200
    assert bench.who(tokens["access_token"]) == "bob"


def test_prompt_login_asks_for_the_password_although_signed_in(bench: Bench, tab: BrowserTab) -> None:
    bench.code(tab)

    page = tab.open(authorization(prompt="login"))

    assert 'type="password"' in page.body


def test_allow_without_being_signed_in_gives_no_code(tab: BrowserTab) -> None:
    tab.open(authorization())

    answer = tab.submit("allow")

    assert answer.status == 401
    assert "Location" not in answer.headers


def test_browser_session_ends_after_a_day(bench: Bench, tab: BrowserTab) -> None:
    bench.code(tab)
    bench.pass_ms(24 * 60 * MINUTE_MS)

    page = tab.open(authorization())

    assert 'type="password"' in page.body


def test_token_uri_and_unknown_parameters_are_passed_over(tab: BrowserTab) -> None:
    page = tab.open(authorization(token_uri="https://example.com/token", extra="1", lang="fr"))

    assert page.status == 200


# ---- the token endpoint


def test_code_gives_tokens_of_the_user_who_signed_in(bench: Bench) -> None:
    status, tokens = bench.redeem(bench.code())

    assert status == 200
    assert tokens["token_type"] == "bearer"
    assert tokens["expires_in"] == 1800
    assert tokens["refresh_token_expires_in"] == 30 * 86_400
    assert bench.who(tokens["access_token"]) == "ann"


def test_answer_with_tokens_is_kept_by_nobody(bench: Bench) -> None:
    form = {"grant_type": "authorization_code", "client_id": CLIENT, "client_secret": SECRET, "code": bench.code()}

    answer = bench.send("POST", "/oauth/token", form=form | {"redirect_uri": REDIRECT})

    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"


def test_code_used_twice_ends_what_it_gave(bench: Bench) -> None:
    code = bench.code()
    _, tokens = bench.redeem(code)

    status, answer = bench.redeem(code)

    assert (status, answer["error"]) == (400, "invalid_grant")
    with pytest.raises(NotSignedInError):
        bench.who(tokens["access_token"])
    assert bench.refresh(tokens["refresh_token"])[0] == 400


def test_code_is_over_after_a_minute(bench: Bench) -> None:
    code = bench.code()
    bench.pass_ms(MINUTE_MS)

    status, answer = bench.redeem(code)

    assert (status, answer["error"]) == (400, "invalid_grant")


def test_code_for_another_redirect_uri_is_refused_and_spoilt(bench: Bench) -> None:
    bench.panel.clients.put(oauth_client(redirect_uris=(REDIRECT, "https://staging.example.com/back")))
    code = bench.code()

    first = bench.redeem(code, redirect_uri="https://staging.example.com/back")
    second = bench.redeem(code)

    assert [status for status, _ in (first, second)] == [400, 400]


def test_code_of_one_client_is_refused_to_another(bench: Bench) -> None:
    bench.panel.clients.put(oauth_client(client_id="tv-staging"))
    code = bench.code()

    status, answer = bench.redeem(code, client_id="tv-staging")

    assert (status, answer["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "changes", [{"client_secret": "wrong"}, {"client_secret": ""}, {"client_id": "nobody"}, {"client_id": ""}]
)
def test_client_that_cannot_prove_itself_is_refused(bench: Bench, changes: dict[str, str]) -> None:
    code = bench.code()

    status, answer = bench.redeem(code, **changes)

    assert (status, answer["error"]) == (401, "invalid_client")
    assert bench.redeem(code)[0] == 200


def test_client_may_prove_itself_by_a_basic_header(bench: Bench) -> None:
    import base64

    packed = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
    form = {"grant_type": "authorization_code", "code": bench.code(), "redirect_uri": REDIRECT}

    answer = bench.send("POST", "/oauth/token", form=form, headers={"Authorization": f"Basic {packed}"})

    assert answer.status == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "invalid_request"),
        ({"code": ""}, "invalid_request"),
        ({"redirect_uri": ""}, "invalid_request"),
        ({"code": "made-up"}, "invalid_grant"),
        ({"code": ["a", "b"]}, "invalid_request"),
    ],
)
def test_token_request_that_is_wrong_is_told_by_rfc_6749s_word(
    bench: Bench, changes: dict[str, str], error: str
) -> None:
    status, answer = bench.redeem(bench.code(), **changes)

    assert (status, answer["error"]) == (400, error)


# ---- refreshing


def test_refresh_needs_no_client_id_and_gives_new_tokens(bench: Bench) -> None:
    tokens = bench.tokens()

    status, newer = bench.refresh(tokens["refresh_token"])

    assert status == 200
    assert newer["access_token"] != tokens["access_token"]
    assert newer["refresh_token"] != tokens["refresh_token"]
    assert bench.who(newer["access_token"]) == "ann"


def test_old_access_token_works_until_the_new_one_is_used(bench: Bench) -> None:
    old = bench.tokens()
    _, new = bench.refresh(old["refresh_token"])

    before = bench.who(old["access_token"])
    bench.who(new["access_token"])

    assert before == "ann"
    with pytest.raises(NotSignedInError):
        bench.who(old["access_token"])


def test_refresh_whose_answer_was_lost_may_be_repeated(bench: Bench) -> None:
    old = bench.tokens()
    bench.refresh(old["refresh_token"])

    status, new = bench.refresh(old["refresh_token"])

    assert status == 200
    assert bench.who(new["access_token"]) == "ann"


def test_refresh_token_reused_after_its_successor_was_used_ends_the_sign_in(bench: Bench) -> None:
    old = bench.tokens()
    _, new = bench.refresh(old["refresh_token"])
    bench.who(new["access_token"])

    status, answer = bench.refresh(old["refresh_token"])

    assert (status, answer["error"]) == (400, "invalid_grant")
    with pytest.raises(NotSignedInError):
        bench.who(new["access_token"])
    assert bench.refresh(new["refresh_token"])[0] == 400


def test_using_a_new_refresh_token_retires_the_old_one_too(bench: Bench) -> None:
    old = bench.tokens()
    _, new = bench.refresh(old["refresh_token"])
    _, newest = bench.refresh(new["refresh_token"])

    reused, _ = bench.refresh(old["refresh_token"])

    assert reused == 400
    with pytest.raises(NotSignedInError):
        bench.who(newest["access_token"])


def test_refresh_works_after_the_access_token_is_over(bench: Bench) -> None:
    tokens = bench.tokens()
    bench.pass_ms(20 * 24 * 60 * MINUTE_MS)

    status, newer = bench.refresh(tokens["refresh_token"])

    assert status == 200
    assert bench.who(newer["access_token"]) == "ann"


def test_refresh_token_is_over_after_thirty_days(bench: Bench) -> None:
    tokens = bench.tokens()
    bench.pass_ms(30 * 24 * 60 * MINUTE_MS)

    status, answer = bench.refresh(tokens["refresh_token"])

    assert (status, answer["error"]) == (400, "invalid_grant")


def test_refresh_with_a_wrong_secret_is_refused_and_ends_nothing(bench: Bench) -> None:
    tokens = bench.tokens()

    status, answer = bench.refresh(tokens["refresh_token"], client_secret="wrong")

    assert (status, answer["error"]) == (401, "invalid_client")
    assert bench.who(tokens["access_token"]) == "ann"


def test_refresh_by_another_client_is_refused(bench: Bench) -> None:
    bench.panel.clients.put(oauth_client(client_id="tv-staging"))
    tokens = bench.tokens()

    status, answer = bench.refresh(tokens["refresh_token"], client_id="tv-staging")

    assert (status, answer["error"]) == (400, "invalid_grant")


def test_access_token_is_no_refresh_token(bench: Bench) -> None:
    tokens = bench.tokens()

    status, _ = bench.refresh(tokens["access_token"])

    assert status == 400
    with pytest.raises(NotSignedInError):
        bench.who(tokens["refresh_token"])


def test_access_token_is_over_after_half_an_hour(bench: Bench) -> None:
    tokens = bench.tokens()
    bench.pass_ms(30 * MINUTE_MS)

    with pytest.raises(NotSignedInError):
        bench.who(tokens["access_token"])


def test_ten_refreshes_give_ten_tokens(bench: Bench) -> None:
    token, seen = bench.tokens()["refresh_token"], set()

    for _ in range(10):
        _, answer = bench.refresh(token)
        token = answer["refresh_token"]
        seen.add(answer["access_token"])

    assert len(seen) == 10


# ---- signing out


def test_sign_out_ends_what_this_browser_began_and_returns(bench: Bench, tab: BrowserTab) -> None:
    _, tokens = bench.redeem(bench.code(tab))
    other = bench.tokens()

    answer = tab.open(f"client_id={CLIENT}&redirect_uri={LOGOUT}", "/oauth/logout")

    assert (answer.status, answer.headers["Location"]) == (302, LOGOUT)
    with pytest.raises(NotSignedInError):
        bench.who(tokens["access_token"])
    assert bench.who(other["access_token"]) == "ann"
    assert 'type="password"' in tab.open(authorization()).body


def test_sign_out_takes_the_parameters_older_name(tab: BrowserTab) -> None:
    answer = tab.open(f"client_id={CLIENT}&returnTo={LOGOUT}", "/oauth/logout")

    assert answer.headers["Location"] == LOGOUT


def test_sign_out_without_a_target_says_so_on_a_page(tab: BrowserTab) -> None:
    answer = tab.open(f"client_id={CLIENT}", "/oauth/logout")

    assert (answer.status, tab.title) == (200, "Signed out")


@pytest.mark.parametrize(
    "query",
    [
        f"client_id={CLIENT}&redirect_uri=https://evil.example.com/",
        f"client_id={CLIENT}&redirect_uri={REDIRECT}",
        f"client_id=nobody&redirect_uri={LOGOUT}",
        f"redirect_uri={LOGOUT}",
    ],
)
def test_sign_out_to_an_unknown_target_redirects_nowhere_and_signs_nobody_out(
    bench: Bench, tab: BrowserTab, query: str
) -> None:
    _, tokens = bench.redeem(bench.code(tab))

    answer = tab.open(query, "/oauth/logout")

    assert (answer.status, tab.title) == (400, "You were not signed out")
    assert "Location" not in answer.headers
    assert bench.who(tokens["access_token"]) == "ann"


def test_log_out_by_token_ends_its_refresh_token_too(bench: Bench) -> None:
    tokens = bench.tokens()

    bench.panel.authenticator.log_out(tokens["access_token"])

    with pytest.raises(NotSignedInError):
        bench.who(tokens["access_token"])
    assert bench.refresh(tokens["refresh_token"])[0] == 400


# ---- what is stored


def test_table_holds_no_token_code_cookie_or_password(bench: Bench, tab: BrowserTab) -> None:
    code = bench.code(tab)
    _, tokens = bench.redeem(code)
    _, newer = bench.refresh(tokens["refresh_token"])

    kept = json.dumps(bench.items())

    secrets = [code, PASSWORD, SECRET, *tab.cookies.values()]
    secrets += [answer[name] for answer in (tokens, newer) for name in ("access_token", "refresh_token")]
    assert [secret for secret in secrets if secret in kept] == []
    assert [token[22:] for token in secrets[-4:] if token[22:] in kept] == []


def test_each_session_item_has_a_schema_and_lapses(bench: Bench, tab: BrowserTab) -> None:
    bench.redeem(bench.code(tab))
    BrowserTab(bench).open(authorization())

    sessions = [
        item for item in bench.items() if item["pk"]["S"].split("#")[0] in ("SIGNIN", "CODE", "BROWSER", "ATTEMPTS")
    ]

    assert {item["pk"]["S"].split("#")[0] for item in sessions} == {"SIGNIN", "CODE", "BROWSER", "ATTEMPTS"}
    for item in sessions:
        assert item["schema"] == {"N": "1"}
        assert int(item["expires_at"]["N"]) > bench.now_ms // 1000


def test_opening_the_page_writes_nothing(bench: Bench, tab: BrowserTab) -> None:
    before = bench.items()

    tab.open(authorization())

    assert bench.items() == before
