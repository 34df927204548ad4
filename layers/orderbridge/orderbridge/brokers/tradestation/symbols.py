"""What the form of a TradeStation symbol says about it (TradeStation's symbology page)."""

import re
from typing import Literal
from urllib.parse import quote

Kind = Literal["stock", "future", "option", "data"]

_FUTURE = re.compile(r"[A-Z0-9]{1,5}[FGHJKMNQUVXZ][0-9]{2}(\.[DP])?")
_OPTION = re.compile(r"\$?[A-Z.]{1,8} [0-9]{6}[CP][0-9.]+")


def kind_of(symbol: str) -> Kind:
    """Tell what a symbol names: a dated future (`MESZ26`), an option (`MSFT 261218C450`), only data (`@ES`) or a stock.

    Tickers of US stocks have no digits, so a month letter and two digits at the end can only be a future.
    """
    upper = symbol.upper()
    if _OPTION.fullmatch(upper):
        return "option"
    if upper.startswith(("@", "$")):
        return "data"
    return "future" if _FUTURE.fullmatch(upper) else "stock"


def in_path(part: str) -> str:
    """Quote a symbol or id as one part of a path (a space becomes `%20`)."""
    quoted = quote(part, safe="@$")
    return quoted if quoted.strip(".") else quoted.replace(".", "%2E")
