"""/positions, /netPositions, /individualPositions: what is held.

A TradeLocker account that hedges lists each position by itself (`supportMultiposition`); net and individual positions
are the same holdings in the other form, for a panel that asks for them. Where fills net, there is one form only.
"""

from collections import defaultdict
from decimal import Decimal
from typing import TypeVar

from orderbridge.broker_api.answers import ShownError, number
from orderbridge.broker_api.book import PanelBook
from orderbridge.broker_api.ids import position_id_of
from orderbridge.broker_api.models import IndividualPositionModel, Message, NetPositionModel, PositionModel
from orderbridge.broker_api.operations.call import Call
from orderbridge.broker_api.operations.outage import warning_of
from orderbridge.broker_api.reading import Reader
from orderbridge.model import Position, PositionMode
from orderbridge.strategy.settings import AccountSettings

NETTED = "Positions of this account are netted by the broker already."
ZERO = Decimal(0)
OneModel = TypeVar("OneModel", PositionModel, IndividualPositionModel)


class Positions:
    """The account's positions."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def get(self, call: Call) -> list[PositionModel]:
        """Give the open positions."""
        book, warning = self._book(call)
        return [position_model(position, call.account, warning) for position in book.positions]

    def net(self, call: Call) -> list[NetPositionModel]:
        """Give one position for each symbol, long and short added up."""
        _hedging_only(call.account)
        book, warning = self._book(call)
        by_symbol: defaultdict[str, list[Position]] = defaultdict(list)
        for position in book.positions:
            by_symbol[position.symbol].append(position)
        return [_net(symbol, positions, warning) for symbol, positions in sorted(by_symbol.items())]

    def individual(self, call: Call) -> list[IndividualPositionModel]:
        """Give each position with its opening time."""
        _hedging_only(call.account)
        book, warning = self._book(call)
        return [_individual(position, warning) for position in book.positions]

    def _book(self, call: Call) -> tuple[PanelBook, Message | None]:
        book = self._reader.book(call.account, call.deadline)
        return book, warning_of(call.account, self._reader.stale_since_ms(book.looked_at_ms))


def position_model(position: Position, account: AccountSettings, warning: Message | None) -> PositionModel:
    """Give a position as it is listed; TradeStation's simulator sometimes leaves out the average price."""
    model: PositionModel = {
        "id": position_id_of(position, account),
        "instrument": position.symbol,
        "qty": number(position.quantity),
        "side": position.side.value,
        "avgPrice": number(position.average_price or ZERO),
    }
    return _completed(model, position, warning)


def _completed(model: OneModel, position: Position, warning: Message | None) -> OneModel:
    """Add what is not always there."""
    if position.unrealized_pl is not None:
        model["unrealizedPl"] = number(position.unrealized_pl)
    if warning is not None:
        model["message"] = warning
    return model


def _net(symbol: str, positions: list[Position], warning: Message | None) -> NetPositionModel:
    longs = sum((p.quantity for p in positions if p.signed > 0), ZERO)
    shorts = sum((p.quantity for p in positions if p.signed < 0), ZERO)
    model: NetPositionModel = {
        "id": symbol,
        "instrument": symbol,
        "qty": number(longs - shorts),
        "longQty": number(longs),
        "shortQty": number(shorts),
    }
    heavier = [p for p in positions if p.signed * (longs - shorts) > 0 and p.average_price is not None]
    weight = sum((p.quantity for p in heavier), ZERO)
    if weight:
        paid = sum((p.quantity * (p.average_price or ZERO) for p in heavier), ZERO)
        model["avgPrice"] = number(round(paid / weight, 8))
    if warning is not None:
        model["message"] = warning
    return model


def _individual(position: Position, warning: Message | None) -> IndividualPositionModel:
    model: IndividualPositionModel = {
        "id": position.id,
        "instrument": position.symbol,
        "date": str(position.opened_at_ms),
        "qty": number(position.quantity),
        "side": position.side.value,
        "price": number(position.average_price or ZERO),
    }
    return _completed(model, position, warning)


def _hedging_only(account: AccountSettings) -> None:
    if account.position_mode is not PositionMode.HEDGING:
        raise ShownError(NETTED)
