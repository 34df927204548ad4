"""What the deployed functions complained about: shown when a verdict is not clean."""

import json

from sandbox.local_aws import LocalAws, Stack

MOST = 5


def complaints(aws: LocalAws, stack: Stack) -> list[str]:
    """Give up to five different errors that the stack's functions logged, with how often each was."""
    logs = aws.client("logs")
    counted: dict[str, int] = {}
    groups = logs.describe_log_groups(logGroupNamePrefix=f"/orderbridge/{stack.name}/")["logGroups"]
    for group in groups:
        for event in logs.filter_log_events(logGroupName=group["logGroupName"], limit=10_000)["events"]:
            words = _error(event["message"])
            if words:
                named = f"{group['logGroupName'].rpartition('/')[2]}: {words}"
                counted[named] = counted.get(named, 0) + 1
    return [f"{words} ({times} times)" for words, times in list(counted.items())[:MOST]]


def _error(line: str) -> str:
    """Give an error's message and the last line of its traceback; nothing for other lines."""
    try:
        entry = json.loads(line)
    except ValueError:
        return ""
    if not isinstance(entry, dict) or entry.get("level") not in ("ERROR", "CRITICAL"):
        return ""
    last = str(entry.get("exception", "")).strip().rpartition("\n")[2]
    return f"{entry.get('message', '')}{last and ' - ' + last}"
