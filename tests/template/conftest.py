"""The template as it is written, and as CloudFormation gets it from the SAM transform."""

import json
from typing import Any, cast

import pytest
from samtranslator.translator.transform import transform

from sandbox.local_aws import template as templates

Resources = dict[str, dict[str, Any]]


class _NoManagedPolicies:
    """Stands in for the loader that would ask IAM for the names of managed policies; the template uses none."""

    def load(self) -> dict[str, str]:
        return {}


@pytest.fixture(scope="session")
def written() -> templates.Template:
    """Give the template as it is written."""
    return templates.load()


@pytest.fixture(scope="session")
def transformed(written: templates.Template) -> templates.Template:
    """Give the template after the SAM transform, for a stack with the default parameters."""
    source = json.loads(json.dumps(written))
    for resource in source["Resources"].values():
        for local in {"CodeUri", "ContentUri"} & set(resource.get("Properties", ())):
            resource["Properties"][local] = "s3://bucket/key"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        return cast("templates.Template", transform(source, {}, _NoManagedPolicies()))


@pytest.fixture(scope="session")
def resources(transformed: templates.Template) -> Resources:
    """Give the transformed template's resources."""
    return cast("Resources", transformed["Resources"])


def of_type(resources: Resources, kind: str) -> Resources:
    """Give the resources of one type."""
    return {name: resource for name, resource in resources.items() if resource["Type"] == kind}
