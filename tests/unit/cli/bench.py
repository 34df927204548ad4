"""A deployment in moto and a command line that works on it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

from orderbridge.cli.app import app
from orderbridge.cli.world import World
from orderbridge.storage import clients
from tests.unit.storage.aws import PREFIX, TABLE, create_table

NOW_MS = 1_790_000_000_000
STACK = "my-bridge"
ACCOUNTS = """\
accounts:
  sim:
    broker: tradestation
    environment: sim
    connection: ts
    account_id: SIM123F
    kind: futures
    position_mode: netting
"""
SETTINGS = (
    ACCOUNTS
    + """\
strategies:
  orb:
    accounts: [sim]
    trades: [MES]
"""
)


class FakeLambda:
    """Answers invocations with what the test has put in `answers`."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answers: list[dict[str, Any]] = []

    def invoke(self, **arguments: Any) -> dict[str, Any]:
        self.asked.append(arguments)
        return self.answers.pop(0)


class FakeCloudFormation:
    """One stack with the template's outputs."""

    def __init__(self, queue_url: str, topic_arn: str) -> None:
        self.outputs = {
            "TableName": TABLE,
            "BellQueueUrl": queue_url,
            "DeadLetterQueueUrl": f"{queue_url}-dead",
            "TopicArn": topic_arn,
            "SecretPrefix": PREFIX,
            "BrokerHosts": "https://api.tradestation.com,https://sim-api.tradestation.com,"
            "https://signin.tradestation.com,https://demo.tradelocker.com,http://127.0.0.1",
            "AlertApiUrl": "https://abc.execute-api.us-east-1.amazonaws.com/v1",
            "AlertApiId": "abc",
            "AlertReceiverFunctionName": "receiver",
            "TemplateVersion": "0.1.0",
        }

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        from botocore.exceptions import ClientError

        if StackName != STACK:
            raise ClientError({"Error": {"Code": "ValidationError", "Message": "no stack"}}, "DescribeStacks")
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in self.outputs.items()]
        return {"Stacks": [{"Outputs": outputs}]}


@dataclass
class Bench:
    """The command line with its fakes."""

    world: World
    functions: FakeLambda
    cloudformation: FakeCloudFormation
    folder: Path
    browsed: list[str] = field(default_factory=list)

    def run(self, *arguments: str, answers: str = "", **changes: Any) -> Result:
        """Run one command; `changes` are differences of its world."""
        world = replace(self.world, **changes) if changes else self.world
        return CliRunner().invoke(app, list(arguments), obj=world, input=answers)

    def ok(self, *arguments: str, **changes: Any) -> Any:
        """Run one command with `--json`, see that it succeeds, and give its result."""
        result = self.run(*arguments, "--json", **changes)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def write(self, text: str, name: str = "orderbridge.yaml") -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def client(self, service: str) -> Any:
        return clients.client(service)


@contextmanager
def deployment(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Give a bench on an empty deployment."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        patch.setenv(name, "test")
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    patch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        create_table(clients.client("dynamodb"))
        queue_url = clients.client("sqs").create_queue(QueueName="bell")["QueueUrl"]
        topic_arn = clients.client("sns").create_topic(Name="notices")["TopicArn"]
        functions, stacks = FakeLambda(), FakeCloudFormation(queue_url, topic_arn)
        fakes = {"lambda": functions, "cloudformation": stacks}
        browsed: list[str] = []

        def browse(url: str) -> bool:
            browsed.append(url)
            return True

        world = World(
            environ={"ORDERBRIDGE_STACK": STACK},
            folder=folder,
            user="ann",
            interactive=True,
            client=lambda service: fakes.get(service) or clients.client(service),
            open_browser=browse,
            random_bytes=lambda count: bytes(range(count)),
            now_ms=lambda: NOW_MS,
            sleep=lambda _: None,
        )
        yield Bench(world, functions, stacks, folder, browsed)
