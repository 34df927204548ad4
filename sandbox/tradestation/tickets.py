"""An order request's form: JSON to `Ticket`, or a 400 that names what is wrong.

Names and enum values are taken in any case, as the service does. The texts are those of the v2 error catalogue;
v3's own are not published.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import get_args

from sandbox.tradestation.instruments import Instrument, find
from sandbox.tradestation.model import Action, Bundle, GroupKind, OrderType, PriceRule, Ticket, Trail
from sandbox.tradestation.refusals import bad_request

DURATIONS = ("DAY", "DYP", "GTC", "GCP", "GTD", "GDP", "OPG", "CLO", "IOC", "FOK", "1", "3", "5")
TRIGGERS = ("STT", "STTN", "SBA", "SAB", "DTT", "DTTN", "DBA", "DAB", "TTT", "TTTN", "TBA", "TAB")
_TYPES: Mapping[str, OrderType] = {name.upper(): name for name in get_args(OrderType)}
_KINDS: Mapping[str, GroupKind] = {name: name for name in get_args(GroupKind)}


class Fields:
    """A JSON object whose names are read in any case."""

    def __init__(self, given: object, what: str) -> None:
        if not isinstance(given, Mapping):
            raise bad_request(f"Please provide valid {what} input.")
        self._values = {str(name).lower(): value for name, value in given.items()}

    def __contains__(self, name: str) -> bool:
        return self._values.get(name.lower()) is not None

    def raw(self, name: str) -> object:
        """Give the value as it is; None when it is missing."""
        return self._values.get(name.lower())

    def text(self, name: str) -> str | None:
        """Give a string; a number in its place is refused, as the schema has strings throughout."""
        value = self.raw(name)
        if value is None or isinstance(value, str):
            return value
        raise bad_request(f"The field {name} must be a string.")

    def number(self, name: str, message: str) -> Decimal | None:
        """Give a number that came as a string."""
        text = self.text(name)
        return None if text is None else decimal_of(text, message)

    def flag(self, name: str) -> bool:
        """Give a boolean."""
        value = self.raw(name)
        if value is not None and not isinstance(value, bool):
            raise bad_request(f"The field {name} must be a boolean.")
        return bool(value)

    def items(self, name: str) -> list[object]:
        """Give a list; empty when it is missing."""
        value = self.raw(name)
        if value is not None and not isinstance(value, list):
            raise bad_request(f"The field {name} must be an array.")
        return list(value or [])


def decimal_of(text: str, message: str) -> Decimal:
    """Read a plain decimal number: digits, at most one point, no exponent. Raises a 400 with `message`."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise bad_request(message) from None
    if not number.is_finite() or "e" in text.lower() or text != text.strip():
        raise bad_request(message)
    return number


def read_ticket(given: object) -> Ticket:
    """Read an order request with its OSOs."""
    fields = Fields(given, "order")
    if len(fields.items("Legs")) > 1:
        raise bad_request("Multi-leg orders are not simulated.")
    leg = Fields(fields.items("Legs")[0], "order") if fields.items("Legs") else fields
    account_id = fields.text("AccountID")
    if not account_id:
        raise bad_request("Invalid account.")
    instrument = _instrument(leg.text("Symbol"))
    order_type = _order_type(fields.text("OrderType"))
    advanced = Fields(fields.raw("AdvancedOptions") or {}, "advanced options")
    trail = read_trail(advanced)
    duration, expiration = _time_in_force(fields.raw("TimeInForce"))
    return Ticket(
        account_id=account_id,
        instrument=instrument,
        quantity=whole_quantity(leg.text("Quantity")),
        type=order_type,
        action=_action(leg.text("TradeAction")),
        duration=duration,
        expiration=expiration,
        limit_price=_price(fields, "Limit", needed=order_type in ("Limit", "StopLimit")),
        stop_price=_price(fields, "Stop", needed=order_type in ("StopMarket", "StopLimit") and trail is None),
        trail=trail,
        route=fields.text("Route") or "",
        confirm_id=_confirm_id(fields.text("OrderConfirmID")),
        all_or_none=advanced.flag("AllOrNone"),
        show_only=advanced.number("ShowOnlyQuantity", "Invalid show only quantity."),
        price_rules=tuple(_price_rule(rule) for rule in advanced.items("MarketActivationRules")),
        active_from_utc=_active_from(advanced.items("TimeActivationRules")),
        buying_power_warning=fields.text("BuyingPowerWarning"),
        osos=tuple(read_bundle(item) for item in fields.items("OSOs")),
    )


def read_bundle(given: object) -> Bundle:
    """Read a group, or one group of OSOs."""
    fields = Fields(given, "group order")
    kind = _KINDS.get((fields.text("Type") or "").upper())
    if kind is None:
        raise bad_request("Please provide valid group order type.")
    tickets = tuple(read_ticket(item) for item in fields.items("Orders"))
    if not tickets:
        raise bad_request("Please provide valid order input.")
    return Bundle(kind, tickets)


def whole_quantity(text: str | None) -> Decimal:
    """Read a quantity: a whole number above 0."""
    if text is None:
        raise bad_request("Missing order quantity.")
    quantity = decimal_of(text, "Invalid order quantity.")
    if quantity <= 0 or quantity % 1:
        raise bad_request("Invalid order quantity.")
    return quantity


def read_trail(advanced: Fields) -> Trail | None:
    """Read AdvancedOptions.TrailingStop."""
    if "TrailingStop" not in advanced:
        return None
    fields = Fields(advanced.raw("TrailingStop"), "trailing stop")
    amount, percent = (fields.number(name, f"Invalid trailing stop {name.lower()}.") for name in ("Amount", "Percent"))
    chosen = [value for value in (amount, percent) if value is not None]
    if len(chosen) != 1:
        raise bad_request("A trailing stop needs either Amount or Percent.")
    if chosen[0] <= 0 or (percent is not None and percent >= 100):
        raise bad_request("Invalid trailing stop.")
    return Trail(amount, percent)


def _instrument(symbol: str | None) -> Instrument:
    if not symbol:
        raise bad_request("Missing order symbol.")
    instrument = find(symbol)
    if instrument is None or instrument.data_only:
        raise bad_request("Failed to build order: FAILED, INVALID SYMBOL")
    return instrument


def _order_type(text: str | None) -> OrderType:
    if not text:
        raise bad_request("Missing order type.")
    if text.upper() not in _TYPES:
        raise bad_request("Invalid order type.")
    return _TYPES[text.upper()]


def _action(text: str | None) -> Action:
    if not text:
        raise bad_request("Missing trade action.")
    try:
        return Action(text.upper())
    except ValueError:
        raise bad_request("Invalid trade action.") from None


def _time_in_force(given: object) -> tuple[str, date | None]:
    if given is None:
        raise bad_request("Order failed. Reason: Missing TIF")
    fields = Fields(given, "time in force")
    duration = (fields.text("Duration") or "").upper()
    if duration not in DURATIONS:
        raise bad_request("Invalid order duration.")
    if duration not in ("GTD", "GDP"):
        return duration, None
    expiration = fields.text("Expiration")
    if expiration is None:
        raise bad_request("Missing expiration date.")
    try:
        return duration, datetime.fromisoformat(expiration).date()
    except ValueError:
        raise bad_request("Invalid expiration date.") from None


def _price(fields: Fields, kind: str, *, needed: bool) -> Decimal | None:
    name = f"{kind}Price"
    if not needed:
        return None
    if name not in fields:
        raise bad_request(f"Missing order {kind.lower()} price.")
    return fields.number(name, f"Invalid {kind.lower()} price.")


def _confirm_id(text: str | None) -> str | None:
    if text is not None and not 1 <= len(text) <= 22:
        raise bad_request("OrderConfirmID must have 1 to 22 characters.")
    return text


def _price_rule(given: object) -> PriceRule:
    fields = Fields(given, "activation rule")
    rule = PriceRule(
        symbol=fields.text("Symbol") or "",
        predicate=fields.text("Predicate") or "",
        trigger_key=fields.text("TriggerKey") or "",
        price=fields.number("Price", "Invalid activation price.") or Decimal(0),
        joined=fields.text("LogicOperator") or "And",
    )
    known = rule.predicate.upper() in ("LT", "LTE", "GT", "GTE") and rule.trigger_key.upper() in TRIGGERS
    if not known or find(rule.symbol) is None or rule.joined.upper() not in ("AND", "OR"):
        raise bad_request("Invalid activation rule.")
    return rule


def _active_from(rules: list[object]) -> str | None:
    if not rules:
        return None
    text = Fields(rules[0], "activation rule").text("TimeUtc") or ""
    try:
        return datetime.fromisoformat(text).strftime("%H:%M:%S")
    except ValueError:
        raise bad_request("Invalid activation time.") from None
