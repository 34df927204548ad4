"""Pips and what they are worth, ticks, and how an instrument is described. Pure.

A pip is the tick, except for currencies whose last digit is a tenth of a pip. Its value is that of one pip of ONE unit
of quantity (at TradeLocker: one lot) in the account's currency, so that quantity x pips x value is the profit.
"""

from decimal import Decimal

from orderbridge.broker_api.answers import number
from orderbridge.broker_api.models import InstrumentModel
from orderbridge.broker_api.settings import Listed
from orderbridge.model import Instrument, PriceStep

TYPES = {
    "stock": "stock",
    "future": "futures",
    "forex": "forex",
    "cfd": "cfd",
    "index": "index",
    "crypto": "crypto",
    "option": "option",
    "unknown": "cfd",
}
_FRACTIONAL_PIP = frozenset({Decimal("0.00001"), Decimal("0.001")})
"""Ticks of currency pairs with a digit behind the pip."""


def tick_size(instrument: Instrument, price: Decimal | None) -> Decimal:
    """Give the price step at the present price; without one, that of the highest prices."""
    if price is None:
        return instrument.price_steps[-1].tick
    return instrument.tick_at(price)


def pip_size(instrument: Instrument, listed: Listed, price: Decimal | None = None) -> Decimal:
    """Give the size of a pip: as the operator has set it, else by the rule above."""
    if listed.pip_size is not None:
        return listed.pip_size
    tick = tick_size(instrument, price)
    return tick * 10 if instrument.asset_type == "forex" and tick in _FRACTIONAL_PIP else tick


def pip_value(instrument: Instrument, pip: Decimal, rate: Decimal) -> Decimal:
    """Give what a pip of one unit of quantity is worth; `rate` turns the instrument's currency into the account's."""
    return pip * instrument.units_per_quantity * rate


def instrument_model(
    instrument: Instrument, listed: Listed, rate: Decimal, price: Decimal | None, *, lots: bool
) -> InstrumentModel:
    """Give an instrument as the order ticket needs it; quantities are in the broker's own unit."""
    pip = pip_size(instrument, listed, price)
    model: InstrumentModel = {
        "name": instrument.symbol,
        "description": instrument.description or instrument.symbol,
        "minQty": number(instrument.min_quantity),
        "qtyStep": number(instrument.quantity_step),
        "pipSize": number(pip),
        "pipValue": number(pip_value(instrument, pip, rate)),
        "minTick": number(tick_size(instrument, price)),
        "type": listed.type or TYPES[instrument.asset_type],
    }
    if instrument.max_quantity is not None:
        model["maxQty"] = number(instrument.max_quantity)
    if lots:
        model["units"] = "Lots"
    elif instrument.asset_type == "stock":
        model["units"] = "Shares"
    elif instrument.asset_type in ("future", "option"):
        model["units"] = "Contracts"
    if len(instrument.price_steps) > 1:
        model["variableMinTick"] = variable_tick(instrument.price_steps)
    if instrument.asset_type in ("cfd", "crypto"):
        model["typespecs"] = instrument.asset_type
    return model


def variable_tick(steps: tuple[PriceStep, ...]) -> str:
    """Give the steps in TradingView's form: `tick price tick price tick`."""
    parts = [_plain(steps[0].tick)]
    for step in steps[1:]:
        parts += [_plain(step.from_price or Decimal(0)), _plain(step.tick)]
    return " ".join(parts)


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
