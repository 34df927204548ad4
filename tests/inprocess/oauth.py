"""TradingView's part in the OAuth code flow: the person's browser at the login page, its server at the token URI."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.inprocess.bridge import InProcessBridge
from tests.inprocess.gateway import event_of
from tests.inprocess.starting import CLIENT, CLIENT_SECRET, LOGIN, PASSWORD, REDIRECT

STATE = "state of the tab"
FORM = "application/x-www-form-urlencoded"


def code(bridge: InProcessBridge, login: str = LOGIN, password: str = PASSWORD) -> str:
    """Sign in on the page and give the code that the browser is sent back with."""
    query = urlencode(
        {
            "response_type": "code",
            "client_id": CLIENT,
            "redirect_uri": REDIRECT,
            "scope": "general",
            "state": STATE,
        }
    )
    page = bridge.ask_panel(event_of("GET", "/oauth/authorize", query))
    assert page["statusCode"] == 200
    key = re.search(r'name="form_key" value="([^"]*)"', page["body"])
    assert key is not None
    cookies = [line.partition(";")[0] for line in page["multiValueHeaders"]["Set-Cookie"]]
    headers = {"cookie": "; ".join(cookies), "sec-fetch-site": "same-origin", "content-type": FORM}
    form = {"form_key": key[1], "action": "sign_in", "login": login, "password": password}
    sent_back = bridge.ask_panel(event_of("POST", "/oauth/authorize", query, headers, urlencode(form).encode()))
    assert sent_back["statusCode"] == 302, sent_back["body"]
    (location,) = map(str, sent_back["multiValueHeaders"]["Location"])
    told = parse_qs(urlsplit(location).query)
    assert location.startswith(REDIRECT)
    assert told["state"] == [STATE]
    return told["code"][0]


def redeem(bridge: InProcessBridge, given: str) -> dict[str, Any]:
    """Give the tokens for a code."""
    return _token(
        bridge,
        {
            "grant_type": "authorization_code",
            "client_id": CLIENT,
            "client_secret": CLIENT_SECRET,
            "code": given,
            "redirect_uri": REDIRECT,
        },
    )


def refresh(bridge: InProcessBridge, refresh_token: str) -> dict[str, Any]:
    """Give the next tokens."""
    return _token(
        bridge, {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_secret": CLIENT_SECRET}
    )


def _token(bridge: InProcessBridge, form: Mapping[str, str]) -> dict[str, Any]:
    event = event_of("POST", "/oauth/token", "", {"content-type": FORM}, urlencode(form).encode())
    answer = bridge.ask_panel(event)
    assert answer["statusCode"] == 200, answer["body"]
    tokens: dict[str, Any] = json.loads(answer["body"])
    assert set(tokens) <= {"access_token", "refresh_token", "token_type", "expires_in", "refresh_token_expires_in"}
    assert tokens["expires_in"] >= 60
    return tokens
