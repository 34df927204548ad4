"""A table that was really restored from a backup (by the local AWS) is known as one, and halted."""

from typing import Any

import pytest

from orderbridge.errors import StorageError
from orderbridge.execution.ports import Busy
from orderbridge.storage.incarnation import Incarnation
from orderbridge.storage.lanes import DynamoLanes
from sandbox.local_aws import BridgeResources, LocalAws
from sandbox.local_aws.roles import assume, policy

pytestmark = pytest.mark.race
NOW_MS = 1_790_000_000_000


def backup_of(dynamodb: Any, table: str) -> str:
    details = dynamodb.create_backup(TableName=table, BackupName="before")["BackupDetails"]
    return str(details["BackupArn"])


def test_restored_table_is_another_one_and_nobody_works_in_it_until_the_halt_is_lifted(
    aws: LocalAws, bridge: BridgeResources
) -> None:
    dynamodb, restored = aws.client("dynamodb"), f"{bridge.table_name}-restored"
    assert Incarnation(dynamodb, bridge.table_name).beat(NOW_MS)
    dynamodb.restore_table_from_backup(TargetTableName=restored, BackupArn=backup_of(dynamodb, bridge.table_name))

    here, there = Incarnation(dynamodb, bridge.table_name), Incarnation(dynamodb, restored)

    assert (here.restored(), there.restored(), there.beat(NOW_MS)) == (False, True, False)
    assert there.known().seen_at_ms == NOW_MS
    lanes = DynamoLanes(dynamodb, restored, incarnation=there)
    assert isinstance(lanes.take("sim#MES", "worker", NOW_MS, 1_000), Busy)
    there.reconciled("ann", NOW_MS)
    assert there.lift("ann", NOW_MS) == 1
    assert not isinstance(lanes.take("sim#MES", "worker", NOW_MS, 1_000), Busy)
    assert there.beat(NOW_MS)


def test_table_restored_under_its_old_name_is_another_one_too(aws: LocalAws, bridge: BridgeResources) -> None:
    dynamodb, name = aws.client("dynamodb"), bridge.table_name
    Incarnation(dynamodb, name).beat(NOW_MS)
    backup = backup_of(dynamodb, name)
    dynamodb.delete_table(TableName=name)
    dynamodb.restore_table_from_backup(TargetTableName=name, BackupArn=backup)

    assert Incarnation(dynamodb, name).restored()


@pytest.mark.parametrize("role", ["OrderExecutorRole", "RefresherRole", "BrokerApiRole"])
def test_functions_that_send_may_ask_which_table_it_is(aws: LocalAws, bridge: BridgeResources, role: str) -> None:
    dynamodb = aws.client("dynamodb", **assume(aws, policy(role, bridge)))

    assert not Incarnation(dynamodb, bridge.table_name).restored()


def test_table_that_cannot_be_described_is_not_sent_from(aws: LocalAws, bridge: BridgeResources) -> None:
    document = policy("OrderExecutorRole", bridge)
    for statement in document["Statement"]:
        if statement["Sid"] == "WorkTheLedger":
            statement["Action"] = [one for one in statement["Action"] if one != "dynamodb:DescribeTable"]
    dynamodb = aws.client("dynamodb", **assume(aws, document))

    with pytest.raises(StorageError):
        Incarnation(dynamodb, bridge.table_name).check()
