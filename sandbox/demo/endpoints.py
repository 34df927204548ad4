"""Write down where everything is, for other programs: `sandbox/run/endpoints.json`."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.demo.brokers import SimulatedBroker
from sandbox.demo.instance import Instance
from sandbox.local_aws import LocalAws, Stack


def write(
    instance: Instance,
    aws: LocalAws,
    stack: Stack,
    brokers: Sequence[SimulatedBroker],
    keys: Mapping[str, str],
) -> None:
    """Write the endpoints of a run; `keys` are the strategies' alert keys, which are good for this run alone."""
    content = describe(aws, stack, brokers, keys)
    for path in instance.endpoint_files:
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def describe(
    aws: LocalAws, stack: Stack, brokers: Sequence[SimulatedBroker], keys: Mapping[str, str]
) -> dict[str, Any]:
    """Give the content: URLs, keys and test logins, all of them on this machine."""
    return {
        "aws": {"endpoint": aws.endpoint, "environment": aws.sdk_settings()},
        "stack": {"name": stack.name, "outputs": dict(stack.outputs)},
        "alert_api": stack.alert_url,
        "panel_api": stack.panel_url,
        "webhooks": {
            strategy: {"key": key, "url": webhook_url(stack, strategy, key)} for strategy, key in keys.items()
        },
        "brokers": {broker.name: dict(broker.described) for broker in brokers},
    }


def webhook_url(stack: Stack, strategy: str, key: str) -> str:
    """Give the URL that TradingView would be given."""
    return f"{stack.alert_url}/alerts/{strategy}/{key}"
