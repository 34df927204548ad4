"""A script of faults: which requests meet which fault, how often.

A rule is JSON:

    {"id": "f1", "match": {"method": "POST", "path": "orders$", "body": "MSFT", "skip": 1},
     "fault": {"kind": "reply_lost"}, "times": 1}

`path` and `body` are regular expressions searched in the decoded path and in the body's text; `skip` lets that many
matching requests pass first; `times` 0 means for ever. The first rule that matches and is not used up counts.
"""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sandbox.simserver.app import ControlError
from sandbox.simserver.messages import Request


class FaultKind(StrEnum):
    """What happens to a request, in the order of a request's life."""

    REFUSE_CONNECTION = "refuse_connection"
    """No connection comes about. Over a socket the client sees a reset, since the port is open."""
    RESET_BEFORE = "reset_before"
    """The connection is reset; the broker never sees the request."""
    STATUS_BEFORE = "status_before"
    """A given reply; the broker never sees the request. Takes status, body, headers, content_type."""
    RATE_JSON = "rate_json"
    """The broker's own 429; nothing is booked."""
    RATE_EDGE = "rate_edge"
    """429 with the HTML page of the network's edge that names `error code: 1015`; nothing is booked."""
    UNAUTHORIZED = "unauthorized"
    """The broker's own 401; nothing is booked."""
    ERROR_200 = "error_200"
    """A 200 whose body refuses, as the broker words it; nothing is booked. Takes text."""
    HANG_BEFORE = "hang_before"
    """The broker never sees the request and no reply comes: the connection closes after `seconds`."""
    SLOW_BEFORE = "slow_before"
    """The broker sees the request `seconds` later."""
    REPLY_LOST = "reply_lost"
    """The broker processes the request, then the connection closes without a byte of reply."""
    SLOW_AFTER = "slow_after"
    """The broker processes the request; the reply comes `seconds` later."""
    STATUS_AFTER = "status_after"
    """The broker processes the request; the reply is replaced. Takes what `status_before` takes."""
    TRUNCATED = "truncated"
    """The broker processes the request; the reply is JSON cut in half."""


_FIELDS: Mapping[FaultKind, frozenset[str]] = {
    FaultKind.STATUS_BEFORE: frozenset({"status", "body", "headers", "content_type"}),
    FaultKind.STATUS_AFTER: frozenset({"status", "body", "headers", "content_type"}),
    FaultKind.HANG_BEFORE: frozenset({"seconds"}),
    FaultKind.SLOW_BEFORE: frozenset({"seconds"}),
    FaultKind.SLOW_AFTER: frozenset({"seconds"}),
    FaultKind.ERROR_200: frozenset({"text"}),
}
_TIMED = (FaultKind.HANG_BEFORE, FaultKind.SLOW_BEFORE, FaultKind.SLOW_AFTER)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault to apply to one request."""

    kind: FaultKind
    rule_id: str = ""
    seconds: float = 0.0
    status: int = 500
    body: object = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = None
    text: str = "Refused by a scripted fault"


@dataclass(slots=True)
class _Rule:
    id: str
    source: Mapping[str, object]
    method: str | None
    path: re.Pattern[str] | None
    body: re.Pattern[str] | None
    skip: int
    times: int
    fault: Fault
    matched: int = 0
    hits: int = 0

    def matches(self, request: Request) -> bool:
        if self.method is not None and self.method != request.method:
            return False
        if self.path is not None and not self.path.search(request.path):
            return False
        return self.body is None or bool(self.body.search(request.body.decode(errors="replace")))

    @property
    def used_up(self) -> bool:
        return self.times > 0 and self.hits >= self.times


class FaultScript:
    """The rules in force. Safe for use by many threads."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self._made = 0
        self._lock = threading.Lock()

    def add(self, rule: Mapping[str, object]) -> str:
        """Add one rule and give its id. Raises `ControlError` naming what is wrong with it."""
        with self._lock:
            self._made += 1
            made = _read_rule(rule, f"fault-{self._made}")
            if any(known.id == made.id for known in self._rules):
                raise ControlError(f"there is a rule {made.id!r} already")
            self._rules.append(made)
            return made.id

    def clear(self) -> None:
        """Forget every rule."""
        with self._lock:
            self._rules.clear()

    def take(self, request: Request) -> Fault | None:
        """Give the fault that this request meets and count it, or None."""
        with self._lock:
            for rule in self._rules:
                if rule.used_up or not rule.matches(request):
                    continue
                rule.matched += 1
                if rule.matched <= rule.skip:
                    continue
                rule.hits += 1
                return rule.fault
        return None

    def listing(self) -> list[dict[str, object]]:
        """Give every rule as it was added, with `id`, how many requests it `matched` and how many it `hits`."""
        with self._lock:
            return [{**rule.source, "id": rule.id, "matched": rule.matched, "hits": rule.hits} for rule in self._rules]


def _read_rule(rule: Mapping[str, object], fallback_id: str) -> _Rule:
    if not isinstance(rule, Mapping):
        raise ControlError("a fault rule is an object")
    _only(rule, {"id", "match", "fault", "times"}, "a fault rule")
    match = _mapping(rule.get("match", {}), "match")
    _only(match, {"method", "path", "body", "skip"}, "match")
    rule_id = str(rule.get("id", fallback_id))
    method = match.get("method")
    return _Rule(
        id=rule_id,
        source={"match": dict(match), "fault": rule.get("fault"), "times": rule.get("times", 1)},
        method=str(method).upper() if method is not None else None,
        path=_pattern(match, "path"),
        body=_pattern(match, "body"),
        skip=_count(match.get("skip", 0), "skip"),
        times=_count(rule.get("times", 1), "times"),
        fault=_read_fault(rule.get("fault"), rule_id),
    )


def _read_fault(given: object, rule_id: str) -> Fault:
    fields = {"kind": given} if isinstance(given, str) else dict(_mapping(given, "fault"))
    kinds = [kind.value for kind in FaultKind]
    name = fields.pop("kind", None)
    if name not in kinds:
        raise ControlError(f"unknown fault kind {name!r}", kinds=kinds)
    kind = FaultKind(str(name))
    _only(fields, _FIELDS.get(kind, frozenset()), f"fault {kind}")
    if kind in _TIMED and "seconds" not in fields:
        raise ControlError(f"fault {kind} needs seconds")
    default = Fault(kind, rule_id)
    return Fault(
        kind,
        rule_id,
        seconds=_seconds(fields.get("seconds", 0)),
        status=_count(fields.get("status", default.status), "status"),
        body=fields.get("body", default.body),
        headers={str(name): str(value) for name, value in _mapping(fields.get("headers", {}), "headers").items()},
        content_type=str(fields["content_type"]) if "content_type" in fields else None,
        text=str(fields.get("text", default.text)),
    )


def _only(given: Mapping[str, object], allowed: set[str] | frozenset[str], what: str) -> None:
    unknown = sorted(set(given) - set(allowed))
    if unknown:
        raise ControlError(f"{what} does not know {', '.join(unknown)}", allowed=sorted(allowed))


def _mapping(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ControlError(f"{what} is an object")
    return value


def _pattern(match: Mapping[str, object], name: str) -> re.Pattern[str] | None:
    if name not in match:
        return None
    try:
        return re.compile(str(match[name]))
    except re.error as error:
        raise ControlError(f"{name} is not a regular expression: {error}") from error


def _count(value: object, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ControlError(f"{what} is a whole number from 0")
    return value


def _seconds(value: object) -> float:
    try:
        seconds = float(str(value))
    except ValueError as error:
        raise ControlError("seconds is a number") from error
    if not 0 <= seconds < 3600:
        raise ControlError("seconds is a number from 0 to 3600")
    return seconds
