"""What TradeStation's refusal texts mean.

The texts are the ones that the documents, recordings and users of the API quote; codes such as EC602 are stable, the
words around them are not. The first pattern that is found decides; a text that no pattern knows is `other`.
"""

import re

from orderbridge.brokers.port import RefusalCode, Refused

_PATTERNS: tuple[tuple[RefusalCode, str], ...] = (
    ("duplicate", r"duplicate|order ?confirm ?id.*(already|used|unique)"),
    ("reserved", r"remaining on (buy|sell) orders"),
    ("flat", r"you are (long|short) 0 "),
    ("side_mismatch", r"EC[678]\d\d|you are (long|short) [\d,.]+ |boxed positions"),
    ("not_allowed", r"SL0350|easy.to.borrow|locate"),
    ("invalid", r"not rounded to a valid price|invalid symbol|absolute (maximum|minimum)|invalid price"),
    ("funds", r"buying power|insufficient|not enough|exceeds? .*margin"),
    (
        "closed",
        r"market is closed|market closed|outside .*(hours|session)|no day orders|orders? after \d|session (is|has)",
    ),
    ("not_allowed", r"not supported for account|not authorized|invalid account|forbidden|permission|not permitted"),
    ("not_allowed", r"closing transactions|account .*(restricted|closed|inactive)|not eligible"),
    ("not_found", r"not an open order|invalid order ?id|order not found|no such order"),
    ("rate_limited", r"quota exceeded|too many requests|toomanyrequests"),
    ("invalid", r"^(order failed\. reason: )?(invalid|missing|please provide)|failed to build order|group order must"),
    ("invalid", r"trailing|quantity"),
)
_TABLE = tuple((code, re.compile(pattern, re.IGNORECASE)) for code, pattern in _PATTERNS)


def code_of(message: str, otherwise: RefusalCode = "other") -> RefusalCode:
    """Give the code for a refusal text."""
    return next((code for code, pattern in _TABLE if pattern.search(message)), otherwise)


def refused(message: str, otherwise: RefusalCode = "other") -> Refused:
    """Give the refusal with its code and TradeStation's own words, at most 300 characters."""
    return Refused(code_of(message, otherwise), message[:300] or "refused without a reason")
