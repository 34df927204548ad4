"""Build the project's template for this machine, deploy it unmodified, and say where it can be reached."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sandbox import places, processes
from sandbox.local_aws import template as templates
from sandbox.local_aws.ministack import LocalAws

BUILD_WITHIN_S = 180.0
DEPLOY_WITHIN_S = 180.0
CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND")
BUCKET = "orderbridge-artifacts"


@dataclass(frozen=True)
class Stack:
    """A deployed stack."""

    name: str
    outputs: Mapping[str, str]
    alert_url: str
    """Base of the alert API; an alert goes to `alert_url`/alerts/STRATEGY/KEY."""
    panel_url: str
    """Base of the panel's API; the login page is `panel_url`/oauth/authorize."""


def build(aws: LocalAws) -> Path:
    """Run `sam build` for this machine's processor and MiniStack's interpreter; give the built template.

    Raises `StartError` when the build fails.
    """
    target = aws.folder / "build"
    environment = aws.environment() | {
        "SAM_CLI_TELEMETRY": "0",
        "ORDERBRIDGE_BUILD_FOR": "host",
        "ORDERBRIDGE_BUILD_UV": str(places.UV),
        "ORDERBRIDGE_BUILD_PYTHON": str(places.LOCAL_AWS_PYTHON),
    }
    command: list[str | Path] = [places.SAM, "build", "--no-cached"]
    command += ["--template", places.TEMPLATE, "--build-dir", target]
    child = processes.start(
        "sam-build",
        [*command, "--parameter-overrides", f"Architecture={places.architecture()}"],
        environment=environment,
        folder=aws.folder / "logs",
        cwd=places.ROOT,
    )
    processes.finish(child, BUILD_WITHIN_S)
    return target / "template.yaml"


def deploy(aws: LocalAws, built: Path, name: str, *, broker_hosts: tuple[str, ...] = ()) -> Stack:
    """Run `sam deploy`; `broker_hosts` are allowed beside the template's own.

    Raises `StartError` when the deployment fails.
    """
    s3 = aws.client("s3")
    if BUCKET not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=BUCKET)
    allowed = (templates.default(templates.load(), "BrokerHosts"), *broker_hosts)
    parameters = [
        f"Architecture={places.architecture()}",
        f"BrokerHosts={','.join(allowed)}",
        "AlertSourceCheck=off",
    ]
    command: list[str | Path] = [places.SAM, "deploy", "--template-file", built]
    command += ["--stack-name", name, "--s3-bucket", BUCKET]
    options = ["--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar", "--no-resolve-s3"]
    child = processes.start(
        "sam-deploy",
        [*command, *options, "--capabilities", *CAPABILITIES, "--parameter-overrides", *parameters],
        environment=aws.environment() | {"SAM_CLI_TELEMETRY": "0", "SAM_CLI_POLL_DELAY": "0.5"},
        folder=aws.folder / "logs",
        cwd=places.ROOT,
    )
    processes.finish(child, DEPLOY_WITHIN_S)
    return read_stack(aws, name)


def read_stack(aws: LocalAws, name: str) -> Stack:
    """Read a deployed stack's outputs. A changed API definition has a new id here, and with it a new URL."""
    described = aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    alerts, panel = (f"{aws.endpoint}/_aws/execute-api/{outputs[api]}/v1" for api in ("AlertApiId", "PanelApiId"))
    return Stack(name, outputs, alerts, panel)


def warm_up(aws: LocalAws, stack: Stack, receivers: int = 3, executors: int = 3) -> None:
    """Start the functions' workers, which takes a second each here; nothing is asked of them."""
    calls: list[tuple[str, object]] = [(stack.outputs["AlertReceiverFunctionName"], _unknown_sender())] * receivers
    calls += [(stack.outputs["OrderExecutorFunctionName"], {"Records": []})] * executors

    def invoke(call: tuple[str, object]) -> None:
        aws.client("lambda").invoke(FunctionName=call[0], Payload=json.dumps(call[1]).encode())

    with ThreadPoolExecutor(len(calls)) as pool:
        list(pool.map(invoke, calls))


def _unknown_sender() -> dict[str, object]:
    """Give an API Gateway event whose key no strategy has."""
    return {
        "resource": "/alerts/{strategy}/{key}",
        "path": "/alerts/warm-up/none",
        "httpMethod": "POST",
        "headers": {"content-type": "application/json"},
        "multiValueHeaders": {},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"strategy": "warm-up", "key": "none"},
        "stageVariables": None,
        "requestContext": {
            "resourcePath": "/alerts/{strategy}/{key}",
            "httpMethod": "POST",
            "requestId": "warm-up",
            "stage": "v1",
            "identity": {"sourceIp": places.LOOPBACK},
        },
        "body": "{}",
        "isBase64Encoded": False,
    }
