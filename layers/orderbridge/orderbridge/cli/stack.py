"""Which deployment a command works on, and what its functions read from their environment.

TABLE_NAME ... in the environment            -> that (the same variables that the functions have)
--stack, ORDERBRIDGE_STACK, samconfig.toml   -> the CloudFormation stack's outputs
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from orderbridge.cli.world import World
from orderbridge.errors import StorageError

if TYPE_CHECKING:
    from orderbridge.wiring import Environment

USUAL_NAME = "orderbridge"
OUTPUTS = {
    "TableName": "TABLE_NAME",
    "BellQueueUrl": "BELL_QUEUE_URL",
    "DeadLetterQueueUrl": "DEAD_LETTER_QUEUE_URL",
    "TopicArn": "NOTICES_TOPIC_ARN",
    "SecretPrefix": "SECRET_PREFIX",
    "BrokerHosts": "BROKER_HOSTS",
    "AlertApiUrl": "ALERT_API_URL",
    "AlertApiId": "ALERT_API_ID",
    "PanelApiUrl": "PANEL_API_URL",
    "PanelApiId": "PANEL_API_ID",
    "AlertReceiverFunctionName": "ALERT_RECEIVER_FUNCTION",
    "OrderExecutorFunctionName": "ORDER_EXECUTOR_FUNCTION",
    "RefresherFunctionName": "REFRESHER_FUNCTION",
    "TemplateVersion": "TEMPLATE_VERSION",
}
"""The template's outputs, and the variable that can stand for each."""


@dataclass(frozen=True, slots=True)
class Stack:
    """One deployment."""

    name: str
    variables: Mapping[str, str]
    """What the functions find in their environment, under the same names."""
    table: str
    secret_prefix: str
    broker_hosts: tuple[str, ...]
    """Allowed `host` or `host:port`."""
    alert_api_url: str = ""
    panel_api_url: str = ""
    """Base of the broker panel's API and login page, without a slash at its end."""
    receiver_function: str = ""
    executor_function: str = ""
    refresher_function: str = ""
    template_version: str = ""

    @property
    def environment(self) -> "Environment":
        """Give the environment that the running bridge is put together from."""
        from orderbridge.wiring import Environment

        return Environment.read(self.variables)

    def webhook_url(self, strategy: str, key: str) -> str:
        """Give the URL that TradingView calls."""
        return f"{self.alert_api_url.rstrip('/')}/alerts/{strategy}/{key}"


def find_stack(world: World, asked_for: str) -> Stack:
    """Find the deployment. Raises `StorageError` saying what to do when there is none."""
    if world.environ.get("TABLE_NAME") and not asked_for:
        return _stack("environment", world, world.environ)
    name = asked_for or world.environ.get("ORDERBRIDGE_STACK") or _configured_name(world.folder)
    return _stack(name, world, _outputs(world, name))


def _configured_name(folder: Path) -> str:
    try:
        settings = tomllib.loads((folder / "samconfig.toml").read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError):
        return USUAL_NAME
    section = settings.get("default", {})
    for command in ("deploy", "global"):
        name = section.get(command, {}).get("parameters", {}).get("stack_name")
        if isinstance(name, str) and name:
            return name
    return USUAL_NAME


def _outputs(world: World, name: str) -> Mapping[str, str]:
    reply = aws_call(world.client("cloudformation").describe_stacks, StackName=name)
    outputs = {row["OutputKey"]: row["OutputValue"] for row in reply["Stacks"][0].get("Outputs", [])}
    return {variable: outputs[output] for output, variable in OUTPUTS.items() if output in outputs}


def _stack(name: str, world: World, values: Mapping[str, str]) -> Stack:
    needed = ("TABLE_NAME", "BELL_QUEUE_URL", "NOTICES_TOPIC_ARN", "SECRET_PREFIX", "BROKER_HOSTS")
    missing = [variable for variable in needed if not values.get(variable)]
    if missing:
        raise StorageError(f"{name} is no Orderbridge deployment that is ready: {', '.join(missing)} missing")
    return Stack(
        name=name,
        variables=dict(values),
        table=values["TABLE_NAME"],
        secret_prefix=values["SECRET_PREFIX"],
        broker_hosts=tuple(_host(url) for url in values["BROKER_HOSTS"].split(",") if url.strip()),
        alert_api_url=_api_url(world, values, "ALERT"),
        panel_api_url=_api_url(world, values, "PANEL").rstrip("/"),
        receiver_function=values.get("ALERT_RECEIVER_FUNCTION", ""),
        executor_function=values.get("ORDER_EXECUTOR_FUNCTION", ""),
        refresher_function=values.get("REFRESHER_FUNCTION", ""),
        template_version=values.get("TEMPLATE_VERSION", ""),
    )


def _host(url: str) -> str:
    return urlsplit(url.strip()).netloc if "//" in url else url.strip()


def _api_url(world: World, values: Mapping[str, str], which: Literal["ALERT", "PANEL"]) -> str:
    """Give an API's address: a local AWS answers below its own one, not at the name that AWS would give."""
    endpoint = world.environ.get("AWS_ENDPOINT_URL", "")
    url, api_id = values.get(f"{which}_API_URL", ""), values.get(f"{which}_API_ID", "")
    local = urlsplit(endpoint).hostname in ("127.0.0.1", "localhost")
    if local and api_id and ".execute-api." in url:
        return f"{endpoint.rstrip('/')}/_aws/execute-api/{api_id}/{urlsplit(url).path.strip('/')}"
    return url


def aws_call(operation: Any, **arguments: Any) -> Any:
    """Make one AWS call. Raises `StorageError` in words that say what to do, without the request's content."""
    try:
        return operation(**arguments)
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code == "ValidationError" and "StackName" in arguments:
            hint = "deploy it, or name another one with --stack"
            raise StorageError(
                f"there is no stack {arguments['StackName']!r} in this account and region; {hint}"
            ) from None
        if code in ("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"):
            raise StorageError("AWS refuses the credentials of this machine; sign in again") from None
        raise StorageError(f"AWS refused {operation.__name__} ({code})") from None
    except BotoCoreError as error:
        if type(error).__name__ == "NoCredentialsError":
            raise StorageError("there are no AWS credentials on this machine; sign in or set AWS_PROFILE") from None
        raise StorageError(f"AWS cannot be reached ({type(error).__name__})") from None
