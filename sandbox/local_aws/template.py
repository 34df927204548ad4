"""Read `template.yaml` as it stands: intrinsic functions become the mappings that CloudFormation knows them by."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from sandbox import places

Template = dict[str, Any]


class _Constructor(SafeConstructor):
    """A constructor of its own, so that no other reader of YAML in this process learns the tags."""


def _intrinsic(constructor: SafeConstructor, suffix: str, node: Any) -> dict[str, Any]:
    value: Any
    match node:
        case ScalarNode():
            value = constructor.construct_scalar(node)
        case SequenceNode():
            value = constructor.construct_sequence(node, deep=True)
        case MappingNode():
            value = constructor.construct_mapping(node, deep=True)
    match suffix:
        case "Ref" | "Condition":
            return {suffix: value}
        case "GetAtt" if isinstance(value, str):
            return {"Fn::GetAtt": value.split(".", 1)}
        case _:
            return {f"Fn::{suffix}": value}


_Constructor.add_multi_constructor("!", _intrinsic)


def load(path: Path = places.TEMPLATE) -> Template:
    """Give the template's content."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _Constructor
    return cast("Template", yaml.load(path))


def properties(template: Template, name: str) -> dict[str, Any]:
    """Give the properties of one resource."""
    return cast("dict[str, Any]", template["Resources"][name]["Properties"])


def default(template: Template, parameter: str) -> str:
    """Give a parameter's default."""
    return str(template["Parameters"][parameter]["Default"])


def resolve(value: Any, known: Mapping[str, str]) -> Any:
    """Put `known` values in for what a template's value refers to.

    `known` names them as `!Sub` does: `BridgeTable.Arn`, `NoticesTopic`, `AWS::Region`; a condition is
    `Condition.HasEmail`, "true" or "false". Raises KeyError for any other.
    """
    match value:
        case {"Ref": name}:
            return known[name]
        case {"Fn::GetAtt": [name, attribute]}:
            return known[f"{name}.{attribute}"]
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([^}]+)}", lambda found: known[found[1]], text)
        case {"Fn::If": [condition, yes, no]}:
            return resolve(yes if known[f"Condition.{condition}"] == "true" else no, known)
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(resolve(parts, known))
        case dict():
            return {key: resolve(part, known) for key, part in value.items()}
        case list():
            return [resolve(part, known) for part in value]
        case _:
            return value
