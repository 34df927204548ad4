"""Which web pages may read our answers: TradingView's own, and origins that the settings add.

TradingView's manual asks for the asking origin itself (no star) on every endpoint and every status code, and suggests a
max-age, since a browser remembers a preflight for 5 s only. Origins differ by language: `https://de.tradingview.com`.
"""

import re
from collections.abc import Collection

MAX_AGE_S = 7200
"""The longest that Chromium remembers a preflight."""
METHODS = "GET, POST, PUT, DELETE, OPTIONS"
HEADERS = "Authorization, Content-Type"

_TRADINGVIEW = re.compile(r"https://([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*tradingview\.com")


def may_read(origin: str, extra: Collection[str] = ()) -> bool:
    """Tell whether a page of `origin` may read our answers; `extra` holds whole origins, `scheme://host[:port]`."""
    return _TRADINGVIEW.fullmatch(origin) is not None or (origin != "" and origin in extra)


def cors_headers(origin: str, extra: Collection[str] = ()) -> dict[str, str]:
    """Give the headers of every answer; another origin gets none but `Vary`, so that no cache mixes the two."""
    headers = {"Vary": "Origin"}
    if may_read(origin, extra):
        headers["Access-Control-Allow-Origin"] = origin
    return headers


def preflight_headers(origin: str, extra: Collection[str] = ()) -> dict[str, str]:
    """Give the headers that answer a preflight."""
    headers = cors_headers(origin, extra)
    if "Access-Control-Allow-Origin" in headers:
        headers |= {
            "Access-Control-Allow-Methods": METHODS,
            "Access-Control-Allow-Headers": HEADERS,
            "Access-Control-Max-Age": str(MAX_AGE_S),
        }
    return headers
