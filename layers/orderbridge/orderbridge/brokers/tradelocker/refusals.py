"""What a refusal by TradeLocker means.

The texts are not published. They are shown as they are, and only the few below are told apart; what fits none of them
is `other`.
"""

import re

from orderbridge.brokers.port import RefusalCode

# The first pattern found decides, so the narrower ones come first.
_PATTERNS: tuple[tuple[RefusalCode, str], ...] = (
    ("rate_limited", r"too many requests|rate limit"),
    ("duplicate", r"duplicate strategy|strategy ?id\b.*\b(already|duplicate|exists)"),
    ("not_found", r"not found|does ?n[o']t exist|already|unknown (order|position)|(order|position) (is )?closed"),
    ("funds", r"\bmargin|insufficient|not enough|\bfunds\b"),
    ("closed", r"\bclosed\b|\bhalt"),
    ("not_allowed", r"not allowed|not permitted|disabled|restricted|forbidden|permission|read.?only"),
    (
        "invalid",
        r"invalid|quantity|\bqty\b|\blots?\b|\bprice|validity|\btif\b|time ?in ?force|strategy ?id|\broute"
        r"|stop ?loss|take ?profit|required|must be",
    ),
)

_BY_STATUS: dict[int, RefusalCode] = {400: "invalid", 403: "not_allowed", 404: "not_found"}


def refusal_code(status: int, text: str) -> RefusalCode:
    """Give the code of a refusal from its HTTP status (200 for `s: error`) and its text."""
    for code, pattern in _PATTERNS:
        if re.search(pattern, text, re.IGNORECASE):
            return code
    return _BY_STATUS.get(status, "other")
