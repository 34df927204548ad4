"""The two cookies of the login pages, and what they prove.

| cookie | for | SameSite |
|---|---|---|
| form | the form comes from a page that we gave this browser | Lax |
| browser | who has signed in here | Lax; None where the implicit flow renews in a frame of TradingView's page |

`__Host-` keeps another host from setting them. A browser that blocks third-party cookies does not send the second one
in a frame: then the implicit flow asks for a login again, which is why TradingView is to replace it by the code flow.
"""

import re
from typing import Literal

from orderbridge.broker_api.gateway import Request
from orderbridge.broker_api.login.tokens import RandomBytes, digest, new_secret, same

FORM = "__Host-orderbridge-form"
BROWSER = "__Host-orderbridge"
BROWSER_MS = 24 * 60 * 60_000
"""How long a browser stays signed in."""

_VALUE = re.compile(r"[A-Za-z0-9_-]{43}")


def form_cookie(request: Request, random_bytes: RandomBytes) -> str:
    """Give the value of this browser's form cookie, a new one where it has none."""
    return kept(request, FORM) or new_secret(random_bytes).reveal()


def kept(request: Request, name: str) -> str:
    """Give a cookie's value if it has the form of one of ours, else an empty text."""
    value = request.cookie(name)
    return value if _VALUE.fullmatch(value) else ""


def form_key(cookie: str) -> str:
    """Give what stands in a form for its cookie: nobody who cannot read the cookie can make it."""
    return digest(f"form\n{cookie}")


def own_form(request: Request, key: str) -> bool:
    """Tell whether a form was sent from a page that we gave to this browser."""
    cookie = kept(request, FORM)
    site = request.headers.get("sec-fetch-site", "same-origin")
    return bool(cookie) and same(key, form_key(cookie)) and site in ("same-origin", "none")


def set_form(value: str) -> str:
    """Give the header that sets the form cookie, for as long as the browser is open."""
    return f"{FORM}={value}; Path=/; Secure; HttpOnly; SameSite=Lax"


def set_browser(value: str, same_site: Literal["Lax", "None"]) -> str:
    """Give the header that sets the browser cookie."""
    return f"{BROWSER}={value}; Path=/; Secure; HttpOnly; SameSite={same_site}; Max-Age={BROWSER_MS // 1000}"


def clear_browser() -> str:
    """Give the header that removes the browser cookie."""
    return f"{BROWSER}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"
