"""Stop a worker process at a chosen step of the executor, without a change to the product.

    plan stored | NEW -> SENDING stored |            POST            | outcome stored
                ^                       ^            ^     ^         ^
    AFTER_PLAN  |    BEFORE_LEDGER      | AFTER_LEDGER     AFTER_POST|  BEFORE_RESULT, AFTER_RESULT

The ledger's transactions are seen through the SDK's own events, the request to the broker through httpx's transport.
"""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Any

import httpx

from orderbridge import codec
from orderbridge.execution.records import CommandRecord, CommandStatus
from orderbridge.storage.items import unmarshal
from orderbridge.wiring import Bridge

TRANSACTION = "dynamodb.TransactWriteItems"
BROKER_WRITE = re.compile(r"/orderexecution/order(s|groups)|/trade/")


class Moment(StrEnum):
    """A step of the executor, seen from the first command of a role."""

    BEFORE_PLAN = "before_plan"
    """The job is started, and nothing is planned."""
    BEFORE_LEDGER = "before_ledger"
    """The plan is stored; its command is NEW."""
    AFTER_LEDGER = "after_ledger"
    """The command is SENDING; whoever goes on from here checks the time before it sends."""
    BEFORE_POST = "before_post"
    """The command is SENDING, and no check is left: the request would go out next."""
    AFTER_POST = "after_post"
    """The broker has the request; its answer is not read."""
    BEFORE_RESULT = "before_result"
    """The answer is read, and not stored."""
    AFTER_RESULT = "after_result"
    """The outcome is stored; the job is not ended."""


_BEFORE = {
    CommandStatus.NEW: Moment.BEFORE_PLAN,
    CommandStatus.SENDING: Moment.BEFORE_LEDGER,
}
_AFTER = {CommandStatus.SENDING: Moment.AFTER_LEDGER}


class Steps:
    """Follows the commands of one role through the ledger, and tells each moment."""

    def __init__(self, role: str, reached: Callable[[Moment], None]) -> None:
        self._role = role
        self._reached = reached
        self._written: CommandStatus | None = None
        """What the transaction that is under way makes of a command of the role."""
        self._sending = False

    def follow(self, bridge: Bridge) -> None:
        """See the bridge's transactions."""
        events = bridge.dynamodb.meta.events
        events.register(f"provide-client-params.{TRANSACTION}", self._before)
        events.register(f"after-call.{TRANSACTION}", self._after)

    def transport(self) -> httpx.BaseTransport:
        """Give the transport for the bridge's requests to its broker."""
        return _SeenTransport(self)

    def _before(self, params: dict[str, Any], **_: object) -> None:
        statuses = [record.status for record in _commands(params["TransactItems"]) if record.role == self._role]
        self._written = statuses[0] if statuses else None
        if self._written is not None:
            self._reached(_BEFORE.get(self._written, Moment.BEFORE_RESULT))

    def _after(self, http_response: Any, **_: object) -> None:
        if self._written is None or http_response.status_code != 200:
            return
        self._sending = self._written is CommandStatus.SENDING
        if self._written is not CommandStatus.NEW:
            self._reached(_AFTER.get(self._written, Moment.AFTER_RESULT))

    def requesting(self, request: httpx.Request) -> bool:
        """Tell whether this request is the command's."""
        return self._sending and request.method != "GET" and BROKER_WRITE.search(request.url.path) is not None

    def reached(self, moment: Moment) -> None:
        """Tell a moment of the command's request."""
        self._reached(moment)


class _SeenTransport(httpx.BaseTransport):
    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._inner = httpx.HTTPTransport(verify=False)  # the simulated brokers speak plain http

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not self._steps.requesting(request):
            return self._inner.handle_request(request)
        self._steps.reached(Moment.BEFORE_POST)
        response = self._inner.handle_request(request)
        self._steps.reached(Moment.AFTER_POST)
        return response

    def close(self) -> None:
        self._inner.close()


def _commands(operations: list[dict[str, Any]]) -> list[CommandRecord]:
    puts = [unmarshal(operation["Put"]["Item"]) for operation in operations if "Put" in operation]
    return [codec.loads(CommandRecord, str(item["data"])) for item in puts if str(item["sk"]).startswith("COMMAND#")]
