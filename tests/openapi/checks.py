"""What is asked of each answer beyond schemathesis's own checks.

Errors are 200 with `s: error` here, and an unknown operation is one of them: schemathesis's own checks of refusals ask
for 4xx. These ask for the same things in TradingView's form.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import schemathesis
from schemathesis.specs.openapi.checks import negative_data_rejection

from orderbridge.broker_api.serving import OURS
from tests.openapi.browser import ORIGIN, TOKEN

REPLACED = (
    "ignored_auth",
    "unsupported_method",
    "negative_data_rejection",
    "positive_data_acceptance",
    "use_after_free",
    "ensure_resource_availability",
)
"""Of schemathesis: they ask for statuses that this API does not use, or (the first) do not run in one process."""
SENTENCE = re.compile(r"\S+ .{3,}[.!]", re.DOTALL)
"""Words with an end; the first may be a field's or an account's name."""
OUR_INSIDE = re.compile(r"Traceback|orderbridge\.|Decimal\(|<class|Exception|Error\b|\bNone\b|\{'")

TOLERATED: Mapping[str, str] = {
    r"\blocale\b": "an unknown language is English",
    r"unexpected propert|additionalProperties": "the order dialog's own fields, and fields of later versions",
    r"\bcurrent(Ask|Bid)\b": "they only help to check a bracket's sides, and one of them is enough",
    r"/trackLatency": "its published answer has no error: what is wrong is passed over",
    r"Missing request body": "a change of a position without a field removes its bracket",
    r"Content-Type": "without a body its type does not matter",
}
"""Wrong requests that are carried out all the same, by what names them, and why."""


Check = Callable[[schemathesis.CheckContext, schemathesis.Response, schemathesis.Case[Any]], bool | None]


def of_the_panel(check: Check) -> Check:
    """Register a check with schemathesis, which asks it of every document of the process: not of the alerts' own."""

    @wraps(check)
    def checked(
        context: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
    ) -> bool | None:
        return None if case.operation.path.startswith("/alerts/") else check(context, response, case)

    registered: Check = schemathesis.check(checked)
    return registered


def content_of(response: schemathesis.Response) -> dict[str, Any]:
    """Read an answer; JSON as strict as TradingView's clients may be."""

    def no_constant(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len({name for name, _ in pairs}) == len(pairs), "a key is given twice"
        return dict(pairs)

    found: dict[str, Any] = json.loads(response.content, parse_constant=no_constant, object_pairs_hook=once)
    return found


@of_the_panel
def answer_is_for_the_asking_page(
    _: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    del case
    assert response.headers.get("access-control-allow-origin") == [ORIGIN], "the asking origin is not echoed"


@of_the_panel
def errors_are_told_in_the_users_words(
    _: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    del case
    if response.request.method in ("OPTIONS", "HEAD"):
        return
    content = content_of(response)
    if content.get("s") != "error":
        return
    assert content["errmsg"] != OURS, "the bridge could not carry it out"
    assert SENTENCE.fullmatch(content["errmsg"]), f"no sentence: {content['errmsg']!r}"
    assert not OUR_INSIDE.search(content["errmsg"]), f"our inside: {content['errmsg']!r}"


@of_the_panel
def undeclared_methods_are_no_operation(
    _: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    method = str(response.request.method)
    if method == case.operation.method.upper() or method == "HEAD":
        return
    if method == "OPTIONS":
        assert (response.status_code, response.content) == (204, b"")
        return
    if method.lower() not in set(case.operation.schema[case.operation.path]):
        assert response.status_code == 200
        assert content_of(response)["errmsg"] == "There is no such operation."


@of_the_panel
def wrong_requests_are_refused(
    context: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> bool | None:
    if response.request.method in ("OPTIONS", "HEAD") or content_of(response).get("s", "ok") == "error":
        return None
    meta = case.meta
    told = f"{case.operation.label} {getattr(meta and meta.phase.data, 'description', '')}"
    told += f" {getattr(meta and meta.phase.data, 'parameter', '')}"
    if any(re.search(pattern, told) for pattern in TOLERATED):
        return None
    refused: bool | None = negative_data_rejection(context, response, case)
    return refused


@of_the_panel
def a_token_is_asked_for(
    _: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """Send what was answered again without a token and with a dead one, once for each operation."""
    operation = case.operation
    done = _asked.setdefault(id(operation.schema), set())
    secured = bool(operation.definition.raw.get("security"))
    if not secured or operation.label in done or response.status_code != 200:
        return
    if (
        response.request.method != operation.method.upper()
        or response.request.headers.get("Authorization") != f"Bearer {TOKEN}"
    ):
        return
    done.add(operation.label)
    for token in ("", "Bearer ", "Bearer dead", "Basic YW5uOnh5eg=="):
        again = case.call(headers={"Authorization": token})
        assert again.status_code == 401, f"{token!r} was answered {again.status_code}"
        case.validate_response(again, excluded_checks=[a_token_is_asked_for, wrong_requests_are_refused])


_asked: dict[int, set[str]] = {}
