"""The login page in Chromium: by keyboard, without scripts, on a phone, in the dark, read aloud."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.conftest import Place
from tests.unit.broker_api.login.bench import PASSWORD, STATE, settings_of

PHONE_WIDTH, PHONE_HEIGHT = 360, 640
CONTRAST = """
(() => {
  const numbers = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = numbers(getComputedStyle(e).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const worst = [];
  for (const e of document.querySelectorAll("h1, p, label, li, button, a, input, strong, span")) {
    const [a, b] = [light(numbers(getComputedStyle(e).color)), light(behind(e))];
    worst.push([(Math.max(a, b) + .05) / (Math.min(a, b) + .05), e.tagName]);
  }
  return worst.sort((x, y) => x[0] - y[0])[0];
})()
"""


def told(place: Place) -> dict[str, str]:
    parts = urlsplit(place.tab.url)
    return {name: values[0] for name, values in parse_qs(parts.query or parts.fragment).items()}


def sign_in(place: Place, password: str = PASSWORD, login: str = "ann") -> None:
    """Type login and password, as the page opens with the login's field in focus, and press Enter."""
    place.tab.wait_for("document.activeElement.id", "login")
    place.tab.type(login)
    place.tab.press("Tab")
    place.tab.type(password)
    place.tab.press("Enter", leads_on=True)


def test_person_signs_in_by_keyboard_without_scripts_and_is_back_at_tradingview(place: Place) -> None:
    place.tab.without_scripts()
    place.tab.open(place.login_url())

    sign_in(place)

    assert place.tab.url.startswith(f"{place.redirect_uri}?")
    assert told(place)["state"] == STATE
    status, tokens = place.bench.redeem(told(place)["code"], redirect_uri=place.redirect_uri)
    assert status == 200
    assert place.bench.who(tokens["access_token"]) == "ann"


def test_keyboard_reaches_everything_in_the_order_of_the_page(place: Place) -> None:
    place.tab.open(place.login_url())
    place.tab.wait_for("document.activeElement.id", "login")
    order = [place.tab.focused]

    for _ in range(3):
        place.tab.press("Tab")
        order.append(place.tab.focused)

    assert order == ["login", "password", "Sign in and allow", "Cancel"]
    assert place.tab.js("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert place.tab.js("parseFloat(getComputedStyle(document.activeElement).outlineWidth)") >= 2


def test_cancel_goes_back_to_tradingview_with_empty_fields(place: Place) -> None:
    place.tab.open(place.login_url())

    place.tab.click("button[value=deny]")

    assert place.tab.url.startswith(place.redirect_uri)
    assert told(place)["error"] == "access_denied"


def test_empty_fields_are_stopped_by_the_browser(place: Place) -> None:
    place.tab.open(place.login_url())

    place.tab.click("button[value=sign_in]", leads_on=False)

    assert place.tab.js("document.querySelector(':invalid:not(form)').id") == "login"
    assert place.tab.url == place.login_url()


def test_wrong_password_is_read_out_and_can_be_mended(place: Place) -> None:
    place.tab.open(place.login_url())

    sign_in(place, "wrong password")

    place.picture("error")
    place.tab.wait_for("document.activeElement.id", "error")
    spoken = place.tab.spoken()
    assert "alert" in [role for role, _ in spoken]
    assert ("RootWebArea", "Error: Sign in to trade from TradingView") in spoken
    assert place.tab.js("document.querySelector('#login').value") == "ann"
    assert place.tab.js("document.querySelector('#password').value") == ""
    place.tab.press("Tab")
    place.tab.press("Enter")
    place.tab.wait_for("document.activeElement.id", "login")
    place.tab.press("Tab")
    place.tab.type(PASSWORD)
    place.tab.press("Enter", leads_on=True)
    assert "code" in told(place)


def test_reader_hears_what_each_field_and_button_is(place: Place) -> None:
    place.tab.open(place.login_url())

    spoken = place.tab.spoken()

    assert ("heading", "Sign in to trade from TradingView") in spoken
    assert [name for role, name in spoken if role == "textbox"] == ["Login", "Password"]
    assert [name for role, name in spoken if role == "button"] == ["Sign in and allow", "Cancel"]


def test_signed_in_person_is_shown_the_accounts_and_allows(place: Place) -> None:
    place.tab.open(place.login_url())
    sign_in(place)

    place.tab.open(place.login_url())
    place.picture("consent")
    listed = place.tab.js("[...document.querySelectorAll('li')].map(e => e.textContent)")
    place.tab.click("button[value=allow]")

    assert listed == ["sim-a (TradeStation, simulated)", "sim-shared (TradeStation, simulated)"]
    assert "code" in told(place)


def renewed_in_a_frame(place: Place) -> dict[str, list[str]]:
    """Sign in by the implicit flow, then open TradingView's page with the renewal in a frame; give what it is told."""
    place.tab.open(place.login_url(response_type="token", prompt="login"))
    sign_in(place)
    assert "access_token" in told(place)
    place.tab.open(f"{place.tradingview}/frame?{place.login_url(response_type='token', prompt='none')}")
    return parse_qs(str(place.tab.js("frames[0].location.hash")).lstrip("#"))


def test_implicit_token_is_renewed_in_a_frame_of_another_site(place: Place) -> None:
    answer = renewed_in_a_frame(place)

    assert place.bench.who(answer["access_token"][0]) == "ann"


def test_renewal_without_third_party_cookies_asks_for_a_login_and_shows_no_page(place: Place) -> None:
    place.tab.without_third_party_cookies()

    answer = renewed_in_a_frame(place)

    assert answer["error"] == ["login_required"]


def test_page_in_a_frame_is_blocked(place: Place) -> None:
    place.tab.open(f"{place.tradingview}/frame?{place.login_url()}")

    blocked = [text for text in place.tab.violations() if "frame-ancestors" in text or "X-Frame-Options" in text]
    assert blocked, place.tab.violations()


def test_real_money_is_asked_for_with_a_box_that_is_not_ticked(place: Place) -> None:
    live = {"environment": "live", "connection": "user.tess", "base_url": "https://api.tradestation.com/v3"}
    user = place.bench.add_user("tess", connection="user.tess")
    found = place.bench.panel.users.get(user.login)
    assert found is not None
    place.bench.panel.users.give_accounts(found, "user.tess", [settings_of("tess.1234567M", **live)])
    place.tab.open(place.login_url())

    sign_in(place, login="tess")

    place.picture("real-money")
    assert "real money" in next(name for role, name in place.tab.spoken() if role == "checkbox")
    assert place.tab.js("document.forms[0].real_money.checked") is False
    place.tab.click("input[name=real_money]", leads_on=False)
    place.tab.click("button[value=allow]")
    assert "code" in told(place)
    account = place.bench.panel.accounts.account("tess.1234567M")
    assert account is not None
    assert account.live_confirmed_at_ms == place.bench.now_ms


def test_style_sheet_passes_the_pages_own_policy(place: Place) -> None:
    place.tab.open(place.login_url())

    assert place.tab.js("document.styleSheets.length") == 1
    assert place.tab.js("getComputedStyle(document.querySelector('main')).maxWidth") == "416px"
    assert [text for text in place.tab.violations() if "favicon" not in text] == []


def test_script_that_got_into_the_page_would_not_run(place: Place) -> None:
    place.tab.open(place.login_url())

    place.tab.js(
        "(() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
        "document.body.append(s); const i = document.createElement('img'); i.setAttribute('onerror', 'window.ran = 1');"
        "i.src = 'x'; document.body.append(i); })()"
    )

    assert place.tab.js("window.ran") is None


@pytest.mark.parametrize("dark", [False, True])
def test_text_can_be_read_in_light_and_dark(place: Place, dark: bool) -> None:
    place.tab.look(dark=dark)
    place.tab.open(place.login_url())
    place.picture("dark" if dark else "light")
    sign_in_page = place.tab.js(CONTRAST)
    sign_in(place, "wrong password")
    error_page = place.tab.js(CONTRAST)

    background = place.tab.js("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(16, 19, 24)") is dark
    for ratio, element in (sign_in_page, error_page):
        assert ratio >= 4.5, element


@pytest.mark.parametrize("page", ["sign-in", "error", "consent"])
def test_page_fits_a_phone(place: Place, page: str) -> None:
    place.tab.look(width=PHONE_WIDTH, height=PHONE_HEIGHT, dark=page == "consent")
    place.tab.open(place.login_url())
    if page != "sign-in":
        sign_in(place, PASSWORD if page == "consent" else "wrong password")
    if page == "consent":
        place.tab.open(place.login_url())
    place.picture(f"phone-{page}")

    assert place.tab.js("document.documentElement.scrollWidth") <= PHONE_WIDTH
    heights = place.tab.js(
        "[...document.querySelectorAll('button, input:not([type=hidden]):not([type=checkbox])')]"
        ".map(e => e.getBoundingClientRect().height)"
    )
    assert min(heights) >= 44


def test_doubled_text_size_still_fits_a_phone(place: Place) -> None:
    place.tab.look(width=PHONE_WIDTH, height=PHONE_HEIGHT)
    place.tab.open(place.login_url())

    place.tab.js("document.documentElement.style.fontSize = '200%'")

    assert place.tab.js("document.documentElement.scrollWidth") <= PHONE_WIDTH
