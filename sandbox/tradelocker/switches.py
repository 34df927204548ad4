"""The facts about TradeLocker that nobody could confirm, each as a switch with its possible values.

`source` names the place in the fact sheet on TradeLocker ("10.6" is item 6 of its unconfirmed list, "9.5" its list of
faults, others are sections) or, where a number follows the published test-suite, says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass


class SwitchError(ValueError):
    """A switch that does not exist, or a value it cannot take."""


@dataclass(frozen=True)
class Switch:
    """One unconfirmed fact: its possible `values` (text), the `default`, and what it decides."""

    name: str
    values: tuple[str, ...]
    source: str
    meaning: str
    numeric: bool = False
    """Take any whole number from 0; `values` are then the ones worth combining."""
    refusing: tuple[str, ...] = ()
    """Values under which a careful client refuses to trade EURUSD, or the broker refuses the client."""

    @property
    def default(self) -> str:
        """The value at start: the first one."""
        return self.values[0]

    @property
    def tradable(self) -> tuple[str, ...]:
        """The values under which everything can be traded: the ones to combine with those of other switches."""
        return tuple(value for value in self.values if value not in self.refusing)

    def parse(self, value: object) -> str:
        """Return `value` as this switch's text; raise `SwitchError` when it cannot take it."""
        text = ("yes" if value else "no") if isinstance(value, bool) else str(value)
        if self.numeric and text.isascii() and text.isdigit():
            return text
        if text in self.values:
            return text
        possible = "a whole number" if self.numeric else " | ".join(self.values)
        raise SwitchError(f"switch {self.name!r} cannot be {text!r}: {possible}")


def _choice(name: str, values: str, source: str, meaning: str, *, refusing: str = "") -> Switch:
    refused = tuple(refusing.split("|")) if refusing else ()
    return Switch(name, tuple(values.split("|")), source, meaning, refusing=refused)


def _number(name: str, values: str, source: str, meaning: str) -> Switch:
    return Switch(name, tuple(values.split("|")), source, meaning, numeric=True)


ALL: tuple[Switch, ...] = (
    # Replies
    _choice("write_reply", "200|204|204_patch_position", "10.10", "status of a write that succeeded; 204 has no body"),
    _choice(
        "close_all_reply", "ok|positions", "1.2", "whether DELETE .../positions lists what it closed in d.positions"
    ),
    _choice("not_found_status", "200|404", "1.8", "an order or position that is final or unknown: s:error or HTTP 404"),
    _choice("malformed_body_status", "200|400", "10.3", "a required field missing or of the wrong kind"),
    _choice("http_error_body", "envelope|message", "10.3", "shape of 400, 401, 403, 404 and 429 bodies"),
    # Tokens
    _number("access_token_minutes", "60|40|1440", "10.4", "life of an access token"),
    _number("refresh_token_minutes", "1440|10080", "10.4", "life of a refresh token"),
    _choice("old_refresh_token_dies", "yes|no", "10.4", "whether a refresh spends the refresh token it was made with"),
    _choice("old_access_token_dies", "no|yes", "10.4", "whether a refresh ends the earlier access token"),
    _choice("login_evicts_session", "no|yes", "10.4", "whether a password login ends the user's earlier sessions"),
    _choice("server_case", "exact|any", "10.4", "whether the server name's case counts at login"),
    _choice("bad_login_status", "400|401|403", "10.3", "status of a login with wrong credentials"),
    _choice("dead_refresh_status", "401|400", "10.3", "status of a refresh with a spent or dead token"),
    _choice(
        "host_claim",
        "own|absent|demo|wrong_shard",
        "10.11",
        "the token's host claim; wrong_shard: 403 on /trade",
        refusing="wrong_shard",
    ),
    # Rate limits
    _choice("rate_limits", "enforced|wide|off", "10.5", "observed limits, ten times those (published so), or none"),
    _choice("rate_limit_scope", "account|user|key|ip", "10.5", "who shares a route's limit"),
    _choice("retry_after", "absent|present", "10.3", "whether a JSON 429 has a Retry-After header"),
    _choice("cancel_limit", "modify|place|none", "10.5", "the limit that DELETE of orders and positions counts under"),
    _choice("developer_key", "ignored|wider", "10.5", "whether a developer key gives five times the limits"),
    _choice("edge_limit", "off|on", "3", "an edge that answers 1015 to an address with over 20 requests in a second"),
    _choice("config_limit", "none|GET_ACCOUNTS", "10.5", "the limit that GET /trade/config counts under"),
    _choice("login_limit", "none|one_per_second", "10.5", "whether logins and refreshes are limited"),
    # Panels
    _choice("extra_panel", "no|yes", "10.9", "a panel of the broker's own in /trade/config"),
    _choice("column_order", "reference|shuffled|reversed", "9.5", "order of the columns in every panel"),
    _choice("executions_order", "reference|ids_first", "10.9", "order of the eight columns of the executions"),
    _choice("extra_columns", "none|some", "9.5", "broker's own columns (commission, swap, ...) amid the known ones"),
    _choice(
        "missing_columns",
        "none|history_strategy_id|every_strategy_id|brackets",
        "9.5",
        "columns a broker leaves out",
        refusing="history_strategy_id|every_strategy_id",
    ),
    _choice(
        "number_text", "sampled|plain|one_decimal|two_decimals", "9.5", 'texts of quantities: "10", "10.0", "10.00"'
    ),
    _choice("missing_strategy_id", "sampled|null|empty", "9.5", "cell of an order without a strategyId"),
    _choice(
        "last_modified", "floor|round|exact", "1.3", "lastModified in whole seconds (may precede createdDate) or ms"
    ),
    _choice("history_price", "reference|null", "1.3", "price and stopPrice cells of a filled market order"),
    _choice("bracket_rows_have_position_id", "yes|no", "10.8", "positionId on the rows of a stop loss or take profit"),
    _choice("bracket_row_strategy_id", "missing|copied", "10.8", "strategyId on those rows"),
    _choice(
        "closing_row_strategy_id", "empty|null|copied", "7", "strategyId on the row of an order that closed a position"
    ),
    _choice("trailing_row_type", "shown|absent", "10.1", "stopLossType trailingOffset on the row of a trailing stop"),
    _choice("nb_unit", "ms|s|absent", "5", "unit of nb in a no_data answer"),
    # Statuses
    _choice("status_spelling", "title|upper|lower|american", "10.2", "spelling of every status; american: Canceled"),
    _choice("refused_status", "Rejected|Refused", "10.2", "status of an order refused after it was accepted"),
    _choice("partial_status", "New|PartiallyFilled", "10.2", "status of a working order with a part filled"),
    _choice("ioc_unfilled_status", "Cancelled|Unplaced|Refused", "10.2", "status of an IOC order with no fill"),
    _choice("ioc_partial_status", "Filled|Cancelled", "10.2", "final status of an IOC order filled in part"),
    _choice("sibling_status", "Removed|Cancelled", "10.2", "final status of a stop or target whose position is gone"),
    _choice("sibling_history", "kept|dropped", "10.2", "whether such a row appears in the history at all"),
    # Time and filters
    _number("visibility_lag_ms", "0|700|5000", "10.7", "how late orders, history and positions show what happened"),
    _number(
        "history_lag_ms",
        "0|1500|10000",
        "10.7",
        "how much later a final order shows in ordersHistory (in neither till then)",
    ),
    _choice("date_filter", "created|modified", "10.7", "date that from and to look at"),
    _choice("history_order", "newest_first|oldest_first", "1.2", "order of the rows"),
    _number("history_days", "3650|1", "10.7", "how many days back ordersHistory goes"),
    # Much less than a hundred cannot be traded with: at one request a second a look would outlast a stop's 10 s.
    _number("history_rows", "10000|100", "3", "MAX_ORDERS_COUNT_IN_HISTORY; more rows: the newest, and hasMore"),
    _number(
        "history_bars",
        "100000|20000",
        "3, published test-suite",
        "QUOTES_HISTORY_BARS. The reference page says 20000; the published test-suite asks for every hour since June "
        "2023, which its client refuses to ask at 20000, so the default is larger",
    ),
    # Orders
    _number("strategy_id_max", "32|31", "0.5", "longest strategyId (reference text: 31, client and its tests: 32)"),
    _choice("strategy_id_chars", "any|word", "10.6", "characters of a strategyId; word: A-Z a-z 0-9 _ -"),
    _choice(
        "duplicate_strategy_id", "allowed|refused", "10.6", "a strategyId that an order of the account already has"
    ),
    _choice("position_strategy_query", "ignored|label|filter", "10.6", "what ?strategyId= does on the position routes"),
    _choice("off_tick_price", "refused|rounded", "4", "a price between two ticks"),
    _choice("stop_through_market", "refused|filled", "1.4", "a stop order whose price the market has passed"),
    _choice("offset_unit", "pips|ticks|price", "10.1", "unit of offset and trStopOffset"),
    _choice(
        "trailing_field", "either|trStopOffset|stopLoss", "10.1", "field that holds the distance of a trailing stop"
    ),
    _choice(
        "null_removes_order_bracket", "yes|no|refused", "10.8", "what null for a bracket does in PATCH of an order"
    ),
    _choice(
        "bracket_row_writes", "applied|refused", "10.8", "PATCH or DELETE on the row of a stop loss or take profit"
    ),
    _choice(
        "cancel_all_takes_brackets", "no|yes", "10.8", "whether DELETE .../orders removes positions' stops and targets"
    ),
    _choice("close_without_qty", "all|refused", "1.7", "DELETE of a position whose body has no qty"),
    _choice("close_too_much", "refused|all", "1.7", "closing more than the position holds"),
    _choice(
        "netting_unfilled_position_id", "yes|no", "1.4", "positionId of the held position on an unfilled row (netting)"
    ),
    _number(
        "commission_cents_per_lot", "0|350", "1.3", "commission of one lot and fill; 0: a broker without commission"
    ),
    # Instruments and sessions
    _choice(
        "session_times", "text|minutes|absent", "10.9", "times in a session object: 21:00, minutes of the day, none"
    ),
    _choice("sessions", "always_open|calendar", "4", "whether markets close (weekend, metals' daily break)"),
    _choice(
        "info_routes", "several|one|first_dead", "9.5", "how many INFO routes an instrument has, and whether all live"
    ),
    _choice(
        "eurusd_names",
        "plain|with_x|only_x|only_x_and_r",
        "4",
        "EURUSD, EURUSD.X, EURUSD.R: which of them exist",
        refusing="only_x|only_x_and_r",
    ),
)

BY_NAME: Mapping[str, Switch] = {switch.name: switch for switch in ALL}


class Switches:
    """The values in force. Reading a name that is not in `ALL` is a KeyError, so a misspelt one cannot pass."""

    def __init__(self, values: Mapping[str, object] | None = None) -> None:
        self._values = {switch.name: switch.default for switch in ALL}
        self.set(values or {})

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def on(self, name: str) -> bool:
        """Tell whether a yes/no switch says yes."""
        return self._values[name] == "yes"

    def number(self, name: str) -> int:
        """Return a numeric switch's value."""
        return int(self._values[name])

    def set(self, values: Mapping[str, object]) -> None:
        """Change the named switches, all or none; raise `SwitchError` on an unknown name or value."""
        parsed: dict[str, str] = {}
        for name, value in values.items():
            if name not in BY_NAME:
                raise SwitchError(f"no switch {name!r}")
            parsed[name] = BY_NAME[name].parse(value)
        self._values.update(parsed)

    def reset(self) -> None:
        """Return every switch to its default."""
        self._values = {switch.name: switch.default for switch in ALL}

    def as_dict(self) -> dict[str, str]:
        """Return name and value of every switch."""
        return dict(self._values)
