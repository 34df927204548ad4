"""What an account can do, as TradingView's flags and durations; what its broker cannot do is off."""

from collections.abc import Iterable

from orderbridge.broker_api.models import AccountModel, DurationModel, OrderTypeName
from orderbridge.brokers.port import Capabilities
from orderbridge.model import Duration, OrderType, PositionMode
from orderbridge.strategy.settings import AccountSettings

SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CHF": "Fr.", "AUD": "A$", "CAD": "C$", "NZD": "NZ$"}
TITLES: dict[Duration, str] = {
    Duration.DAY: "Day",
    Duration.GTC: "Good till cancelled",
    Duration.DAY_EXT: "Day, extended hours",
    Duration.GTC_EXT: "Good till cancelled, extended hours",
    Duration.IOC: "Immediate or cancel",
    Duration.FOK: "Fill or kill",
    Duration.OPG: "At the opening",
    Duration.CLS: "At the close",
}
_EXTENDED: tuple[OrderTypeName, ...] = ("limit",)
_AT_A_MOMENT: tuple[OrderTypeName, ...] = ("market", "limit")
_EVERY: tuple[OrderTypeName, ...] = ("market", "limit", "stop", "stoplimit")
ORDER_TYPES: dict[Duration, tuple[OrderTypeName, ...]] = {
    Duration.DAY: _EVERY,
    Duration.GTC: _EVERY,
    Duration.DAY_EXT: _EXTENDED,
    Duration.GTC_EXT: _EXTENDED,
    Duration.IOC: _AT_A_MOMENT,
    Duration.FOK: _AT_A_MOMENT,
    Duration.OPG: _AT_A_MOMENT,
    Duration.CLS: _AT_A_MOMENT,
}
"""Outside regular hours TradeStation takes limit orders only."""
TYPE_NAMES: dict[OrderType, OrderTypeName] = {
    OrderType.MARKET: "market",
    OrderType.LIMIT: "limit",
    OrderType.STOP: "stop",
    OrderType.STOP_LIMIT: "stoplimit",
    OrderType.TRAILING_STOP: "stop",
}
TYPES: dict[str, OrderType] = {
    "market": OrderType.MARKET,
    "limit": OrderType.LIMIT,
    "stop": OrderType.STOP,
    "stoplimit": OrderType.STOP_LIMIT,
}


def flags_of(account: AccountSettings, capabilities: Capabilities) -> dict[str, bool]:
    """Give every flag that differs from its default or that matters, explicitly."""
    netting = account.position_mode is PositionMode.NETTING
    types = capabilities.order_types
    return {
        "supportOrderBrackets": capabilities.entry_bracket,
        "supportMarketBrackets": capabilities.entry_bracket,
        "supportAddBracketsToExistingOrder": capabilities.position_bracket,
        "supportPositionBrackets": True,
        "supportPositions": True,
        "supportMultiposition": not netting,
        "supportClosePosition": True,
        "supportPartialClosePosition": True,
        # Native: the position is named, so that a press on Reverse that comes after its stop opens nothing.
        "supportReversePosition": netting,
        "supportNativeReversePosition": netting,
        "supportMarketOrders": OrderType.MARKET in types,
        "supportLimitOrders": OrderType.LIMIT in types,
        "supportStopOrders": OrderType.STOP in types,
        "supportStopLimitOrders": OrderType.STOP_LIMIT in types,
        "supportStopLoss": OrderType.STOP in capabilities.bracket_types,
        "supportTrailingStop": OrderType.TRAILING_STOP in capabilities.bracket_types,
        "supportGuaranteedStop": False,
        "supportPartialOrderExecution": True,
        "supportModifyOrderPrice": capabilities.replace,
        "supportEditAmount": capabilities.replace,
        "supportModifyBrackets": True,
        "supportModifyDuration": False,
        "supportCryptoExchangeOrderTicket": False,
        "supportDigitalSignature": False,
        "supportPlaceOrderPreview": capabilities.broker == "tradestation",
        "supportModifyOrderPreview": False,
        "showQuantityInsteadOfAmount": True,
        "supportBalances": False,
        "supportLeverage": False,
        "supportLeverageButton": False,
        "supportDOM": capabilities.broker == "tradelocker",
        "supportLevel2Data": capabilities.broker == "tradelocker",
        "supportPLUpdate": True,
        "supportDisplayBrokerNameInSymbolSearch": True,
        "supportLogout": True,
        "supportCustomAccountSummaryRow": True,
        "supportPositionCustomFields": False,
        "supportOrderCustomFields": False,
        "supportOrderHistoryCustomFields": False,
        "supportTrackLatency": True,
        "supportPositionNetting": False,
        "supportIndividualPositionBrackets": not netting,
        "supportPartialCloseIndividualPosition": not netting,
        "supportCloseIndividualPosition": not netting,
        "supportRiskControlsAndInfo": True,
        "supportCustomOrderInfo": False,
    }


def durations_of(capabilities: Capabilities) -> list[DurationModel]:
    """Give the durations that can be chosen, the usual one first."""
    lasting = [d for d in TITLES if d in capabilities.durations]
    if capabilities.broker == "tradelocker":
        lasting = [Duration.GTC]  # market orders have none to choose: what does not fill at once is dropped
    return [_duration(d, capabilities, default=d is lasting[0]) for d in lasting]


def _duration(duration: Duration, capabilities: Capabilities, *, default: bool) -> DurationModel:
    model: DurationModel = {
        "id": duration.name,
        "title": TITLES[duration],
        "supportedOrderTypes": list(_possible(ORDER_TYPES[duration], capabilities)),
    }
    if default:
        model["default"] = True
    return model


def _possible(names: Iterable[OrderTypeName], capabilities: Capabilities) -> Iterable[OrderTypeName]:
    market = capabilities.broker != "tradelocker"
    return (name for name in names if TYPES[name] in capabilities.order_types and (market or name != "market"))


def account_model(account: AccountSettings, capabilities: Capabilities) -> AccountModel:
    """Give one account of the list."""
    model: AccountModel = {
        "id": account.name,
        "name": account.name,
        "type": "live" if account.environment == "live" else "demo",
        "currency": account.currency,
        "config": flags_of(account, capabilities),
        "durations": durations_of(capabilities),
    }
    if account.currency in SIGNS:
        model["currencySign"] = SIGNS[account.currency]
    return model
