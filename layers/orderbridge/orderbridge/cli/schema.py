"""The shape of `orderbridge.yaml`, in the field's words. What the parts mean together is checked in `rules`.

Every field has the name and meaning of its twin in `orderbridge.strategy.settings`; `docs/settings.md` explains them.
"""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from orderbridge.broker_api.settings import SymbolType
from orderbridge.cli.fields import (
    AboveZero,
    Count,
    DurationMs,
    DurationOrNever,
    Name,
    Notional,
    Text,
    TradingViewName,
    YesNo,
)

DEFAULT_MAX_NOTIONAL = Decimal(250_000)
"""In the instrument's currency: a slip of the keyboard is stopped, one contract of most futures passes."""

Action = Literal["buy", "sell", "add", "exit", "cancel"]


class Part(BaseModel):
    """A mapping of the file: a key that is not known is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Account(Part):
    """One broker account."""

    broker: Literal["tradestation", "tradelocker"]
    environment: Literal["sim", "demo", "live"]
    connection: Name
    account_id: Text
    position_mode: Literal["netting", "hedging"]
    account_number: Text = ""
    kind: Literal["", "cash", "margin", "futures", "dvp"] = ""
    currency: Text = "USD"
    base_url: Text = ""
    auth_url: Text = ""


class Route(Part):
    """One account that a strategy trades."""

    account: Name
    multiplier: AboveZero = Decimal(1)
    fixed_quantity: AboveZero | None = None
    symbols: dict[Text, Text] = Field(default_factory=dict)


def _named_or_described(value: Any) -> Any:
    return {"account": value} if isinstance(value, str) else value


class Strategy(Part):
    """What one alert URL may do."""

    accounts: list[Annotated[Route, BeforeValidator(_named_or_described)]] = Field(min_length=1)
    mode: Literal["off", "sim", "live"] = "sim"
    action_means: Literal["side", "order"] = "side"
    allowed_actions: list[Action] = Field(default=["buy", "sell", "add", "exit", "cancel"], min_length=1)
    symbol: Text = ""
    symbols: dict[Text, Text] = Field(default_factory=dict)
    trades: list[Text] = Field(default_factory=list)
    quantity_unit: Literal["lots", "units"] | None = None
    pyramiding: Count = 1
    catch_up: YesNo = False
    on_foreign_position: Literal["ignore", "adopt", "halt"] = "ignore"
    shares_symbol: YesNo = False
    on_stop_refused: Literal["close", "keep"] = "close"
    entry_max_age: DurationMs = 30_000
    exit_max_age: DurationOrNever = None
    identity_field: Text = ""
    max_quantity: AboveZero | None = None
    max_notional: Notional = DEFAULT_MAX_NOTIONAL


class PanelInstrument(Part):
    """One instrument of the panel."""

    tradingview: TradingViewName = ""
    type: SymbolType | Literal[""] = ""
    pip_size: AboveZero | None = None
    exchange: Text = ""
    timezone: Text = ""
    session: Text = ""


def _named_at_tradingview(value: Any) -> Any:
    if value is None:
        return {}
    return {"tradingview": value} if isinstance(value, str) else value


Instruments = dict[Text, Annotated[PanelInstrument, BeforeValidator(_named_at_tradingview)]]


class Panel(Part):
    """What TradingView's broker panel shows, by broker."""

    tradestation: Instruments = Field(default_factory=dict)
    tradelocker: Instruments = Field(default_factory=dict)


class SettingsFile(Part):
    """The whole file."""

    accounts: dict[Name, Account] = Field(min_length=1)
    strategies: dict[Name, Strategy] = Field(default_factory=dict)
    panel: Panel = Panel()
