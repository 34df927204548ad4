"""A YAML file as plain data, with the line of every key.

Numbers stay the text that stands in the file, so that `0.10` reaches `Decimal` digit by digit and an account id keeps
its leading zeros; true, false and null are themselves. Keys that stand twice are refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from orderbridge.cli.problems import Problem, SettingsProblems

FieldPath = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = frozenset({f"{_TAG}{kind}" for kind in ("str", "int", "float", "timestamp")})
_TRUE = frozenset({"true", "True", "TRUE"})


@dataclass(frozen=True, slots=True)
class Document:
    """The data of a file and where each part of it stands."""

    file: str
    data: Any
    lines: Mapping[FieldPath, int]

    def line(self, path: FieldPath) -> int:
        """Give the line of a path, or of the nearest part of it that stands in the file."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 1


def read_document(text: str, file: str) -> Document:
    """Read YAML text. Raises `SettingsProblems`."""
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        mend = "Text that begins with a sign such as @, %, ! or { must stand in quotes; indent with spaces."
        raise SettingsProblems(file, [Problem(line, "", f"this is not YAML: {error.problem}", mend)]) from None
    except YAMLError:
        mend = "Write it as in orderbridge.example.yaml."
        raise SettingsProblems(file, [Problem(1, "", "this is not YAML", mend)]) from None
    reader = _Reader()
    data = reader.read(root, ()) if root is not None else None
    if reader.problems:
        raise SettingsProblems(file, reader.problems)
    return Document(file, data, reader.lines)


class _Reader:
    def __init__(self) -> None:
        self.lines: dict[FieldPath, int] = {(): 1}
        self.problems: list[Problem] = []

    def read(self, node: Node, path: FieldPath) -> Any:
        self.lines.setdefault(path, _line(node))
        match node:
            case MappingNode():
                return self._mapping(node, path)
            case SequenceNode():
                return [self.read(item, (*path, position)) for position, item in enumerate(node.value)]
            case ScalarNode():
                return self._scalar(node, path)
            case _:
                return self._problem(node, path, "this kind of value is not known", "Write text or a number.")

    def _mapping(self, node: MappingNode, path: FieldPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, value in node.value:
            name = str(key.value) if isinstance(key, ScalarNode) else ""
            here = (*path, name)
            if not name:
                self._problem(key, path, "a key must be a text", "Write `name: value`.")
            elif name in values:
                first = self.lines[here]
                self._problem(key, here, f"{name} stands here again, after line {first}", "Remove one of the two.")
            else:
                self.lines[here] = _line(key)
                values[name] = self.read(value, here)
        return values

    def _scalar(self, node: ScalarNode, path: FieldPath) -> Any:
        if node.tag in _TEXT_TAGS:
            return node.value
        if node.tag == f"{_TAG}bool":
            return node.value in _TRUE
        if node.tag == f"{_TAG}null":
            return None
        return self._problem(node, path, f"the tag {node.tag} is not known", "Write the value without a tag.")

    def _problem(self, node: Node, path: FieldPath, message: str, mend: str) -> None:
        self.problems.append(Problem(_line(node), ".".join(map(str, path)), message, mend))


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1
