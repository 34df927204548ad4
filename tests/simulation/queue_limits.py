"""What SQS refuses in a message or a batch of them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

MOST_BYTES = 1_048_576
MOST_BATCHED = 10
MOST_DELAY_S = 900
MOST_HIDDEN_S = 43_200
ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")


def wrong_message(body: str, delay_s: int | None) -> tuple[str, str] | None:
    """Say what is wrong with a message, as (code, sentence); None: nothing."""
    if not body:
        return "MissingParameter", "The request must contain the parameter MessageBody."
    if len(body.encode()) > MOST_BYTES:
        return "InvalidParameterValue", f"One or more parameters are invalid: longer than {MOST_BYTES} bytes."
    if delay_s is not None and not 0 <= delay_s <= MOST_DELAY_S:
        return "InvalidParameterValue", f"Value {delay_s} for parameter DelaySeconds is invalid."
    return None


def wrong_batch(entries: Sequence[Mapping[str, Any]]) -> tuple[str, str] | None:
    """Say what is wrong with a whole batch, as (code, sentence); None: nothing."""
    service = "AWS.SimpleQueueService"
    if not entries:
        return f"{service}.EmptyBatchRequest", "There should be at least one entry in the request."
    if len(entries) > MOST_BATCHED:
        return f"{service}.TooManyEntriesInBatchRequest", f"Maximum number of entries per request is {MOST_BATCHED}."
    names = [str(entry["Id"]) for entry in entries]
    if not all(ENTRY_ID.fullmatch(name) for name in names):
        return f"{service}.InvalidBatchEntryId", "A batch entry id can only contain alphanumerics, - and _."
    if len(set(names)) != len(names):
        return f"{service}.BatchEntryIdsNotDistinct", "Two entries have one id."
    if sum(len(str(entry["MessageBody"]).encode()) for entry in entries) > MOST_BYTES:
        return f"{service}.BatchRequestTooLong", f"The batch is longer than {MOST_BYTES} bytes."
    return None
