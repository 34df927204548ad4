"""The lane's part of the table: its lease and state in one item, its jobs, plans and commands beside it.

    lane item:  free | held(owner, epoch, until)      take: free, lapsed or one's own -> held(epoch + 1)
                                                      never of a shape that only a newer release can read
    Every write names the epoch that it was made under; the condition `epoch = :mine` fails for a fenced-out worker.
"""

from collections.abc import Sequence
from typing import Any

from orderbridge import codec
from orderbridge.errors import ConflictError, StorageError
from orderbridge.execution.ports import Begun, Busy, Fence, Gates, Held, Stopped
from orderbridge.execution.records import CommandRecord, CommandStatus, Job, LaneState, Plan, StoredJob
from orderbridge.machine import MACHINE, Machine
from orderbridge.storage import keys
from orderbridge.storage.inbox import DynamoInbox
from orderbridge.storage.incarnation import Incarnation
from orderbridge.storage.items import marshal, unmarshal, value_of
from orderbridge.storage.jobs import end_job_operations, job_item, stored_job
from orderbridge.storage.releases import check_schema, decoded
from orderbridge.storage.transact import ConditionFailedError, call, patient, query_all, transact
from orderbridge.strategy.goal import End

KEEP_S = 90 * 24 * 3600
"""How long jobs, plans and commands are kept after their last change."""


class DynamoLanes:
    """`LaneStore` on the bridge's table."""

    def __init__(
        self, client: Any, table: str, machine: Machine = MACHINE, incarnation: Incarnation | None = None
    ) -> None:
        """Whoever sends gives the `incarnation`: from a table that was restored nothing is sent, and no lane taken."""
        self._client = client
        self._table = table
        self._machine = machine
        self._incarnation = incarnation
        self._inbox = DynamoInbox(client, table, machine)

    def _transact(self, operations: Sequence[dict[str, Any]]) -> None:
        transact(self._client, operations, self._machine)

    # ---- the lease and the state

    def take(self, lane: str, owner: str, now_ms: int, hold_ms: int) -> Held | Busy:
        """Take the lane if it is free, lapsed or already `owner`'s."""
        if self._incarnation is not None and self._incarnation.restored():
            return Busy(now_ms + hold_ms, restored=True)
        try:
            reply = call(
                patient(self._client.update_item, self._machine),
                TableName=self._table,
                Key=marshal(keys.lane_state(lane)),
                UpdateExpression="SET #owner = :owner, until_ms = :until, #schema = if_not_exists(#schema, :schema) "
                "ADD epoch :one",
                ConditionExpression="attribute_not_exists(pk) OR "
                "(#schema <= :schema AND (until_ms < :now OR #owner = :owner))",
                ExpressionAttributeNames={"#owner": "owner", "#schema": "schema"},
                ExpressionAttributeValues=marshal(
                    {":owner": owner, ":until": now_ms + hold_ms, ":now": now_ms, ":one": 1, ":schema": keys.SCHEMA}
                ),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ConditionFailedError as refused:
            old = unmarshal(refused.old.get(0, {}))
            check_schema(old)
            return Busy(int(old.get("until_ms", now_ms + 1000)))
        item = unmarshal(reply["Attributes"])
        self._inbox.learn(lane, item)
        state = decoded(LaneState, item) if "data" in item else LaneState()
        return Held(Fence(lane, owner, int(item["epoch"]), int(item["until_ms"])), state)

    def extend(self, fence: Fence, now_ms: int, hold_ms: int) -> Fence:
        """Hold the lane longer."""
        call(
            patient(self._client.update_item, self._machine),
            TableName=self._table,
            Key=marshal(keys.lane_state(fence.lane)),
            UpdateExpression="SET until_ms = :until",
            ConditionExpression="epoch = :mine",
            ExpressionAttributeValues=marshal({":until": now_ms + hold_ms, ":mine": fence.epoch}),
        )
        return Fence(fence.lane, fence.owner, fence.epoch, now_ms + hold_ms)

    def release(self, fence: Fence) -> None:
        """Let the next worker in; a lost fence is no error."""
        try:
            call(
                self._client.update_item,
                TableName=self._table,
                Key=marshal(keys.lane_state(fence.lane)),
                UpdateExpression="SET until_ms = :now, inbox_from_ms = :from",
                ConditionExpression="epoch = :mine",
                ExpressionAttributeValues=marshal(
                    {":now": 0, ":from": self._inbox.noted(fence.lane), ":mine": fence.epoch}
                ),
            )
        except ConflictError:
            return

    def save_state(self, fence: Fence, state: LaneState) -> None:
        """Write the lane's state alone."""
        self._transact([self._state(fence, state)])

    def _state(self, fence: Fence, state: LaneState, condition: str = "") -> dict[str, Any]:
        watched = state.watched
        values = marshal(
            {
                ":mine": fence.epoch,
                ":data": codec.dumps(state),
                ":schema": keys.SCHEMA,
                ":gate": sum(1 for pending in state.pending),
                ":watch": f"WATCH#{fence.lane.partition('#')[0]}" if watched else None,
                ":lane": fence.lane if watched else None,
            }
        )
        watch = ", gpk = :watch, gsk = :lane" if watched else " REMOVE gpk, gsk"
        if condition:
            values |= marshal({":open": 0})
        return {
            "Update": {
                "TableName": self._table,
                "Key": marshal(keys.lane_state(fence.lane)),
                "UpdateExpression": f"SET #data = :data, #schema = :schema, gate = :gate{watch}",
                "ConditionExpression": "epoch = :mine" + condition,
                "ExpressionAttributeNames": {"#data": "data", "#schema": "schema"},
                "ExpressionAttributeValues": values,
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    def _fence(self, fence: Fence) -> dict[str, Any]:
        return {
            "ConditionCheck": {
                "TableName": self._table,
                "Key": marshal(keys.lane_state(fence.lane)),
                "ConditionExpression": "epoch = :mine",
                "ExpressionAttributeValues": marshal({":mine": fence.epoch}),
            }
        }

    # ---- jobs

    def put_job(self, job: Job) -> bool:
        """Store a job in its lane's inbox; False when it stands there already."""
        try:
            call(
                self._client.put_item,
                TableName=self._table,
                Item=marshal(job_item(job)),
                ConditionExpression="attribute_not_exists(pk)",
            )
        except ConditionFailedError:
            return False
        return True

    def inbox(self, lane: str) -> list[StoredJob]:
        """Read the jobs that are not final: consistently, so that a job stored before the bell is seen."""
        return self._inbox.read(lane)

    def job(self, lane: str, accepted_at_ms: int, job_id: str) -> StoredJob | None:
        """Read one job, consistently; None when there is none."""
        key = marshal(keys.job(lane, accepted_at_ms, job_id))
        reply = call(self._client.get_item, TableName=self._table, Key=key, ConsistentRead=True)
        return stored_job(reply["Item"]) if "Item" in reply else None

    def commands(self, lane: str, job_id: str) -> list[CommandRecord]:
        """Read a job's commands, oldest first."""
        return [record for _, records in self.plans(lane, job_id) for record in records]

    def state(self, lane: str) -> LaneState:
        """Read the lane's state without taking the lane."""
        key = marshal(keys.lane_state(lane))
        reply = call(self._client.get_item, TableName=self._table, Key=key, ConsistentRead=True)
        item = unmarshal(reply.get("Item", {}))
        return decoded(LaneState, item) if "data" in item else LaneState()

    def start_job(self, fence: Fence, stored: StoredJob) -> StoredJob:
        """Move a job to WORKING and count the start."""
        update = self._job_update(
            stored,
            "SET #status = :working, attempts = :attempts, started_at_ms = if_not_exists(started_at_ms, :now)",
            {":working": "WORKING", ":attempts": stored.attempts + 1, ":now": self._machine.now_ms()},
        )
        self._transact([update, self._fence(fence)])
        return StoredJob(stored.job, "WORKING", stored.attempts + 1, 0)

    def park_job(self, fence: Fence, stored: StoredJob, wake_at_ms: int, code: str, sentence: str) -> None:
        """Put a job aside until `wake_at_ms`; `stored.attempts` is kept as given."""
        update = self._job_update(
            stored,
            "SET wake_at_ms = :wake, code = :code, sentence = :sentence, attempts = :attempts",
            {":wake": wake_at_ms, ":code": code, ":sentence": sentence, ":attempts": stored.attempts},
        )
        self._transact([update, self._fence(fence)])

    def end_job(self, fence: Fence, stored: StoredJob, end: End, now_ms: int, tell: bool) -> None:
        """Make the job terminal, note it at its alert and store the notice."""
        for _ in range(5):
            operations = end_job_operations(self._client, self._table, stored, end, now_ms, tell)
            try:
                self._transact([self._fence(fence), *operations])
            except ConditionFailedError as refused:
                if 0 in refused.failed or 1 in refused.failed:
                    raise  # fenced out, or the job is final already
                continue  # another account's job ended at the same alert meanwhile: read it again
            return
        raise StorageError("the alert changes too often to be closed")

    def _job_update(self, stored: StoredJob, expression: str, values: dict[str, str | int]) -> dict[str, Any]:
        job = stored.job
        update: dict[str, Any] = {
            "TableName": self._table,
            "Key": marshal(keys.job(job.lane, job.accepted_at_ms, job.job_id)),
            "UpdateExpression": expression,
            "ConditionExpression": "attribute_exists(gpk)",
            "ExpressionAttributeValues": marshal(values),
        }
        if "#status" in expression:
            update["ExpressionAttributeNames"] = {"#status": "status"}
        return {"Update": update}

    # ---- plans and commands

    def plans(self, lane: str, job_id: str) -> list[tuple[Plan, list[CommandRecord]]]:
        """Read the job's revisions with their commands, consistently."""
        items = query_all(
            self._client,
            TableName=self._table,
            KeyConditionExpression="pk = :lane AND begins_with(sk, :plan)",
            ExpressionAttributeValues=marshal({":lane": keys.lane_partition(lane), ":plan": f"PLAN#{job_id}#"}),
            ConsistentRead=True,
        )
        plans: list[Plan] = [decoded(Plan, unmarshal(item)) for item in items]
        return [(plan, [self.command(lane, command_id) for command_id in plan.command_ids]) for plan in plans]

    def save_plan(self, fence: Fence, plan: Plan, records: Sequence[CommandRecord], state: LaneState) -> None:
        """Store a revision with its commands before anything of it is sent."""
        put: dict[str, str | int | None] = {
            **keys.plan(fence.lane, plan.job_id, plan.revision),
            "schema": keys.SCHEMA,
            "data": codec.dumps(plan),
            "expires_at": plan.made_at_ms // 1000 + KEEP_S,
        }
        operations = [self._state(fence, state), self._put_new(put)]
        operations += [self._put_new(_command_item(fence.lane, record)) for record in records]
        self._transact(operations)

    def _put_new(self, item: dict[str, str | int | None]) -> dict[str, Any]:
        return {
            "Put": {
                "TableName": self._table,
                "Item": marshal(item),
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }

    def command(self, lane: str, command_id: str) -> CommandRecord:
        """Read one command, consistently."""
        reply = call(
            self._client.get_item,
            TableName=self._table,
            Key=marshal(keys.command(lane, command_id)),
            ConsistentRead=True,
        )
        if "Item" not in reply:
            raise StorageError(f"command {command_id} is not in the table")
        return decoded(CommandRecord, unmarshal(reply["Item"]))

    def begin(self, fence: Fence, record: CommandRecord, state: LaneState, gates: Gates) -> Begun | Stopped:
        """Move NEW -> SENDING; the switches, the lane's gate and the live confirmation are part of the transaction."""
        scopes = ("global", f"account#{gates.account}", f"strategy#{gates.strategy}")
        gate = " AND (attribute_not_exists(gate) OR gate = :open)" if gates.increases_exposure else ""
        operations = [
            self.replacement(fence.lane, record, CommandStatus.NEW),
            self._state(fence, state, gate),
            *(self._switch(scope, gates.increases_exposure) for scope in scopes),
        ]
        if gates.live:
            operations.append(self._confirmed(gates.account))
        if self._incarnation is not None:
            operations.append(self._incarnation.check())
        try:
            self._transact(operations)
        except ConditionFailedError as refused:
            if self._incarnation is not None and len(operations) - 1 in refused.failed:
                raise StorageError("the table was restored from a backup and is not reconciled") from refused
            if 0 in refused.failed:
                return Stopped("state")
            if 1 in refused.failed:
                if unmarshal(refused.old.get(1, {})).get("epoch") == fence.epoch:
                    return Stopped("gate")
                raise
            return Stopped("halted" if refused.failed & {2, 3, 4} else "live")
        return Begun()

    def finish(self, fence: Fence, record: CommandRecord, came_from: CommandStatus, state: LaneState) -> None:
        """Move a command on, together with the lane's state."""
        self._transact([self.replacement(fence.lane, record, came_from), self._state(fence, state)])

    def replacement(self, lane: str, record: CommandRecord, came_from: CommandStatus) -> dict[str, Any]:
        """Give the operation that moves a command on from `came_from`, for a transaction."""
        return {
            "Put": {
                "TableName": self._table,
                "Item": marshal(_command_item(lane, record)),
                "ConditionExpression": "#status = :from",
                "ExpressionAttributeNames": {"#status": "status"},
                "ExpressionAttributeValues": marshal({":from": came_from.value}),
            }
        }

    def _switch(self, scope: str, increases_exposure: bool) -> dict[str, Any]:
        condition = "blocks = :value" if increases_exposure else "blocks <> :value"
        value = "none" if increases_exposure else "all"
        return {
            "ConditionCheck": {
                "TableName": self._table,
                "Key": marshal(keys.control(scope)),
                "ConditionExpression": f"attribute_not_exists(pk) OR {condition}",
                "ExpressionAttributeValues": {":value": value_of(value)},
            }
        }

    def _confirmed(self, account: str) -> dict[str, Any]:
        return {
            "ConditionCheck": {
                "TableName": self._table,
                "Key": marshal(keys.account(account)),
                "ConditionExpression": "attribute_exists(live_confirmed_at_ms)",
            }
        }


def _command_item(lane: str, record: CommandRecord) -> dict[str, str | int | None]:
    return {
        **keys.command(lane, record.command_id),
        "schema": keys.SCHEMA,
        "status": record.status.value,
        "data": codec.dumps(record),
        "gpk": None if record.status.final else "OPEN#COMMAND",
        "gsk": None if record.status.final else f"{record.changed_at_ms:013d}#{record.command_id}",
        "lane": lane,
        "expires_at": record.changed_at_ms // 1000 + KEEP_S if record.status.final else None,
    }
