"""The minute's handler: refresh tokens ahead of expiry, ring for overdue work, revive watches, end dead letters."""

import os
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit

from orderbridge.execution.sweep import sweep
from orderbridge.observe import logger_for, metric
from orderbridge.storage.dead_letters import SqsDeadLetters, lane_of_message
from orderbridge.storage.sweep import DynamoSweep
from orderbridge.storage.tokens import refresh_due
from orderbridge.storage.users import Users
from orderbridge.wiring import Bridge, Environment

RESERVE_S = 5.0
REFRESH_S = 25.0
"""The most of the minute that refreshing may take: the sweep must have its turn."""

logger = logger_for("refresher")
bridge: Bridge | None = None


def handler(_: dict[str, Any], context: Any) -> dict[str, Any]:
    """Make one round; the next minute repeats whatever fails."""
    global bridge
    bridge = bridge or Bridge(Environment.read(os.environ))
    seconds = context.get_remaining_time_in_millis() / 1000 - RESERVE_S
    result: dict[str, Any] = {}
    for name, step in (("tokens", _refresh), ("table", _table), ("sweep", _sweep), ("notices", _publish)):
        try:
            result[name] = step(bridge, seconds)
        except Exception:
            logger.exception("a step of the round failed", extra={"step": name})
            result[name] = "failed"
    logger.info("round made", extra=result)
    return result


def _refresh(bridge: Bridge, seconds: float) -> int:
    reports = refresh_due(bridge.leases, bridge.keeper, bridge.deadline(min(REFRESH_S, seconds)))
    for report in reports:
        metric("TokenAgeSeconds", report.age_ms / 1000, MetricUnit.Seconds, connection=report.connection)
        if report.refused:
            metric("RefreshRefused", 1, connection=report.connection)
            bridge.notices.tell(
                "refresh_refused",
                f"The login {report.connection} is refused by the broker: connect it again.",
            )
        elif report.problem:
            logger.warning("a token was not refreshed", extra={"connection": report.connection})
    return len(reports)


def _table(bridge: Bridge, _: float) -> str:
    if bridge.incarnation.beat(bridge.clock.now_ms()):
        return "known"
    if bridge.incarnation.tell_once():
        bridge.notices.tell(
            "restored",
            "The table was restored from a backup: alerts are stored, and nothing is sent. "
            "Run `orderbridge reconcile`, then `orderbridge resume --restored`.",
        )
    return "restored"


def _sweep(bridge: Bridge, _: float) -> dict[str, int]:
    environment = bridge.environment
    swept = sweep(
        DynamoSweep(bridge.dynamodb, environment.table, bridge.clock),
        SqsDeadLetters(bridge.client_of("sqs"), environment.dead_letter_queue_url),
        bridge.bell,
        bridge.watcher,
        [*bridge.settings.store.accounts(), *Users(bridge.dynamodb, environment.table).own_accounts()],
        lane_of_message,
        bridge.clock,
    )
    metric("UnknownCommands", swept.unknown_commands)
    return {"rung": swept.lanes_rung, "dead_letters": swept.dead_letters, "unknown": swept.unknown_commands}


def _publish(bridge: Bridge, _: float) -> int:
    return bridge.notices.publish_open()
