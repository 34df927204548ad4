"""The mark that ties a TradeLocker order to the command that placed it: its `strategyId`."""

import base64
import hashlib

MAX_LENGTH = 31
"""The reference text says 31 characters; the official client allows 32 since 2024."""

_PREFIX = "ob-"


def label_of(command_id: str) -> str:
    """Give the label of a command: 29 characters of `[a-z0-9-]`, the same for the same id on every machine."""
    digest = hashlib.sha256(command_id.encode()).digest()[:16]
    return _PREFIX + base64.b32encode(digest).decode().rstrip("=").lower()


def is_ours(label: str) -> bool:
    """Tell whether a mark is one that this bridge makes, whichever command's it is."""
    return label.startswith(_PREFIX)
