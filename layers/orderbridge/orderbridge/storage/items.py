"""DynamoDB's attribute values, for the three kinds that the table uses: text, whole numbers and booleans."""

from collections.abc import Mapping
from typing import Any

Scalar = str | int | bool
Item = dict[str, Scalar]
AttributeValues = dict[str, Any]


def marshal(values: Mapping[str, Scalar | None]) -> AttributeValues:
    """Give attribute values; a None is left out."""
    return {name: value_of(value) for name, value in values.items() if value is not None}


def value_of(value: Scalar) -> dict[str, Any]:
    """Give one attribute value."""
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    return {"S": value}


def unmarshal(attributes: Mapping[str, Mapping[str, Any]]) -> Item:
    """Give plain values of what `marshal` wrote."""
    return {name: _plain(value) for name, value in attributes.items()}


def _plain(value: Mapping[str, Any]) -> Scalar:
    ((kind, content),) = value.items()
    if kind == "S":
        return str(content)
    if kind == "N":
        return int(content)
    if kind == "BOOL":
        return bool(content)
    raise ValueError(f"unexpected attribute kind {kind}")
