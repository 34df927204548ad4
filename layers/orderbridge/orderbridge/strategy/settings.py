"""Settings as the running bridge reads them: validated by the command line, stored as JSON, trusted here.

Pure and lean: the alert receiver imports this. `orderbridge.cli.schema` is where a person's YAML is checked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from orderbridge.model import PositionMode

Mode = Literal["off", "sim", "live"]
"""off: alerts are stored and answered, nothing is sent. sim: only simulated or demo accounts. live: real money."""


@dataclass(frozen=True, slots=True)
class AccountRoute:
    """One account that a strategy trades."""

    account: str
    multiplier: Decimal = Decimal(1)
    """Applied to the target, never to a difference."""
    fixed_quantity: Decimal | None = None
    """Size of every entry, whatever the alert says: in the strategy's unit, without the multiplier."""
    symbols: Mapping[str, str] = field(default_factory=dict)
    """Alert symbol -> broker symbol for this account; wins over the strategy's own map."""


@dataclass(frozen=True, slots=True)
class StrategySettings:
    name: str
    version: int
    accounts: tuple[AccountRoute, ...]
    mode: Mode = "sim"
    key_hashes: tuple[str, ...] = ()
    """SHA-256 of the one or two valid keys, hexadecimal."""
    action_means: Literal["side", "order"] = "side"
    allowed_actions: tuple[str, ...] = ("buy", "sell", "add", "exit", "cancel")
    symbol: str = ""
    """The symbol of alerts that name none."""
    symbols: Mapping[str, str] = field(default_factory=dict)
    trades: tuple[str, ...] = ()
    """Roots (`canonical_root`) that the strategy may trade: an alert for another one is refused. Empty: any."""
    quantity_unit: Literal["lots", "units"] | None = None
    """Unit of the alert's quantity; required for TradeLocker accounts."""
    pyramiding: int = 1
    """Entries allowed in one direction, as in TradingView's strategy properties."""
    catch_up: bool = False
    on_foreign_position: Literal["ignore", "adopt", "halt"] = "ignore"
    shares_symbol: bool = False
    on_stop_refused: Literal["close", "keep"] = "close"
    entry_max_age_ms: int = 30_000
    exit_max_age_ms: int | None = None
    """None: an exit expires only by being superseded."""
    identity_field: str = ""
    max_quantity: Decimal | None = None
    """In the strategy's own unit, before any multiplier."""
    max_notional: Decimal | None = None
    """In the instrument's currency; None where a person has lifted it (the command line writes a default)."""
    unknown: tuple[str, ...] = ()
    """Stored fields that this release passed over, since a newer one has written them: found while reading."""


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """One broker account of the user."""

    name: str
    broker: Literal["tradestation", "tradelocker"]
    environment: Literal["sim", "live"]
    """`sim` is TradeStation's simulator or a TradeLocker demo server."""
    connection: str
    """Name of the login whose tokens it uses (a secret below the stack's prefix)."""
    broker_account_id: str
    """TradeStation: AccountID. TradeLocker: the account's `id` (not accNum)."""
    position_mode: PositionMode
    base_url: str
    """The API's base, checked against the list of allowed hosts before every connection."""
    auth_url: str = ""
    account_number: str = ""
    """TradeLocker: accNum."""
    currency: str = "USD"
    kind: str = ""
    live_confirmed_at_ms: int | None = None
    """When a person typed `orderbridge live ACCOUNT`; without it no live order is sent."""
    unknown: tuple[str, ...] = ()
    """As in `StrategySettings`."""
