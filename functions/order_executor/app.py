"""The doorbell's handler: work the lane, make the watch's pass, or publish notices that the bell names."""

import json
import os
from typing import Any

from orderbridge.errors import ConflictError, SettingsError
from orderbridge.observe import logger_for
from orderbridge.wiring import Bridge, Environment

RESERVE_S = 5.0
"""What is kept back of the function's time to answer in."""

logger = logger_for("order-executor")
bridge: Bridge | None = None


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer each bell; one that could not be answered comes again by itself."""
    failures = [
        {"itemIdentifier": record["messageId"]}
        for record in event["Records"]
        if not _answered(str(record["body"]), context.get_remaining_time_in_millis() / 1000)
    ]
    return {"batchItemFailures": failures}


def _answered(body: str, seconds: float) -> bool:
    global bridge
    try:
        bridge = bridge or Bridge(Environment.read(os.environ))
        deadline = bridge.deadline(max(1.0, seconds - RESERVE_S))
        match json.loads(body):
            case {"lane": str(lane)}:
                worked = bridge.work_lane(lane, deadline)
                logger.info("lane worked", extra={"lane": lane, "jobs": worked.jobs, "again_in_ms": worked.again_in_ms})
            case {"watch": str(account), "turn": int(turn)}:
                bridge.watch(account, turn, deadline)
            case {"notices": True, "tell": {"code": str(), "sentence": str()} as told}:
                bridge.notices.tell(**{str(name): str(text) for name, text in told.items()})
            case {"notices": True}:
                logger.info("notices published", extra={"count": bridge.notices.publish_open()})
            case _:
                logger.error("a bell that says nothing known")
    except ConflictError:
        logger.warning("the lane was taken over by another worker")
        return True
    except SettingsError:
        logger.exception("the account's settings cannot be used")
        return False
    except Exception:
        logger.exception("the bell was not answered and comes again")
        return False
    return True
