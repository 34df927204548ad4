"""Turn pydantic's errors into sentences that name what to write instead."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from orderbridge.cli.document import Document, FieldPath
from orderbridge.cli.problems import Problem, SettingsProblems
from orderbridge.cli.schema import Account, Route, SettingsFile, Strategy

EXAMPLE = "orderbridge.example.yaml shows every field."


def validated(document: Document) -> SettingsFile:
    """Check a file's shape. Raises `SettingsProblems`."""
    try:
        return SettingsFile.model_validate(document.data)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=True)
        raise SettingsProblems(document.file, _once(_problem(document, detail) for detail in details)) from None


def _once(problems: Iterable[Problem]) -> list[Problem]:
    return list(dict.fromkeys(problems))


def _problem(document: Document, detail: Mapping[str, Any]) -> Problem:
    path: FieldPath = tuple(part for part in detail["loc"] if part != "[key]")
    message, mend = _words(path, detail)
    return Problem(document.line(path), ".".join(map(str, path)), message, mend)


def _words(path: FieldPath, detail: Mapping[str, Any]) -> tuple[str, str]:
    name = str(path[-1]) if path else "the file"
    context = detail.get("ctx", {})
    match detail["type"]:
        case "settings":
            return context["message"], context["mend"]
        case "missing":
            return f"{name} is missing", _mend_missing(name)
        case "extra_forbidden":
            return f"{name} is not known here", _nearest(path)
        case "literal_error":
            known = str(context["expected"]).replace("'", "")
            return f"{detail['input']!r} is not known", _did_you_mean(detail["input"], known)
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{name} must hold fields of its own", f"Write `field: value` lines below it. {EXAMPLE}"
        case "list_type":
            return f"{name} must be a list", "Write its items in brackets, or one in each line after a hyphen."
        case "too_short":
            return f"{name} is empty", "Name at least one."
        case _:
            return f"{name}: {detail['msg']}", EXAMPLE


def _mend_missing(name: str) -> str:
    match name:
        case "position_mode":
            return "Write netting or hedging; `orderbridge accounts` shows which one the broker uses."
        case "account_id" | "connection":
            return "`orderbridge accounts` prints it, ready to paste."
        case "accounts":
            return "Name at least one account."
        case _:
            return f"Add it. {EXAMPLE}"


def _nearest(path: FieldPath) -> str:
    known = list(_part_at(path).model_fields)
    close = difflib.get_close_matches(str(path[-1]), known, n=1, cutoff=0.5)
    listed = ", ".join(known)
    return f"Did you mean {close[0]}? Known are {listed}." if close else f"Remove it. Known are {listed}."


def _part_at(path: FieldPath) -> type[BaseModel]:
    match path:
        case ("accounts", _, _):
            return Account
        case ("strategies", _, "accounts", _, _):
            return Route
        case ("strategies", _, _):
            return Strategy
        case _:
            return SettingsFile


def _did_you_mean(given: object, known: str) -> str:
    words = [word for word in known.replace(" or ", ", ").split(", ") if word]
    close = difflib.get_close_matches(str(given), words, n=1, cutoff=0.6)
    return f"Did you mean {close[0]}? Write {known}." if close else f"Write {known}."
