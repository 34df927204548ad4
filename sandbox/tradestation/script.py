"""What a test wants the next orders to do, in the order in which it was asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from sandbox.simserver import ControlError
from sandbox.tradestation.model import Behaviour, Ticket

MATCH_FIELDS = ("account", "symbol", "type", "action")
BEHAVIOURS = ("reject_later", "partial_fill", "fill_delay", "late_history", "cancel_race", "replace_race")
_THEN = ("rest", "FLP", "stay")
_RACES = ("fill", "reject", "late")


@dataclass(slots=True)
class _Rule:
    match: Mapping[str, str]
    behaviour: Behaviour
    left: int
    source: Mapping[str, object]

    def matches(self, ticket: Ticket) -> bool:
        facts = {
            "account": ticket.account_id,
            "symbol": ticket.instrument.symbol,
            "type": ticket.type,
            "action": ticket.action.value,
        }
        return self.left > 0 and all(facts[name].upper() == wanted.upper() for name, wanted in self.match.items())


class Script:
    """Rules for the orders to come. A child of an OSO is an order of its own."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []

    def add(self, given: Mapping[str, object]) -> None:
        """Add one rule. Raises `ControlError` that names what is wrong.

        {"match": {"account"?, "symbol"?, "type"?, "action"?}, "times"?: 1,
         "reject_later"?: {"after_ms": 0, "reason": "..."},
         "fill_delay"?: {"ms": 500}, "late_history"?: {"ms": 3000},
         "partial_fill"?: {"quantities": ["4"], "then": "rest" | "FLP" | "stay", "step_ms"?: 100},
         "cancel_race"?: "fill" | "reject" | "late"}
        """
        unknown = set(given) - {"match", "times", *BEHAVIOURS}
        if unknown or not set(given) & set(BEHAVIOURS):
            raise ControlError("a script rule names a behaviour", allowed=["match", "times", *BEHAVIOURS])
        match = _object(given.get("match", {}), "match", MATCH_FIELDS)
        times = _whole(given.get("times", 1), "times")
        wanted = {name: str(value) for name, value in match.items()}
        self._rules.append(_Rule(wanted, _behaviour(given), times, dict(given)))

    def clear(self) -> None:
        """Forget every rule."""
        self._rules.clear()

    def listing(self) -> list[dict[str, object]]:
        """Give every rule with how many orders it is still good for."""
        return [{**rule.source, "left": rule.left} for rule in self._rules]

    def behaviour_for(self, ticket: Ticket) -> Behaviour:
        """Give what an order placed now shall do, and use the rule up by one."""
        for rule in self._rules:
            if rule.matches(ticket):
                rule.left -= 1
                return replace(rule.behaviour, steps=list(rule.behaviour.steps))
        return Behaviour()


def _behaviour(given: Mapping[str, object]) -> Behaviour:
    made = Behaviour()
    if "reject_later" in given:
        fields = _object(given["reject_later"], "reject_later", ("after_ms", "reason"))
        made.reject_after_ms = _whole(fields.get("after_ms", 0), "after_ms")
        made.reject_reason = str(fields.get("reason", "Rejected by the exchange"))
    if "partial_fill" in given:
        _read_partial(made, _object(given["partial_fill"], "partial_fill", ("quantities", "then", "step_ms")))
    if "fill_delay" in given:
        made.fill_delay_ms = _whole(_object(given["fill_delay"], "fill_delay", ("ms",)).get("ms"), "ms")
    if "late_history" in given:
        made.hidden_ms = _whole(_object(given["late_history"], "late_history", ("ms",)).get("ms"), "ms")
    if "cancel_race" in given:
        race = given["cancel_race"]
        if race not in _RACES:
            raise ControlError("unknown cancel_race", allowed=list(_RACES))
        made.on_cancel = race  # type: ignore[assignment]  # narrowed by the line above
    if "replace_race" in given:
        if given["replace_race"] != "reject":
            raise ControlError("unknown replace_race", allowed=["reject"])
        made.rejects_replace = True
    return made


def _read_partial(made: Behaviour, fields: Mapping[str, object]) -> None:
    quantities, then = fields.get("quantities"), fields.get("then", "rest")
    if then not in _THEN:
        raise ControlError("unknown then of partial_fill", allowed=list(_THEN))
    if not isinstance(quantities, list) or not quantities:
        raise ControlError("partial_fill needs quantities, a list")
    made.steps = [_quantity(item) for item in quantities]
    made.then = then  # type: ignore[assignment]  # narrowed above
    made.step_ms = _whole(fields.get("step_ms", made.step_ms), "step_ms")


def _object(value: object, what: str, allowed: tuple[str, ...]) -> Mapping[str, object]:
    if not isinstance(value, Mapping) or set(value) - set(allowed):
        raise ControlError(f"{what} is an object", allowed=list(allowed))
    return value


def _whole(value: object, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ControlError(f"{what} is a whole number from 0")
    return value


def _quantity(value: object) -> Decimal:
    try:
        quantity = Decimal(str(value))
    except InvalidOperation as error:
        raise ControlError(f"{value!r} is not a quantity") from error
    if quantity <= 0 or quantity % 1:
        raise ControlError(f"{value!r} is not a whole quantity above 0")
    return quantity
