"""The receiver's own AWS client: signed as the SDK signs, quick to give up, quick to come back."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as SdkCredentials
from hypothesis import given
from hypothesis import strategies as st

from orderbridge.secret import Secret
from orderbridge.storage.lean_aws import CONTENT_TYPE, AwsError, Credentials, DynamoDb, Sqs, signed_headers
from tests.unit.receiver.awsserver import AwsServer, aws_server

VARIABLES = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "canary-secret", "AWS_REGION": "us-west-2"}
NAMES = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=20)
TEXTS = st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)


@pytest.fixture
def server() -> Iterator[AwsServer]:
    with aws_server() as running:
        yield running


Client = Callable[..., DynamoDb]


@pytest.fixture
def client(server: AwsServer) -> Iterator[Client]:
    """Give a maker of clients of the server; they are closed at the end."""
    made: list[DynamoDb] = []

    def make(read_timeout_s: float = 2.0, **more: str) -> DynamoDb:
        made.append(DynamoDb(VARIABLES | {"AWS_ENDPOINT_URL": server.url} | more, 2.0, read_timeout_s))
        return made[-1]

    yield make
    for each in made:
        each.close()


# ---- the signature


def sdk_authorization(
    service: str, region: str, host: str, target: str, body: bytes, credentials: SdkCredentials, moment: datetime
) -> str:
    """Sign with the SDK at a given moment."""
    request = AWSRequest("POST", f"https://{host}/", data=body)
    request.headers["Content-Type"] = CONTENT_TYPE
    request.headers["X-Amz-Target"] = target
    request.headers["Host"] = host

    request.context["timestamp"] = moment.strftime("%Y%m%dT%H%M%SZ")
    signer: Any = botocore.auth.SigV4Auth(credentials, service, region)
    signer._modify_request_before_signing(request)
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    signer._inject_signature_to_request(request, signature)
    return str(request.headers["Authorization"])


@given(
    service=st.sampled_from(["dynamodb", "sqs"]),
    region=NAMES,
    host=NAMES.map(lambda name: f"{name}.example:4577"),
    target=TEXTS,
    body=st.binary(max_size=200),
    keys=st.tuples(NAMES, TEXTS, st.one_of(st.just(""), TEXTS)),
    moment=st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2040, 1, 1)),  # noqa: DTZ001
)
def test_signature_is_the_sdks_own(
    service: str, region: str, host: str, target: str, body: bytes, keys: tuple[str, str, str], moment: datetime
) -> None:
    access_key, secret_key, token = keys
    ours = signed_headers(
        service,
        region,
        host,
        target,
        body,
        Credentials(access_key, Secret(secret_key), Secret(token)),
        moment.timetuple(),
    )

    theirs = sdk_authorization(
        service,
        region,
        host,
        target,
        body,
        SdkCredentials(access_key, secret_key, token or None),
        moment.replace(tzinfo=UTC),
    )
    assert ours["authorization"] == theirs


# ---- calls


def test_call_posts_the_arguments_under_the_operations_name(server: AwsServer, client: Client) -> None:
    server.answer = lambda target, body: (200, {"Item": {"pk": {"S": "x"}}})

    reply = client().get_item(TableName="t", Key={"pk": {"S": "ä"}})

    assert reply == {"Item": {"pk": {"S": "x"}}}
    (seen,) = server.seen
    assert seen.target == "DynamoDB_20120810.GetItem"
    assert seen.body == {"TableName": "t", "Key": {"pk": {"S": "ä"}}}
    assert seen.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "x-amz-security-token" not in seen.headers


def test_session_token_of_a_role_is_sent_and_signed(server: AwsServer, client: Client) -> None:
    client(AWS_SESSION_TOKEN="token").get_item()

    headers = server.seen[0].headers
    assert headers["x-amz-security-token"] == "token"
    assert "x-amz-security-token" in headers["authorization"]


def test_each_operation_has_its_target(server: AwsServer, client: Client) -> None:
    sqs = Sqs(VARIABLES | {"AWS_ENDPOINT_URL_SQS": server.url}, 2.0, 2.0)

    client().transact_write_items()
    sqs.send_message()
    sqs.send_message_batch()
    sqs.close()

    assert [seen.target for seen in server.seen] == [
        "DynamoDB_20120810.TransactWriteItems",
        "AmazonSQS.SendMessage",
        "AmazonSQS.SendMessageBatch",
    ]


def test_connection_is_kept(server: AwsServer, client: Client) -> None:
    dynamodb = client()

    for _ in range(3):
        dynamodb.get_item()

    assert len({seen.port for seen in server.seen}) == 1


def test_connection_that_was_closed_while_idle_is_opened_again_without_an_error(
    server: AwsServer, client: Client
) -> None:
    dynamodb = client()
    server.close_after_each = True
    dynamodb.get_item()
    time.sleep(0.02)

    dynamodb.get_item()

    assert len({seen.port for seen in server.seen}) == 2


def test_error_has_its_code_status_and_reasons(server: AwsServer, client: Client) -> None:
    reasons = [{"Code": "ConditionalCheckFailed", "Item": {"pk": {"S": "x"}}}, {"Code": "None"}]
    name = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException"
    server.answer = lambda target, body: (400, {"__type": name, "CancellationReasons": reasons})

    with pytest.raises(AwsError) as raised:
        client().transact_write_items()

    assert (raised.value.code, raised.value.status) == ("TransactionCanceledException", 400)
    assert raised.value.reasons == tuple(reasons)


@pytest.mark.parametrize(
    ("status", "content", "expected"), [(500, b"", 500), (200, b"<html>", 502), (200, b"[]", 502), (503, b"busy", 503)]
)
def test_answer_that_cannot_be_read_is_one_that_may_pass(
    server: AwsServer, client: Client, status: int, content: bytes, expected: int
) -> None:
    server.answer = lambda target, body: (status, content)

    with pytest.raises(AwsError) as raised:
        client().get_item()

    assert raised.value.status == expected


def test_lost_answer_is_no_answer_and_the_next_call_has_a_new_connection(server: AwsServer, client: Client) -> None:
    dynamodb = client()
    server.answer = lambda target, body: (0, None)
    with pytest.raises(AwsError) as raised:
        dynamodb.get_item()
    server.answer = lambda target, body: (200, {})

    assert dynamodb.get_item() == {}
    assert raised.value.status == 0


def test_server_that_hangs_is_given_up(server: AwsServer, client: Client) -> None:
    def hang(target: str, body: Any) -> tuple[int, Any]:
        time.sleep(0.05)
        return 200, {}

    server.answer = hang
    started = time.monotonic()

    with pytest.raises(AwsError) as raised:
        client(read_timeout_s=0.02).get_item()

    assert raised.value.status == 0
    assert time.monotonic() - started < 0.5


def test_address_that_nobody_listens_at_is_no_answer() -> None:
    client = DynamoDb(VARIABLES | {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, 0.2, 0.2)

    with pytest.raises(AwsError) as raised:
        client.get_item()

    assert (raised.value.code, raised.value.status) == ("ConnectionRefusedError", 0)


def test_errors_hold_neither_keys_nor_what_was_sent(server: AwsServer, client: Client) -> None:
    server.answer = lambda target, body: (400, {"__type": "x#Odd", "message": body["canary"]})

    with pytest.raises(AwsError) as raised:
        client().call("GetItem", {"canary": "canary-body"})

    assert "canary" not in f"{raised.value!r} {raised.value.args} {raised.value.__cause__}"


@pytest.mark.parametrize(
    ("region", "host"),
    [("us-west-2", "dynamodb.us-west-2.amazonaws.com"), ("cn-north-1", "dynamodb.cn-north-1.amazonaws.com.cn")],
)
def test_public_endpoint_is_the_regions(region: str, host: str) -> None:
    client = DynamoDb({**VARIABLES, "AWS_REGION": region}, 1.0, 1.0)

    assert client._host == host
    assert client._tls is not None
    assert client._tls.check_hostname


def test_missing_credentials_stop_the_start() -> None:
    with pytest.raises(KeyError, match="AWS_ACCESS_KEY_ID"):
        DynamoDb({"AWS_REGION": "us-west-2"}, 1.0, 1.0)
