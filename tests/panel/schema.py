"""Strict validation of answers against the published description: every status, every key."""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
from referencing import Registry, Resource

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "broker-api-1.4.27.openapi.json"


@cache
def document() -> Any:
    return json.loads(DOCUMENT.read_text(encoding="utf-8"))


@cache
def operations() -> Mapping[str, tuple[str, str]]:
    """Give (method, path) by operationId."""
    return {
        operation["operationId"]: (method.upper(), path)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    }


def operation_of(method: str, path: str) -> str:
    """Name the operation of a request."""
    for name, (its_method, template) in operations().items():
        if its_method == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            return name
    raise AssertionError(f"{method} {path} is no operation of the API")


@cache
def _validator(operation: str, status: int) -> Any:
    method, path = operations()[operation]
    responses = document()["paths"][path][method.lower()]["responses"]
    assert str(status) in responses, f"{operation} answered {status}"
    schema = responses[str(status)]["content"]["application/json"]["schema"]
    resource = Resource.from_contents(
        {"$schema": "https://json-schema.org/draft/2020-12/schema", **document()}
    )
    registry: Registry[Any] = Registry().with_resource("api", resource)
    return jsonschema.Draft202012Validator(_absolute(schema), registry=registry)


def _absolute(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {k: (f"api{v}" if k == "$ref" else _absolute(v)) for k, v in schema.items()}
    return [_absolute(one) for one in schema] if isinstance(schema, list) else schema


def check(method: str, path: str, status: int, content: object) -> None:
    """Raise `AssertionError` for an answer that is not in the published form."""
    operation = operation_of(method, path)
    errors = list(_validator(operation, status).iter_errors(content))
    assert not errors, f"{operation}: {errors[0].message} in {json.dumps(content)[:500]}"
