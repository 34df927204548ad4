"""The login page's protection: who may embed, send, guess, redirect; and what it holds."""

import re
from html.parser import HTMLParser

import pytest

from orderbridge.broker_api.gateway import Answer
from tests.unit.broker_api.login.bench import (
    PASSWORD,
    REDIRECT,
    STATE,
    Bench,
    BrowserTab,
    authorization,
    oauth_client,
    told,
)

EVIL = "https://evil.example.com/"


class Tags(HTMLParser):
    """The page's tags with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for found, attributes in self.found if found == tag]


def policy(answer: Answer) -> dict[str, str]:
    parts = [part.strip().partition(" ") for part in answer.headers["Content-Security-Policy"].split(";")]
    return {name: value for name, _, value in parts}


# ---- headers


def test_page_may_not_be_framed_cached_or_scripted(tab: BrowserTab) -> None:
    answer = tab.open(authorization())

    rules = policy(answer)
    assert (rules["default-src"], rules["frame-ancestors"], rules["base-uri"]) == ("'none'", "'none'", "'none'")
    assert "script-src" not in rules
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_form_may_end_at_tradingview_and_nowhere_else(tab: BrowserTab) -> None:
    answer = tab.open(authorization())

    assert policy(answer)["form-action"] == "'self' https://tradingview.com https://*.tradingview.com"


def test_form_may_end_at_the_origin_of_another_clients_redirect(bench: Bench, tab: BrowserTab) -> None:
    bench.panel.clients.put(oauth_client(redirect_uris=("http://localhost:6285/back",)))

    answer = tab.open(authorization(redirect_uri="http://localhost:6285/back"))

    assert policy(answer)["form-action"] == "'self' http://localhost:6285"


def test_pages_are_readable_by_no_other_origin(bench: Bench) -> None:
    answer = bench.send(
        "GET", "/oauth/authorize", query=authorization(), headers={"Origin": "https://www.tradingview.com"}
    )

    assert [name for name in answer.headers if name.lower().startswith("access-control")] == []


def test_form_cookie_is_the_hosts_own_and_out_of_reach_of_scripts(tab: BrowserTab) -> None:
    (cookie,) = tab.open(authorization()).cookies

    assert cookie.startswith("__Host-orderbridge-form=")
    assert cookie.endswith("; Path=/; Secure; HttpOnly; SameSite=Lax")


# ---- content


def test_page_holds_the_form_and_nothing_from_elsewhere(tab: BrowserTab) -> None:
    tags = Tags(tab.open(authorization()).body)

    assert tags.named("script") == tags.named("img") == tags.named("link") == tags.named("iframe") == []
    assert tags.named("a") == []
    assert [form["method"] for form in tags.named("form")] == ["post"]
    assert [form.get("action") for form in tags.named("form")] == [None]


def test_each_field_has_a_label_and_says_what_it_is_for(tab: BrowserTab) -> None:
    tags = Tags(tab.open(authorization()).body)

    shown = [field for field in tags.named("input") if field.get("type") != "hidden"]
    labels = {label["for"] for label in tags.named("label")}
    assert {field["id"] for field in shown} == labels == {"login", "password"}
    assert {field["autocomplete"] for field in shown} == {"username", "current-password"}
    assert tags.named("html")[0]["lang"] == "en"


def test_error_is_an_alert_tied_to_its_fields_and_stands_in_the_title(tab: BrowserTab) -> None:
    tab.open(authorization())

    answer = tab.submit(login="ann", password="wrong password")

    tags = Tags(answer.body)
    (alert,) = [one for one in tags.named("div") if one.get("role") == "alert"]
    assert "autofocus" in alert
    assert tab.title.startswith("Error: ")
    shown = [field for field in tags.named("input") if field.get("type") != "hidden"]
    assert [(field["aria-invalid"], field["aria-describedby"]) for field in shown] == [("true", alert["id"])] * 2


def test_login_is_kept_after_an_error_and_the_password_is_not(tab: BrowserTab) -> None:
    tab.open(authorization())

    answer = tab.submit(login="ann", password="canary-password-1")

    assert 'value="ann"' in answer.body
    assert "canary-password-1" not in answer.body


@pytest.mark.parametrize(
    ("login", "password", "message"),
    [
        ("ann", "wrong password", "The login or the password is wrong."),
        ("nobody", PASSWORD, "The login or the password is wrong."),
        ("ann\u0000\u202e", PASSWORD, "The login or the password is wrong."),
        ("x" * 5000, PASSWORD, "The login or the password is wrong."),
        ("ann", "x" * 5000, "The login or the password is wrong."),
        ("", PASSWORD, "Fill in login and password."),
        ("ann", "", "Fill in login and password."),
    ],
)
def test_failed_sign_in_says_as_little_as_it_can(tab: BrowserTab, login: str, password: str, message: str) -> None:
    tab.open(authorization())

    answer = tab.submit(login=login, password=password)

    assert answer.status in (400, 401)
    assert tab.error == message


@pytest.mark.parametrize("field", ["login", "state", "scope", "lang", "client_id", "redirect_uri", "response_type"])
def test_what_is_sent_is_never_markup(bench: Bench, tab: BrowserTab, field: str) -> None:
    attack = '"><script>alert(1)</script><b x="'

    tab.open(authorization(**({} if field == "login" else {field: attack})))
    if field == "login":
        tab.submit(login=attack, password=PASSWORD)

    assert "<script" not in tab.answer.body
    assert "<b " not in tab.answer.body


# ---- where it may lead


@pytest.mark.parametrize(
    "redirect_uri",
    [
        EVIL,
        REDIRECT.rstrip("/"),
        REDIRECT + "../",
        REDIRECT + "?x=1",
        REDIRECT + "#x",
        REDIRECT.replace("https", "http"),
        REDIRECT.upper(),
        "https://www.tradingview.com@evil.example.com/trading/oauth-redirect/orderbridge/",
        "https://www.tradingview.com.evil.example.com/trading/oauth-redirect/orderbridge/",
        "//www.tradingview.com/trading/oauth-redirect/orderbridge/",
        REDIRECT.replace("www.tradingview.com", "user@www.tradingview.com"),
        REDIRECT.replace("www.tradingview.com", "www.tradingview.com:8443"),
        REDIRECT.replace("www.tradingview.com", "www.tradingview.com:443"),
        REDIRECT.replace("www.tradingview.com", "www.tradingview.com."),
        REDIRECT.replace("tradingview", "tradingv\u0456ew"),
        REDIRECT.replace("www.tradingview.com", "www.xn--tradingvew-q2i.com"),
        REDIRECT.replace("orderbridge/", "orderbridge/%2e%2e/other/"),
        REDIRECT.replace("orderbridge/", "./orderbridge/"),
        REDIRECT.replace("https://", "https:\\\\"),
        REDIRECT + " ",
        REDIRECT + "\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
        "",
    ],
)
def test_redirect_uri_that_is_not_the_registered_one_leads_nowhere(tab: BrowserTab, redirect_uri: str) -> None:
    answer = tab.open(authorization(redirect_uri=redirect_uri))

    assert answer.status == 400
    assert "Location" not in answer.headers
    assert "<form" not in answer.body


def test_two_redirect_uris_lead_nowhere(tab: BrowserTab) -> None:
    answer = tab.open(authorization() + f"&redirect_uri={EVIL}")

    assert answer.status == 400
    assert "Location" not in answer.headers


@pytest.mark.parametrize("client_id", ["nobody", "", "x" * 3000, "tv-production\n", "../tv-production"])
def test_unknown_client_leads_nowhere(tab: BrowserTab, client_id: str) -> None:
    answer = tab.open(authorization(client_id=client_id))

    assert answer.status == 400
    assert "Location" not in answer.headers


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"state": None}, "invalid_request"),
        ({"state": "x" * 5000}, "invalid_request"),
    ],
)
def test_wrong_request_is_told_to_the_client(tab: BrowserTab, changes: dict[str, str | None], error: str) -> None:
    answer = tab.open(authorization(**changes))

    assert told(answer)["error"] == error


def test_repeated_parameter_is_refused_with_the_state(tab: BrowserTab) -> None:
    answer = tab.open(authorization() + "&scope=other")

    assert (told(answer)["error"], told(answer)["state"]) == ("invalid_request", STATE)


def test_scope_outside_of_the_clients_is_refused(bench: Bench, tab: BrowserTab) -> None:
    bench.panel.clients.put(oauth_client(scopes=("general",)))

    assert tab.open(authorization(scope="general")).status == 200
    assert told(tab.open(authorization(scope="general admin")))["error"] == "invalid_scope"


def test_line_break_in_the_state_stays_inside_the_address(tab: BrowserTab) -> None:
    state = "a\r\nSet-Cookie: evil=1"
    tab.open(authorization(state=state))

    answer = tab.submit("deny")

    assert "\r" not in answer.headers["Location"]
    assert told(answer)["state"] == state


# ---- who may send it


def test_form_without_its_cookie_is_refused(tab: BrowserTab) -> None:
    tab.open(authorization())
    tab.cookies.clear()

    answer = tab.submit(login="ann", password=PASSWORD)

    assert answer.status == 403
    assert "Location" not in answer.headers


def test_form_with_another_browsers_key_is_refused(bench: Bench, tab: BrowserTab) -> None:
    other = BrowserTab(bench)
    other.open(authorization())
    tab.open(authorization())
    tab.answer = other.answer

    answer = tab.submit(login="ann", password=PASSWORD)

    assert answer.status == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_form_sent_by_another_site_is_refused(bench: Bench, tab: BrowserTab, site: str) -> None:
    bench.code(tab)
    tab.open(authorization())
    tab.headers["sec-fetch-site"] = site

    answer = tab.submit("allow")

    assert answer.status == 403


def test_refused_form_comes_back_ready_to_be_sent_again(tab: BrowserTab) -> None:
    tab.open(authorization())
    tab.cookies.clear()
    tab.submit(login="ann", password=PASSWORD)

    answer = tab.submit(login="ann", password=PASSWORD)

    assert answer.status == 302


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"login=ann&password=" + b"x" * 1_000_000, "application/x-www-form-urlencoded"),
        (b"&".join(b"a=1" for _ in range(200)), "application/x-www-form-urlencoded"),
        (b"login=%ff%fe&password=x", "application/x-www-form-urlencoded"),
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b'{"login": "ann"}', "application/json"),
    ],
)
def test_form_that_cannot_be_read_is_refused(bench: Bench, body: bytes, kind: str) -> None:
    answer = bench.send("POST", "/oauth/authorize", query=authorization(), body=body, headers={"Content-Type": kind})

    assert answer.status == 400
    assert "Location" not in answer.headers


def test_repeated_password_field_signs_nobody_in(bench: Bench, tab: BrowserTab) -> None:
    tab.open(authorization())
    found = re.search(r'name="form_key" value="([^"]*)"', tab.answer.body)
    assert found is not None
    form = {"form_key": found[1], "action": "sign_in", "login": "ann", "password": [PASSWORD, PASSWORD]}
    cookie = "; ".join(f"{name}={value}" for name, value in tab.cookies.items())

    answer = bench.send("POST", "/oauth/authorize", query=authorization(), form=form, headers={"cookie": cookie})

    assert answer.status == 400


@pytest.mark.parametrize("path", ["/oauth", "/oauth/", "/oauth/authorize/", "/oauth/unknown", "/OAUTH/authorize"])
def test_unknown_page_is_not_found(bench: Bench, path: str) -> None:
    assert bench.send("GET", path).status == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS"])
def test_page_takes_no_other_method(bench: Bench, method: str) -> None:
    assert bench.send(method, "/oauth/authorize", query=authorization()).status == 404
