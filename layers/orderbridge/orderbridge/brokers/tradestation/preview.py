"""What TradeStation says before an order: confirmations, routes, activation triggers."""

from dataclasses import dataclass
from decimal import Decimal

from orderbridge.brokers.tradestation.parse import check_errors
from orderbridge.brokers.tradestation.values import Row, number, objects, rows, text
from orderbridge.errors import BrokerUnavailableError


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What one order would cost. `confirm_id` is TradeStation's suggestion for its `OrderConfirmID`."""

    confirm_id: str
    summary: str
    estimated_price: Decimal | None
    estimated_cost: Decimal | None
    estimated_commission: Decimal | None
    currency: str
    initial_margin: str
    """As TradeStation words it ("10,315.00 USD"); futures only."""


@dataclass(frozen=True, slots=True)
class Route:
    """A route as TradeStation lists it; the id is opaque (one of the documented ones ends in a comma)."""

    id: str
    name: str
    asset_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ActivationTrigger:
    key: str
    name: str
    description: str


def confirmations(body: object) -> tuple[Confirmation, ...]:
    """Give the confirmations of an order and of the orders nested in it; the wrapper may stand in an array."""
    wrappers = body if isinstance(body, list) else [body]
    for wrapper in wrappers:
        check_errors(wrapper)
    found = [_confirmation(row) for wrapper in wrappers for row in rows(wrapper, "Confirmations")]
    if not found:
        raise BrokerUnavailableError("TradeStation: the reply has no confirmation")
    return tuple(found)


def _confirmation(row: Row) -> Confirmation:
    return Confirmation(
        confirm_id=text(row, "OrderConfirmID"),
        summary=text(row, "SummaryMessage"),
        estimated_price=number(row, "EstimatedPrice"),
        estimated_cost=number(row, "EstimatedCost"),
        estimated_commission=number(row, "EstimatedCommission"),
        currency=text(row, "Currency") or text(row, "AccountCurrency") or "USD",
        initial_margin=text(row, "InitialMarginDisplay"),
    )


def routes(body: object) -> tuple[Route, ...]:
    """Give the routes that an order can name."""
    return tuple(
        Route(text(row, "Id"), text(row, "Name"), tuple(str(kind) for kind in row.get("AssetTypes") or ()))
        for row in rows(body, "Routes")
    )


def activation_triggers(body: object) -> tuple[ActivationTrigger, ...]:
    """Give the keys that an activation rule can name."""
    return tuple(
        ActivationTrigger(text(row, "Key"), text(row, "Name"), text(row, "Description").strip())
        for row in objects(body if isinstance(body, dict) else {}, "ActivationTriggers")
    )
