"""Turn the bridge's frozen dataclasses into plain JSON data and back.

Decimals travel as text, enums as their value, mappings and tuples as objects and arrays; a field that has its default
is left out, so that stored items stay small and new fields can be added. Reading checks types (pydantic).
"""

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")
JSON_KINDS = frozenset({str, int, bool, type(None)})
_ALWAYS = dataclasses.MISSING
_Field = tuple[str, object, Callable[[], object] | None]
"""Name, default (`_ALWAYS`: there is none that could be left out), default factory."""


def plain(value: object) -> Any:
    """Give `value` as JSON data: objects, arrays, text, integers, booleans, null."""
    kind = type(value)
    if kind in JSON_KINDS:
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (str, int)):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(plain(item) for item in value)
    if dataclasses.is_dataclass(kind):
        return _object(value, _fields(kind))
    raise TypeError(f"{kind.__name__} has no JSON form here")


def _object(value: object, fields: "tuple[_Field, ...]") -> dict[str, Any]:
    data: dict[str, Any] = {}
    for name, default, factory in fields:
        one = getattr(value, name)
        usual = one == factory() if factory is not None else type(one) is type(default) and one == default
        if not usual:
            data[name] = plain(one)
    return data


def dumps(value: object) -> str:
    """Give `value` as compact JSON text with sorted keys: the same value always gives the same text."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"))


def load(kind: type[T] | Any, data: object) -> T:
    """Build a `kind` from what `plain` gave. Raises `pydantic.ValidationError` when the data does not fit."""
    return cast(T, _adapter(cast(Any, kind)).validate_python(data))


def loads(kind: type[T] | Any, text: str) -> T:
    """Build a `kind` from what `dumps` gave. Raises `pydantic.ValidationError` when the text does not fit."""
    return cast(T, _adapter(cast(Any, kind)).validate_json(text))


def unknown_fields(value: object, data: object, path: str = "") -> Iterator[str]:
    """Name the fields in `data` that reading it as `value` has passed over (`accounts.0.multiplier`)."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type) and isinstance(data, Mapping):
        names = {one.name for one in dataclasses.fields(value)}
        yield from (f"{path}{name}" for name in data if name not in names)
        for name in names & data.keys():
            yield from unknown_fields(getattr(value, name), data[name], f"{path}{name}.")
    elif isinstance(value, tuple) and isinstance(data, list):
        for at, (one, of) in enumerate(zip(value, data, strict=False)):
            yield from unknown_fields(one, of, f"{path}{at}.")


@cache
def _adapter(kind: Any) -> "TypeAdapter[Any]":
    from pydantic import TypeAdapter  # here, not above: the alert receiver never reads items back and stays lean

    return TypeAdapter(kind)


@cache
def _fields(kind: Any) -> "tuple[_Field, ...]":
    return tuple(_field(one) for one in dataclasses.fields(kind))


def _field(one: "dataclasses.Field[Any]") -> "_Field":
    if one.name == "kind":
        return one.name, _ALWAYS, None
    if one.default_factory is dataclasses.MISSING:
        return one.name, one.default, None
    return one.name, _ALWAYS, one.default_factory
