"""An order ticket's form as an order: checked against the instrument before anything is stored. Pure.

Wrong sizes and prices are refused here, in words; nothing is rounded behind a person's back.
"""

from dataclasses import dataclass
from decimal import Decimal

from orderbridge.broker_api.accounts import ORDER_TYPES, TITLES, TYPE_NAMES, TYPES
from orderbridge.broker_api.answers import ShownError
from orderbridge.broker_api.forms import Fields
from orderbridge.brokers.port import Capabilities
from orderbridge.commands import Bracket, Place
from orderbridge.model import Duration, Instrument, OrderType, Side


@dataclass(frozen=True, slots=True)
class Prices:
    """What a form says about prices; None for what it does not give."""

    limit_price: Decimal | None
    stop_price: Decimal | None
    stop_loss: Decimal | None
    take_profit: Decimal | None
    trailing_pips: Decimal | None

    @classmethod
    def read(cls, form: Fields) -> "Prices":
        """Read them. Raises `ShownError`."""
        if form.price("guaranteedStop") is not None:
            raise ShownError("This broker has no guaranteed stops.")
        return cls(
            limit_price=form.price("limitPrice"),
            stop_price=form.price("stopPrice"),
            stop_loss=form.price("stopLoss"),
            take_profit=form.price("takeProfit"),
            trailing_pips=form.price("trailingStopPips"),
        )

    def bracket(self, instrument: Instrument, pip: Decimal, capabilities: Capabilities) -> Bracket:
        """Give the bracket. Raises `ShownError` for one that the broker does not have or that is off the tick."""
        trail = None
        if self.trailing_pips is not None:
            if OrderType.TRAILING_STOP not in capabilities.bracket_types:
                raise ShownError("This broker's trailing stops are not offered here.")
            if self.trailing_pips < 0:
                raise ShownError("trailingStopPips must be more than zero.")
            trail = self.trailing_pips * pip
        stop = None if trail is not None else self.stop_loss
        for name, price in (("Stop loss", stop), ("Take profit", self.take_profit)):
            check_tick(name, price, instrument)
        return Bracket(stop_loss=stop, take_profit=self.take_profit, trail_amount=trail)


def read_order(form: Fields, instrument: Instrument, pip: Decimal, capabilities: Capabilities) -> Place:
    """Give the order that a ticket asks for; whether it opens or closes is decided in the lane.

    Raises `ShownError` with what is wrong.
    """
    kind = _type(form.need("type"), capabilities)
    quantity = form.quantity("qty")
    check_quantity(quantity, instrument)
    prices = Prices.read(form)
    limit = prices.limit_price if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None
    stop = prices.stop_price if kind in (OrderType.STOP, OrderType.STOP_LIMIT) else None
    if limit is None and kind in (OrderType.LIMIT, OrderType.STOP_LIMIT):
        raise ShownError("The limit price is missing.")
    if stop is None and kind in (OrderType.STOP, OrderType.STOP_LIMIT):
        raise ShownError("The stop price is missing.")
    check_tick("Limit price", limit, instrument)
    check_tick("Stop price", stop, instrument)
    side = form.side()
    bracket = prices.bracket(instrument, pip, capabilities)
    reference = limit if limit is not None else stop if stop is not None else form.price(_taken(side))
    check_sides(side, bracket, reference)
    return Place(
        symbol=instrument.symbol,
        side=side,
        quantity=quantity,
        effect="open",
        order_type=kind,
        limit_price=limit,
        stop_price=stop,
        duration=_duration(form, kind, capabilities),
        bracket=bracket if bracket != Bracket() else None,
    )


def _type(name: str, capabilities: Capabilities) -> OrderType:
    kind = TYPES.get(name)
    if kind is None:
        raise ShownError("type must be market, limit, stop or stoplimit.")
    if kind not in capabilities.order_types:
        raise ShownError(f"This broker has no {name} orders.")
    return kind


def _taken(side: Side) -> str:
    return "currentAsk" if side is Side.BUY else "currentBid"


def _duration(form: Fields, kind: OrderType, capabilities: Capabilities) -> Duration:
    name = form.text("durationType")
    check_no_end(form)
    if capabilities.broker == "tradelocker":
        if name and name != Duration.GTC.name:
            raise ShownError("This broker's orders are good till cancelled.")
        return Duration.IOC if kind is OrderType.MARKET else Duration.GTC
    duration = next((one for one in TITLES if one.name == name), None) if name else Duration.DAY
    if duration is None or duration not in capabilities.durations:
        raise ShownError(f"There is no duration {name}.")
    if TYPE_NAMES[kind] not in ORDER_TYPES[duration]:
        raise ShownError(f"{TITLES[duration]} is not possible for {TYPE_NAMES[kind]} orders.")
    return duration


def check_no_end(form: Fields) -> None:
    """Raise `ShownError` for an order that is to end at a given time."""
    if form.number("durationDateTime"):
        raise ShownError("Orders that end at a given time are not offered here.")


def check_quantity(quantity: Decimal, instrument: Instrument) -> None:
    """Raise `ShownError` for a quantity that the instrument does not have."""
    if quantity < instrument.min_quantity:
        raise ShownError(f"The smallest quantity of {instrument.symbol} is {instrument.min_quantity}.")
    if instrument.max_quantity is not None and quantity > instrument.max_quantity:
        raise ShownError(f"The largest quantity of {instrument.symbol} is {instrument.max_quantity}.")
    if quantity % instrument.quantity_step:
        raise ShownError(f"The quantity of {instrument.symbol} goes in steps of {instrument.quantity_step}.")


def check_tick(name: str, price: Decimal | None, instrument: Instrument) -> None:
    """Raise `ShownError` for a price between two ticks."""
    if price is not None and price % instrument.tick_at(price):
        raise ShownError(f"{name} {price} is not a multiple of {instrument.tick_at(price)}.")


def check_sides(side: Side, bracket: Bracket, reference: Decimal | None) -> None:
    """Raise `ShownError` for a stop or target on the wrong side of the price that the order is for."""
    if reference is None:
        return
    if bracket.stop_loss is not None and (bracket.stop_loss - reference) * side.sign >= 0:
        raise ShownError(f"The stop loss must be {'below' if side is Side.BUY else 'above'} the price.")
    if bracket.take_profit is not None and (bracket.take_profit - reference) * side.sign <= 0:
        raise ShownError(f"The take profit must be {'above' if side is Side.BUY else 'below'} the price.")
