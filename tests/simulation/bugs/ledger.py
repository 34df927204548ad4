"""Planted bugs of mechanics around a write: the ledger, the lane's lease, the switches."""

from dataclasses import replace
from typing import Any

from orderbridge.brokers.port import NotTaken, Refused, Unknown
from orderbridge.execution import submit
from orderbridge.execution.asking import Asker
from orderbridge.execution.job import JobWorker
from orderbridge.execution.records import CommandRecord
from orderbridge.execution.session import LaneSession
from orderbridge.storage.incarnation import Incarnation, Table
from orderbridge.storage.lanes import DynamoLanes
from orderbridge.strategy import entries
from tests.simulation.bugs.patcher import Patcher


def ledger_written_after_the_post(patch: Patcher) -> None:
    """The request goes out before `begin`; what `_send` gives later is the answer of that time."""
    answers: dict[str, Any] = {}

    def begin_later(original: Any) -> Any:
        def begin(self: DynamoLanes, fence: Any, record: CommandRecord, state: Any, gates: Any) -> Any:
            early = _EARLY.get("lane")
            if early is not None:
                answers[record.command_id] = send_first(early, record)
            return original(self, fence, record, state, gates)

        return begin

    def send_first(lane: LaneSession, record: CommandRecord) -> Any:
        return original_send(lane, record)

    original_send = submit._send

    def remember(original: Any) -> Any:
        def run(lane: LaneSession, record: Any, gates: Any, expiry: Any) -> Any:
            _EARLY["lane"] = lane
            try:
                return original(lane, record, gates, expiry)
            finally:
                _EARLY.pop("lane", None)

        return run

    patch.function(submit, "_send", lambda _: lambda lane, record: answers.pop(record.command_id))
    patch.function(submit, "submit", remember)
    patch.method(DynamoLanes, "begin", begin_later)


_EARLY: dict[str, LaneSession] = {}


def retried_on_a_time_out(patch: Patcher) -> None:
    def twin(original: Any) -> Any:
        def send(lane: LaneSession, record: CommandRecord) -> Any:
            outcome = original(lane, record)
            return NotTaken("not_connected") if isinstance(outcome, Unknown) else outcome

        return send

    patch.function(submit, "_send", twin)


def unknown_taken_for_refused(patch: Patcher) -> None:
    def twin(original: Any) -> Any:
        def send(lane: LaneSession, record: CommandRecord) -> Any:
            outcome = original(lane, record)
            return Refused("other", outcome.reason) if isinstance(outcome, Unknown) else outcome

        return send

    patch.function(submit, "_send", twin)


def lease_without_fencing(patch: Patcher) -> None:
    """A write no longer asks whose lane it is; it only asks that there is one."""

    def loose(original: Any) -> Any:
        def update(self: DynamoLanes, *arguments: Any) -> dict[str, Any]:
            operation = original(self, *arguments)
            ((_, details),) = operation.items()
            condition = details["ConditionExpression"].replace("epoch = :mine", "attribute_exists(pk)")
            values = {name: value for name, value in details["ExpressionAttributeValues"].items() if name != ":mine"}
            return {next(iter(operation)): _without_empty({**details, "ConditionExpression": condition}, values)}

        return update

    patch.method(DynamoLanes, "_state", loose)
    patch.method(DynamoLanes, "_fence", loose)


def _without_empty(details: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in details.items() if name != "ExpressionAttributeValues"}
    return {**kept, "ExpressionAttributeValues": values} if values else kept


def epoch_not_raised(patch: Patcher) -> None:
    def twin(original: Any) -> Any:
        def take(self: DynamoLanes, *arguments: Any) -> Any:
            client, self._client = self._client, _Reworded(self._client)
            try:
                return original(self, *arguments)
            finally:
                self._client = client

        return take

    patch.method(DynamoLanes, "take", twin)


class _Reworded:
    """Passes an update on with the epoch set once instead of raised."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def update_item(self, **arguments: Any) -> Any:
        text = arguments["UpdateExpression"].replace(" ADD epoch :one", ", epoch = if_not_exists(epoch, :one)")
        return self._client.update_item(**{**arguments, "UpdateExpression": text})


def lane_taken_though_held(patch: Patcher) -> None:
    """The lease is forgotten: a lane counts as free for whoever comes."""

    def twin(original: Any) -> Any:
        def take(self: DynamoLanes, lane: str, owner: str, now_ms: int, hold_ms: int) -> Any:
            client, self._client = self._client, _Unconditional(self._client)
            try:
                return original(self, lane, owner, now_ms, hold_ms)
            finally:
                self._client = client

        return take

    patch.method(DynamoLanes, "take", twin)


class _Unconditional:
    def __init__(self, client: Any) -> None:
        self._client = client

    def update_item(self, **arguments: Any) -> Any:
        return self._client.update_item(
            **{**arguments, "ConditionExpression": "attribute_not_exists(pk) OR until_ms < :now OR until_ms >= :now"}
            | {"ExpressionAttributeNames": arguments["ExpressionAttributeNames"]}
        )


def plan_not_stored(patch: Patcher) -> None:
    def twin(original: Any) -> Any:
        def save_plan(self: DynamoLanes, fence: Any, plan: Any, records: Any, state: Any) -> None:
            original(self, fence, replace(plan, command_ids=()), records, state)

        return save_plan

    patch.method(DynamoLanes, "save_plan", twin)


def halt_not_in_the_transaction(patch: Patcher) -> None:
    def twin(original: Any) -> Any:
        def switch(self: DynamoLanes, scope: str, increases_exposure: bool) -> dict[str, Any]:
            check = original(self, scope, increases_exposure)
            check["ConditionCheck"] |= {"ConditionExpression": "attribute_not_exists(pk) OR blocks <> :value"}
            check["ConditionCheck"]["ExpressionAttributeValues"] = {":value": {"S": "never"}}
            return dict(check)

        return switch

    patch.method(DynamoLanes, "_switch", twin)


def unknown_gate_left_open(patch: Patcher) -> None:
    """An entry is sent though the outcome of another is not known."""
    begin = DynamoLanes.begin

    def twin(_: Any) -> Any:
        def wrong(self: DynamoLanes, fence: Any, record: Any, state: Any, gates: Any) -> Any:
            client, self._client = self._client, _GateOpen(self._client)
            try:
                return begin(self, fence, record, state, gates)
            finally:
                self._client = client

        return wrong

    patch.method(DynamoLanes, "begin", twin)
    patch.method(JobWorker, "_only_opens", lambda _: lambda self, job: False)
    patch.method(Asker, "_missed_by_exit", lambda _: lambda self, job: [])
    patch.function(entries, "_unknown", lambda _: lambda case: None)


class _GateOpen:
    def __init__(self, client: Any) -> None:
        self._client = client

    def transact_write_items(self, **arguments: Any) -> Any:
        for operation in arguments["TransactItems"]:
            details = operation.get("Update", {})
            if "gate" in details.get("ConditionExpression", ""):
                details["ConditionExpression"] = "epoch = :mine"
                details["ExpressionAttributeValues"].pop(":open", None)
        return self._client.transact_write_items(**arguments)


def restored_table_not_noticed(patch: Patcher) -> None:
    """The table's own id is not looked at: what stands in its item is believed."""

    def twin(original: Any) -> Any:
        def table(self: Incarnation) -> Table:
            real: Table = original(self)
            return replace(real, id=self.known().table_id or real.id)

        return table

    patch.method(Incarnation, "table", twin)
