"""What the costs are computed from: request units as DynamoDB counts them, and prices times usage."""

import json
from decimal import Decimal
from typing import Any

import pytest

from benchmarks.aws_stub import AwsStub
from benchmarks.metering import Meter, size_of
from benchmarks.prices import Usage

TABLE = "bridge"


def item(sk: str = "A", size: int = 10, **more: str) -> dict[str, Any]:
    return {"pk": {"S": "P"}, "sk": {"S": sk}, "data": {"S": "x" * size}, **{k: {"S": v} for k, v in more.items()}}


def call(stub: AwsStub, operation: str, **arguments: Any) -> tuple[int, dict[str, Any]]:
    if "TransactItems" not in arguments:
        arguments["TableName"] = TABLE
    status, body = stub.answer(f"DynamoDB_20120810.{operation}", json.dumps(arguments).encode())
    answer: dict[str, Any] = json.loads(body)
    return status, answer


def put(stub: AwsStub, new: dict[str, Any]) -> None:
    assert call(stub, "PutItem", Item=new) == (200, {})


@pytest.fixture
def stub() -> AwsStub:
    return AwsStub("http://127.0.0.1:1")


@pytest.mark.parametrize(("size", "units"), [(10, 1), (1000, 1), (1024, 2), (3000, 3)])
def test_write_of_an_item_counts_each_kilobyte_begun(stub: AwsStub, size: int, units: int) -> None:
    put(stub, item(size=size))

    assert stub.meter.write_units == units


def test_item_in_the_index_counts_twice_and_a_changed_index_key_three_times(stub: AwsStub) -> None:
    put(stub, item(gpk="G", gsk="1"))
    assert stub.meter.write_units == 2

    put(stub, item(gpk="G", gsk="2"))
    assert stub.meter.write_units == 5


def test_transaction_counts_each_item_twice_and_its_condition_checks_too(stub: AwsStub) -> None:
    put(stub, item("A"))
    stub.meter = Meter()
    key = {"pk": {"S": "P"}, "sk": {"S": "A"}}
    check = {"TableName": TABLE, "Key": key, "ConditionExpression": "attribute_exists(pk)"}
    write = {"TableName": TABLE, "Item": item("B")}

    call(stub, "TransactWriteItems", TransactItems=[{"Put": write}, {"ConditionCheck": check}])

    assert stub.meter.write_units == 4


def test_refused_write_counts_like_a_done_one_and_answers_as_dynamodb_does(stub: AwsStub) -> None:
    put(stub, item())

    status, answer = call(stub, "PutItem", Item=item(), ConditionExpression="attribute_not_exists(pk)")

    assert (status, answer["__type"].rpartition("#")[2]) == (400, "ConditionalCheckFailedException")
    assert stub.meter.write_units == 2


@pytest.mark.parametrize(("consistent", "units"), [(True, 2.0), (False, 1.0)])
def test_read_counts_each_four_kilobytes_begun_and_half_when_not_consistent(
    stub: AwsStub, consistent: bool, units: float
) -> None:
    put(stub, item(size=5000))

    call(stub, "GetItem", Key={"pk": {"S": "P"}, "sk": {"S": "A"}}, ConsistentRead=consistent)

    assert stub.meter.read_units == units


def test_table_that_is_described_costs_nothing_and_has_an_id(stub: AwsStub) -> None:
    status, answer = call(stub, "DescribeTable")

    assert (status, bool(answer["Table"]["TableId"])) == (200, True)
    assert (stub.meter.read_units, stub.meter.write_units) == (0, 0)


def test_size_counts_names_and_values_and_two_digits_a_byte() -> None:
    assert size_of({"pk": {"S": "ab"}, "n": {"N": "1795260459859"}}) == 2 + 2 + 1 + 8


def test_meter_of_a_span_has_the_calls_of_that_span_alone(stub: AwsStub) -> None:
    put(stub, item())
    (one,) = stub.meter.calls

    assert len(stub.meter.between(one.at, one.at).calls) == 1
    assert stub.meter.between(one.at + 1, one.at + 2).calls == []


def test_cost_is_every_part_times_its_price() -> None:
    usage = Usage(gateway_requests=Decimal(1000), write_units=Decimal(1000), lambda_requests=Decimal(1000)) * 1000

    assert usage.costs() | {"Secrets Manager": Decimal(0)} == {
        "API Gateway": Decimal("3.5"),
        "Lambda": Decimal("0.2"),
        "SQS": Decimal(0),
        "DynamoDB": Decimal("0.625"),
        "Secrets Manager": Decimal(0),
        "CloudWatch": Decimal(0),
    }
    assert (usage + usage).cost == usage.cost * 2
