"""The names of fields that a native message may carry, and what becomes of each. Pure.

| use | meaning |
|---|---|
| act | decides the order or its place among others |
| know | information: kept with the alert, decides nothing |
| refuse | known, and not supported: an entry with it is refused, so that nobody relies on it |

Sources: TradersPost's published webhook schema and reference pages (the de-facto names), and TradingView's placeholders
(help page 43000531021) used as field names, with or without `strategy.`. Names are compared without case, dots, dashes
and underscores: `limitPrice`, `limit_price` and `LimitPrice` are one field.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Use = Literal["act", "know", "refuse"]


@dataclass(frozen=True, slots=True)
class Field:
    """A field by its canonical name; `reason` says why it is not supported."""

    name: str
    use: Use
    reason: str = ""


_ACT = (
    "ticker action sentiment price signalPrice orderType limitPrice stopPrice trailAmount trailPercent quantity "
    "quantityType takeProfit stopLoss timeInForce extendedHours cancel test time timenow exchange interval id comment "
    "order_action order_contracts order_price order_id order_comment close "
    "position_size market_position market_position_size prev_market_position prev_market_position_size"
)
_KNOW = (
    "extras message tags ignoreTradingWindows open high low volume "
    "order_alert_message syminfo_currency syminfo_basecurrency"
)
_REFUSE = {
    "options are not traded": "optionType intrinsicValue expiration strikeCount strikesAway strikePrice",
    "an alert is worked at once; nothing waits on purpose": "delay",
    "an alert's age is limited by the strategy's settings (entry_max_age, exit_max_age)": "expiresAt",
    "no order is cancelled by a timer": "cancelAfter",
    "cancelling is for all working entries of the symbol": "cancelOrderType",
    "prices are taken from the message, never from a quote": "marketPriceType",
    "stops are not moved by alerts yet": "breakevenOffset",
}
TAKE_PROFIT = ("limitPrice", "percent", "amount")
STOP_LOSS = ("type", "stopPrice", "limitPrice", "percent", "amount", "trailAmount", "trailPercent")


def folded(name: str) -> str:
    """Give the form in which names are compared."""
    return re.sub(r"[\s._-]+", "", name).lower()


def _table() -> Mapping[str, Field]:
    fields = [Field(name, "act") for name in _ACT.split()]
    fields += [Field(name, "know") for name in _KNOW.split()]
    fields += [Field(name, "refuse", reason) for reason, names in _REFUSE.items() for name in names.split()]
    table = {folded(field.name): field for field in fields}
    from_strategy = ("order", "position", "market", "prev")
    table |= {f"strategy{key}": field for key, field in table.items() if key.startswith(from_strategy)}
    return table | {"contracts": table["ordercontracts"], "symbol": table["ticker"]}


FIELDS = _table()
_SYMBOL_WORD = re.compile(
    "symbol|ticker|pair|instrument|asset|coin|market|contract|security|stock|underlying|product|base|quote"
)
_PLOT = re.compile(r"^plot[0-9]{1,2}$")


def known(name: str) -> Field | None:
    """Give the field of a name, None when the name is not known."""
    key = folded(name)
    return FIELDS.get(key) or (Field("plot", "know") if _PLOT.match(key) else None)


def may_name_a_symbol(name: str) -> bool:
    """Tell whether a field that is not known sounds as if it named what is traded."""
    return _SYMBOL_WORD.search(folded(name)) is not None


def nearest(name: str, names: tuple[str, ...] = ()) -> str:
    """Give the known name that is most like `name`, or nothing."""
    from difflib import get_close_matches  # only a refused message needs it

    table = {folded(each): each for each in names} or {key: field.name for key, field in FIELDS.items()}
    close = get_close_matches(folded(name), table, n=1, cutoff=0.6)
    return table[close[0]] if close else ""
