"""The bridge's table and secrets in moto, for tests of one thread (moto is not atomic under several)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import botocore.session
from moto import mock_aws

TABLE = "bridge"
PREFIX = "orderbridge/test/"


@dataclass(frozen=True, slots=True)
class Aws:
    dynamodb: Any
    secretsmanager: Any


@contextmanager
def fake_aws() -> Iterator[Aws]:
    """Give clients of an empty AWS account that has the bridge's table."""
    with mock_aws():
        aws = Aws(_client("dynamodb"), _client("secretsmanager"))
        create_table(aws.dynamodb)
        yield aws


@cache
def _client(service: str) -> Any:
    session = botocore.session.Session()
    return session.create_client(
        service, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )


def create_table(dynamodb: Any, name: str = TABLE) -> None:
    """Make the table as the template does."""
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk", "gpk", "gsk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "open",
                "KeySchema": [
                    {"AttributeName": "gpk", "KeyType": "HASH"},
                    {"AttributeName": "gsk", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
