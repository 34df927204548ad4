"""What the ledger relies on in DynamoDB, held against the local AWS before anything is judged on it."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.local_aws import BridgeResources, LocalAws

pytestmark = pytest.mark.race

RACERS = 8
ABSENT = "attribute_not_exists(pk)"


def _item(pk: str, **attributes: str) -> dict[str, dict[str, str]]:
    return {name: {"S": value} for name, value in {"pk": pk, "sk": "X", **attributes}.items()}


def _key(pk: str) -> dict[str, dict[str, str]]:
    return _item(pk)


def _put(table: str, pk: str, *, condition: str | None = ABSENT, **attributes: str) -> dict[str, Any]:
    put: dict[str, Any] = {"TableName": table, "Item": _item(pk, **attributes)}
    return {"Put": put | ({"ConditionExpression": condition} if condition else {})}


def _details(error: ClientError) -> dict[str, Any]:
    """Give the whole answer: its type in the stubs lacks what DynamoDB adds."""
    return dict(error.response)


def _code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def _reasons(error: ClientError) -> list[str]:
    return [reason["Code"] for reason in _details(error)["CancellationReasons"]]


def test_conditional_put_of_existing_item_gives_the_old_one(aws: LocalAws, bridge: BridgeResources) -> None:
    dynamodb = aws.client("dynamodb")
    dynamodb.put_item(TableName=bridge.table_name, Item=_item("A", owner="first"))

    with pytest.raises(ClientError) as refused:
        dynamodb.put_item(
            TableName=bridge.table_name,
            Item=_item("A", owner="second"),
            ConditionExpression=ABSENT,
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )

    assert _code(refused) == "ConditionalCheckFailedException"
    assert _details(refused.value)["Item"] == _item("A", owner="first")


def test_racing_transactions_on_one_item_have_one_winner(aws: LocalAws, bridge: BridgeResources) -> None:
    dynamodb = aws.client("dynamodb")

    for round_number in range(5):
        barrier = Barrier(RACERS)

        def race(racer: int, pk: str = f"R{round_number}", barrier: Barrier = barrier) -> bool:
            items = [_put(bridge.table_name, pk, owner=str(racer)), _put(bridge.table_name, f"{pk}-{racer}")]
            barrier.wait()
            try:
                dynamodb.transact_write_items(TransactItems=items)
            except dynamodb.exceptions.TransactionCanceledException:
                return False
            return True

        with ThreadPoolExecutor(RACERS) as pool:
            won = list(pool.map(race, range(RACERS)))

        assert won.count(True) == 1
        stored = dynamodb.get_item(TableName=bridge.table_name, Key=_key(f"R{round_number}"), ConsistentRead=True)
        assert stored["Item"]["owner"]["S"] == str(won.index(True))
        followers = [
            "Item" in dynamodb.get_item(TableName=bridge.table_name, Key=_key(f"R{round_number}-{racer}"))
            for racer in range(RACERS)
        ]
        assert followers == won


def test_racing_counter_updates_lose_none(aws: LocalAws, bridge: BridgeResources) -> None:
    dynamodb = aws.client("dynamodb")

    def add(_: int) -> None:
        dynamodb.update_item(
            TableName=bridge.table_name,
            Key=_key("COUNTER"),
            UpdateExpression="ADD #n :one",
            ExpressionAttributeNames={"#n": "n"},
            ExpressionAttributeValues={":one": {"N": "1"}},
        )

    with ThreadPoolExecutor(RACERS) as pool:
        list(pool.map(add, range(80)))

    stored = dynamodb.get_item(TableName=bridge.table_name, Key=_key("COUNTER"), ConsistentRead=True)
    assert stored["Item"]["n"]["N"] == "80"


def test_transaction_repeated_with_its_token_counts_as_the_first(aws: LocalAws, bridge: BridgeResources) -> None:
    dynamodb = aws.client("dynamodb")
    items = [_put(bridge.table_name, "A", owner="first")]
    token = str(uuid.uuid4())
    dynamodb.transact_write_items(TransactItems=items, ClientRequestToken=token)

    dynamodb.transact_write_items(TransactItems=items, ClientRequestToken=token)

    with pytest.raises(ClientError) as refused:
        dynamodb.transact_write_items(TransactItems=items, ClientRequestToken=str(uuid.uuid4()))
    assert _reasons(refused.value) == ["ConditionalCheckFailed"]


def test_token_reused_for_another_transaction_is_refused(aws: LocalAws, bridge: BridgeResources) -> None:
    dynamodb = aws.client("dynamodb")
    token = str(uuid.uuid4())
    dynamodb.transact_write_items(TransactItems=[_put(bridge.table_name, "A")], ClientRequestToken=token)

    with pytest.raises(ClientError) as refused:
        dynamodb.transact_write_items(TransactItems=[_put(bridge.table_name, "B")], ClientRequestToken=token)

    assert _code(refused) == "IdempotentParameterMismatchException"


def test_failed_condition_check_cancels_the_whole_transaction(aws: LocalAws, bridge: BridgeResources) -> None:
    dynamodb = aws.client("dynamodb")
    dynamodb.put_item(TableName=bridge.table_name, Item=_item("SWITCH", state="halted"))
    check = {
        "ConditionCheck": {
            "TableName": bridge.table_name,
            "Key": _key("SWITCH"),
            "ConditionExpression": "#state <> :halted",
            "ExpressionAttributeNames": {"#state": "state"},
            "ExpressionAttributeValues": {":halted": {"S": "halted"}},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }

    with pytest.raises(ClientError) as refused:
        dynamodb.transact_write_items(TransactItems=[_put(bridge.table_name, "A"), check])

    assert _reasons(refused.value) == ["None", "ConditionalCheckFailed"]
    assert _details(refused.value)["CancellationReasons"][1]["Item"] == _item("SWITCH", state="halted")
    assert "Item" not in dynamodb.get_item(TableName=bridge.table_name, Key=_key("A"), ConsistentRead=True)


def test_index_lists_items_that_have_its_keys_in_order(aws: LocalAws, bridge: BridgeResources) -> None:
    dynamodb = aws.client("dynamodb")
    for pk, gsk in (("A", "2"), ("B", "1"), ("C", "3")):
        dynamodb.put_item(TableName=bridge.table_name, Item=_item(pk, gpk="OPEN#JOB", gsk=gsk))
    dynamodb.put_item(TableName=bridge.table_name, Item=_item("D"))
    dynamodb.update_item(TableName=bridge.table_name, Key=_key("C"), UpdateExpression="REMOVE gpk, gsk")

    found = dynamodb.query(
        TableName=bridge.table_name,
        IndexName="open",
        KeyConditionExpression="gpk = :open",
        ExpressionAttributeValues={":open": {"S": "OPEN#JOB"}},
    )

    assert [item["pk"]["S"] for item in found["Items"]] == ["B", "A"]
