"""What the user reads while the broker does not answer: the last that was known, and since when."""

from datetime import UTC, datetime

from orderbridge.broker_api.models import Message
from orderbridge.strategy.settings import AccountSettings

NAMES = {"tradestation": "TradeStation", "tradelocker": "TradeLocker"}


def since_text(at_ms: int) -> str:
    """Give a time of day for a warning."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%H:%M:%S} UTC"


def warning_of(account: AccountSettings, since_ms: int | None) -> Message | None:
    """Give the warning for data that was read at `since_ms`, None while they are recent."""
    if since_ms is None:
        return None
    name = NAMES[account.broker]
    text = f"No answer from {name} since {since_text(since_ms)}: this is what was known then."
    return {"text": text, "type": "warning"}


def connection_text(account: AccountSettings, since_ms: int | None) -> str:
    """Give the summary row's word on the connection."""
    return "Live" if since_ms is None else f"No answer from {NAMES[account.broker]} since {since_text(since_ms)}"
