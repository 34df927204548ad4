"""The facts about TradeStation that nobody could confirm, each as a switch with its possible values.

`source` names the section of the fact sheet on TradeStation ("18.4" is item 4 of its unconfirmed list, "17.5" item 5
of its list for a simulator). The first value is the one at start; it is what the sources say, or where they say
nothing, what asks most of a client.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.simserver import ControlError


@dataclass(frozen=True, slots=True)
class Switch:
    """One unconfirmed fact: its possible `values`, and what it decides."""

    name: str
    values: tuple[str, ...]
    source: str
    meaning: str
    numeric: bool = False
    """Take any whole number from 0; `values` are then the ones worth combining."""

    @property
    def default(self) -> str:
        """The value at start."""
        return self.values[0]

    def read(self, value: object) -> str:
        """Give `value` as this switch's text. Raises `ControlError` when it cannot take it."""
        text = str(value)
        if text in self.values or (self.numeric and text.isascii() and text.isdigit()):
            return text
        raise ControlError(f"switch {self.name!r} cannot be {text!r}", allowed={self.name: list(self.values)})


def _choice(name: str, values: str, source: str, meaning: str) -> Switch:
    return Switch(name, tuple(values.split("|")), source, meaning)


def _number(name: str, values: str, source: str, meaning: str) -> Switch:
    return Switch(name, tuple(values.split("|")), source, meaning, numeric=True)


ALL: tuple[Switch, ...] = (
    # Sending the same order twice
    _choice("confirm_id_mode", "ignore|reject-400|failed-entry|return-original", "18.1", "a repeated OrderConfirmID"),
    _choice("confirm_id_origin", "any|confirmed", "18.1", "whether only ids made by orderconfirm are taken"),
    _choice("confirm_id_characters", "any|no_plus_slash", "18.1", "whether + and / may stand in an OrderConfirmID"),
    _number("confirm_id_memory_ms", "86400000|60000", "18.1", "how long an OrderConfirmID is remembered"),
    # Forms of replies
    _choice("response_wrapper", "object|array", "4.2", "place and confirm answer one object, or an array of it"),
    _choice("nulls", "omitted|sent|mixed", "2", "fields without a value: left out, null, or null in every other row"),
    _choice("errors_field", "list|null|absent", "6.3", "Errors of a placing reply in which nothing was refused"),
    _choice("children_order_in_reply", "request|reversed", "18.2", "order of the entries after the first"),
    _choice("reject_form", "errors|orders|http_400|later", "18.5", "where a refusal shows; later: accepted, then REJ"),
    _choice("refused_order_id", "present|absent", "6.3", "whether a refused order has an id and a REJ row"),
    _choice("position_reject_text", "coded|bare", "8", "a side that does not fit the position: with or without EC6xx"),
    _choice("change_reject_form", "http_400|error_field", "18.5", "refused replace or cancel: 400, or 200 with Error"),
    _choice("foreign_account_status", "403|401|400", "18.5", "placing for an account that is not the user's"),
    # Groups and children
    _choice("group_partial_refusal", "siblings_stand|all_refused", "18.2", "the others when one of a group is refused"),
    _choice("waiting_child_status", "OSO|OPN|DON", "18.3", "status of a child whose parent is not filled"),
    _choice("conditional_orders", "full|siblings_only|absent", "18.3", "what ConditionalOrders lists"),
    _choice("parent_link_after_release", "kept|dropped", "18.3", "OSP and OSO links once the parent is filled"),
    _choice("group_name", "present|absent", "18.3", "GroupName and OCA= of an OCO or BRK"),
    _choice("children_on_parent_cancel", "cancelled|left", "18.3", "children whose parent ends without a fill"),
    _choice("children_on_flp", "cancelled|released|left", "18.3", "children whose parent ends partly filled"),
    _number("oso_release_delay_ms", "0|800", "18.3", "how long after the parent's fill its children are released"),
    _choice("sibling_on_cancel", "stays|cancelled", "6.8", "siblings of an OCO or BRK leg that the user cancels"),
    _choice("bracket_sibling_status", "OUT|BRC", "18.16", "status of a leg that ended because its sibling filled"),
    _choice("bracket_fill_status", "FLL|BRF", "18.16", "status of a bracket leg that filled"),
    _choice("late_reject_status", "REJ|TSC|DOA", "18.16", "status of an order that is rejected after it was accepted"),
    # Replace and cancel
    _choice("replace_quantity_meaning", "total|remaining", "18.4", "Quantity of a replace after a partial fill"),
    _choice("replace_id", "keeps|changes", "18.4", "whether a replace makes a new id"),
    _number("replace_delay_ms", "0|400", "6.6", "how long a replace takes"),
    _choice("replace_interim", "RSN|RPD|OUT", "6.6", "status meanwhile"),
    _number("cancel_delay_ms", "150|0|2500", "6.7", "how long a cancel takes; UCN meanwhile"),
    _number("out_settle_ms", "0|300", "17.5", "how long OUT shows without ClosedDateTime"),
    # What reads show, and when
    _number("ack_delay_ms", "0|200", "17.5", "how long a new order stays OPN"),
    _number("fill_delay_ms", "0|300", "2", "how long a marketable order waits for its fill (SIM can be slow)"),
    _number("ack_with_fill_ms", "0|300", "7", "how long a filled order shows ACK with its ExecQuantity before FLL"),
    _number("order_visibility_delay_ms", "0|700|3000", "18.13", "how late a new order shows in lists"),
    _choice("stp_looks_closed", "yes|no", "5", "STP rows with ClosedDateTime and QuantityRemaining 0"),
    _choice("exp_exec_quantity", "zero|ordered", "18.14", "ExecQuantity of an expired order without a fill"),
    _choice("position_average_price", "present|missing", "18.11", "AveragePrice of positions"),
    _choice("orders_filters", "ignored|supported|refused", "18.12", "the status and symbol parameters of orders"),
    _number("history_depth", "90|730", "18.12", "how far back historicalorders may ask"),
    # Trading rules
    _choice("futures_cross_zero", "allowed|refused", "18.7", "one futures order that turns the position around"),
    _choice("percent_trail_on_futures", "accepted|refused", "18.15", "TrailingStop.Percent on a future"),
    _choice("buying_power_warning", "ignored|required", "18.6", "BuyingPowerWarning where the account asks for it"),
    _choice("extended_market_orders", "queued|refused", "18.8", "DYP, GCP, GDP on market and stop orders"),
    _choice("session_hours", "always_open|exchange", "18.11", "whether SIM fills outside of exchange hours"),
    _choice("premarket_start", "04:00|08:00", "18.8", "start of the extended session (New York) for plus durations"),
    # Quotas
    _choice("quotas", "enforced|off", "10", "whether requests are counted at all"),
    _choice("quota_window", "fixed|rolling", "18.9", "a window from the first request, or one that rolls"),
    _choice("quota_counting", "request|item", "18.9", "whether a batch counts once, or each of its ids or symbols"),
    _number("placement_quota", "0|60", "18.9", "placings, replaces and cancels per 5 minutes; 0: no quota"),
    _choice("quota_header_prefix", "X-RateLimit|Rate-Limit", "10", "name of the quota headers"),
    # OAuth
    _choice("authorize_page", "auto|form", "3.1", "sign in the first user at once, or show a form (our own)"),
    _choice("refresh_token_rotates", "no|yes", "3.4", "whether a refresh gives a new refresh token"),
    _number("rotation_minutes", "30|40", "18.10", "life of a rotating refresh token, in minutes"),
    _choice("rotated_token_dies", "at_once|at_its_end", "3.4", "the old token after a refresh; decides a lost reply"),
    _choice("refresh_scope", "full|identity_only", "3.2", "scope named in the reply to a refresh"),
    _choice("oauth_error_status", "403|401|400", "18.10", "status of invalid_grant"),
    _choice("revoke_field", "any|token|refresh_token", "18.10", "field that the revoke endpoint reads"),
)

BY_NAME: Mapping[str, Switch] = {switch.name: switch for switch in ALL}


class Switches:
    """The values in force."""

    def __init__(self, values: Mapping[str, object] | None = None) -> None:
        self._values = {switch.name: switch.default for switch in ALL}
        self.set(values or {})

    def set(self, values: Mapping[str, object]) -> None:
        """Set all of these, or none. Raises `ControlError` with what would be allowed."""
        read = {}
        for name, value in values.items():
            if name not in BY_NAME:
                raise ControlError(f"unknown switch {name!r}", allowed={s.name: list(s.values) for s in ALL})
            read[name] = BY_NAME[name].read(value)
        self._values |= read

    def reset(self) -> None:
        """Go back to the values at start."""
        self._values = {switch.name: switch.default for switch in ALL}

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def number(self, name: str) -> int:
        """Give the value of a numeric switch."""
        return int(self._values[name])

    def listing(self) -> dict[str, object]:
        """Give every switch with its value, its possible values, its source and its meaning."""
        return {
            switch.name: {
                "value": self._values[switch.name],
                "values": list(switch.values),
                "source": switch.source,
                "meaning": switch.meaning,
            }
            for switch in ALL
        }
