"""A local AWS (MiniStack), and the project's template built and deployed into it."""

from sandbox.local_aws.ministack import LocalAws, local_aws
from sandbox.local_aws.resources import BridgeResources, create_resources
from sandbox.local_aws.stack import Stack, build, deploy, warm_up

__all__ = ["BridgeResources", "LocalAws", "Stack", "build", "create_resources", "deploy", "local_aws", "warm_up"]
