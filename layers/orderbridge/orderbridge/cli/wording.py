"""Times and values as a person reads them."""

from datetime import UTC, datetime


def utc(at_ms: int) -> str:
    """Give a moment as UTC to the second, or a dash for none."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S") if at_ms else "-"


def ago(since_ms: int, now_ms: int) -> str:
    """Give how long ago a moment was, in its largest unit."""
    if not since_ms:
        return "-"
    seconds = max(0, now_ms - since_ms) // 1000
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def ahead(until_ms: int, now_ms: int) -> str:
    """Give how far ahead a moment is, or that it has passed."""
    seconds = (until_ms - now_ms) // 1000
    if seconds <= 0:
        return "over"
    return f"in {seconds // 60} min" if seconds >= 120 else f"in {seconds} s"
