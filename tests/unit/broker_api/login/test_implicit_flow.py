"""The OAuth 2 implicit flow: token in the fragment, renewed in a frame without a page."""

from urllib.parse import urlsplit

import pytest

from tests.unit.broker_api.login.bench import (
    CLIENT,
    PASSWORD,
    STATE,
    Bench,
    BrowserTab,
    authorization,
    oauth_client,
    told,
)


def implicit(prompt: str = "login", **changes: str) -> str:
    return authorization(response_type="token", prompt=prompt, **changes)


def signed_in(tab: BrowserTab) -> dict[str, str]:
    tab.open(implicit())
    return told(tab.submit(login="ann", password=PASSWORD))


def test_token_comes_in_the_fragment_with_the_state(bench: Bench, tab: BrowserTab) -> None:
    answer = signed_in(tab)

    parts = urlsplit(tab.answer.headers["Location"])
    assert parts.query == ""
    assert (answer["state"], answer["token_type"], answer["expires_in"]) == (STATE, "bearer", "1800")
    assert bench.who(answer["access_token"]) == "ann"


def test_renewal_gives_a_new_token_at_once(bench: Bench, tab: BrowserTab) -> None:
    first = signed_in(tab)
    tab.headers["sec-fetch-site"] = "cross-site"

    second = told(tab.open(implicit("none")))

    assert second["access_token"] != first["access_token"]
    assert bench.who(second["access_token"]) == bench.who(first["access_token"]) == "ann"


def test_cookie_reaches_a_frame_of_tradingviews_page(tab: BrowserTab) -> None:
    signed_in(tab)

    (cookie,) = tab.answer.cookies
    assert cookie.startswith("__Host-orderbridge=")
    assert "SameSite=None" in cookie
    assert "Secure" in cookie
    assert "HttpOnly" in cookie


def test_code_flows_cookie_is_for_our_own_pages(bench: Bench, tab: BrowserTab) -> None:
    bench.code(tab)

    (cookie,) = tab.answer.cookies
    assert "SameSite=Lax" in cookie


@pytest.mark.parametrize("minutes", [24 * 60, 30 * 24 * 60])
def test_renewal_after_the_browsers_session_asks_for_a_login(bench: Bench, tab: BrowserTab, minutes: int) -> None:
    signed_in(tab)
    bench.pass_ms(minutes * 60_000)

    answer = told(tab.open(implicit("none")))

    assert (answer["error"], answer["state"]) == ("login_required", STATE)


def test_renewal_in_a_browser_where_nobody_signed_in_shows_no_page(tab: BrowserTab) -> None:
    answer = tab.open(implicit("none"))

    assert told(answer)["error"] == "login_required"
    assert urlsplit(answer.headers["Location"]).fragment != ""
    assert answer.body == ""


def test_renewal_for_a_client_that_was_never_allowed_asks_for_consent(bench: Bench, tab: BrowserTab) -> None:
    bench.panel.clients.put(oauth_client(client_id="tv-staging"))
    signed_in(tab)

    answer = told(tab.open(implicit("none", client_id="tv-staging")))

    assert answer["error"] == "consent_required"


def test_code_is_never_given_without_a_press(bench: Bench, tab: BrowserTab) -> None:
    bench.code(tab)

    answer = told(tab.open(authorization(prompt="none")))

    assert answer["error"] == "interaction_required"


def test_renewal_after_signing_out_asks_for_a_login(tab: BrowserTab) -> None:
    signed_in(tab)
    tab.open(f"client_id={CLIENT}", "/oauth/logout")

    answer = told(tab.open(implicit("none")))

    assert answer["error"] == "login_required"


def test_client_without_the_implicit_flow_is_refused(bench: Bench, tab: BrowserTab) -> None:
    bench.panel.clients.put(oauth_client(flows=("code",)))

    answer = told(tab.open(implicit()))

    assert (answer["error"], answer["state"]) == ("unauthorized_client", STATE)


def test_cancel_is_told_in_the_fragment(tab: BrowserTab) -> None:
    tab.open(implicit())

    answer = tab.submit("deny")

    assert "error=access_denied" in urlsplit(answer.headers["Location"]).fragment
