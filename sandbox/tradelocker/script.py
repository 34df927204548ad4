"""Scripted behaviour for the next orders that match: what a real broker does on a bad day, on demand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, get_args

from sandbox.tradelocker.fields import BadField, decimal_of
from sandbox.tradelocker.model import Order, Plan, Role

Moment = Literal["place", "close", "modify_position", "any"]
Behaviour = Literal[
    "reject_later",
    "partial_fill",
    "fill_delay",
    "late_history",
    "late_position",
    "invisible_once",
    "close_leaves_rest",
    "bracket_refused",
]

_LEGS: Mapping[str, frozenset[Role]] = {
    "stopLoss": frozenset({Role.STOP_LOSS}),
    "takeProfit": frozenset({Role.TAKE_PROFIT}),
    "both": frozenset({Role.STOP_LOSS, Role.TAKE_PROFIT}),
}
_PARAMETERS: Mapping[str, frozenset[str]] = {
    "reject_later": frozenset({"after_ms"}),
    "partial_fill": frozenset({"qty"}),
    "fill_delay": frozenset({"ms"}),
    "late_history": frozenset({"ms"}),
    "late_position": frozenset({"ms"}),
    "invisible_once": frozenset({"polls"}),
    "close_leaves_rest": frozenset({"qty", "rest_works"}),
    "bracket_refused": frozenset({"leg", "how"}),
}
_MATCH_KEYS = frozenset({"account", "instrument", "side", "type", "strategyId"})


class ScriptError(ValueError):
    """A script that says something unknown."""


@dataclass
class Rule:
    """One scripted behaviour, and how many matching orders it is left for."""

    behaviour: str
    on: str
    match: Mapping[str, str]
    params: Mapping[str, object]
    times: int = 1

    def matches(self, on: Moment, order: Order) -> bool:
        """Tell whether the rule is for this order."""
        facts = {
            "account": str(order.account_id),
            "instrument": order.instrument.name,
            "side": order.side,
            "type": order.type,
            "strategyId": order.strategy_id or "",
        }
        if self.behaviour == "bracket_refused" and on == "place" and not _has_bracket(order):
            return False
        return self.on in {on, "any"} and all(facts[key] == value for key, value in self.match.items())

    @property
    def answers_at_once(self) -> bool:
        """Whether the request itself is refused, rather than what comes of the order."""
        is_bracket = self.behaviour == "bracket_refused"
        return is_bracket and (self.on == "modify_position" or self.params["how"] == "at_once")


@dataclass
class Script:
    """The rules in force, in the order they came; an order takes every rule that matches it, one time each."""

    rules: list[Rule] = field(default_factory=list)

    def add(self, payload: Mapping[str, object]) -> None:
        """Add a rule from a control payload; raise `ScriptError` when it is not understood."""
        self.rules.append(_read(payload))

    def plan(self, on: Moment, order: Order, now_ms: int) -> None:
        """Write into the order's plan what the matching rules want, and use them up."""
        for rule in self._take([one for one in self.rules if not one.answers_at_once and one.matches(on, order)]):
            _apply(rule, order.plan, order, now_ms)

    def refuses_bracket(self, on: Moment, order: Order) -> bool:
        """Tell whether a rule refuses the order's stop or target in the answer itself, and use that rule up."""
        return bool(self._take([one for one in self.rules if one.answers_at_once and one.matches(on, order)][:1]))

    def describe(self) -> list[Mapping[str, object]]:
        """Return what is left, as JSON."""
        return [
            {"behaviour": rule.behaviour, "on": rule.on, "match": dict(rule.match), "times": rule.times}
            for rule in self.rules
        ]

    def _take(self, taken: Sequence[Rule]) -> Sequence[Rule]:
        for rule in taken:
            rule.times -= 1
        self.rules = [rule for rule in self.rules if rule.times > 0]
        return taken


def _has_bracket(order: Order) -> bool:
    return order.bracket.stop_loss_type is not None or order.bracket.take_profit_type is not None


def _read(payload: Mapping[str, object]) -> Rule:
    behaviour = payload.get("behaviour")
    if behaviour not in get_args(Behaviour):
        raise ScriptError(f"behaviour {behaviour!r}: {' | '.join(get_args(Behaviour))}")
    name = str(behaviour)
    known = {"behaviour", "on", "match", "times"} | _PARAMETERS[name]
    unknown = sorted(set(payload) - known)
    if unknown:
        raise ScriptError(f"{name} knows no {unknown[0]!r}")
    match = payload.get("match", {})
    if not isinstance(match, Mapping) or set(match) - _MATCH_KEYS:
        raise ScriptError(f"match takes {', '.join(sorted(_MATCH_KEYS))}")
    on = str(payload.get("on", "close" if name == "close_leaves_rest" else "place"))
    if on not in get_args(Moment):
        raise ScriptError(f"on {on!r}: {' | '.join(get_args(Moment))}")
    times = payload.get("times", 1)
    if not isinstance(times, int) or times < 1:
        raise ScriptError("times is a whole number from 1")
    texts = {str(key): str(value) for key, value in match.items()}
    return Rule(name, on, texts, _parameters(name, payload), times)


def _parameters(name: str, payload: Mapping[str, object]) -> Mapping[str, object]:
    """Return the parameters of a behaviour, read and with their defaults."""
    match name:
        case "reject_later":
            return {"ms": _milliseconds(payload, "after_ms", 500)}
        case "fill_delay" | "late_history" | "late_position":
            return {"ms": _milliseconds(payload, "ms", 1000)}
        case "invisible_once":
            return {"polls": _milliseconds(payload, "polls", 1)}
        case "partial_fill" | "close_leaves_rest":
            try:
                return {"qty": decimal_of(payload.get("qty"), "qty"), "rest_works": bool(payload.get("rest_works"))}
            except BadField as error:
                raise ScriptError(str(error)) from error
        case _:
            leg, how = str(payload.get("leg", "both")), str(payload.get("how", "later"))
            if leg not in _LEGS or how not in {"later", "at_once"}:
                raise ScriptError("bracket_refused takes leg stopLoss | takeProfit | both and how later | at_once")
            return {"legs": _LEGS[leg], "how": how}


def _milliseconds(payload: Mapping[str, object], name: str, default: int) -> int:
    value = payload.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ScriptError(f"{name} is a whole number from 0")
    return value


def _apply(rule: Rule, plan: Plan, order: Order, now_ms: int) -> None:
    match rule.params:
        case {"qty": Decimal() as qty, "rest_works": bool() as rest_works}:
            plan.fill_cap = qty
            if rest_works:
                order.validity = "GTC"
        case {"polls": int() as polls}:
            plan.hidden_polls.update({"orders": polls, "ordersHistory": polls, "positions": polls})
        case {"legs": frozenset() as refused}:
            plan.refused_legs = frozenset(Role(one) for one in refused)
        case {"ms": int() as wait_ms}:
            _apply_wait(rule.behaviour, plan, now_ms, wait_ms)


def _apply_wait(behaviour: str, plan: Plan, now_ms: int, wait_ms: int) -> None:
    match behaviour:
        case "late_history":
            plan.late_history_ms = wait_ms
        case "late_position":
            plan.late_position_ms = wait_ms
        case _:
            plan.due_ms = now_ms + wait_ms
            plan.refuse = behaviour == "reject_later"
