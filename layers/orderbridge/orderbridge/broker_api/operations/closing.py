"""Changing and closing positions, in each form in which they are listed.

Every press names the position that the person saw, with its side and the broker's own id: one that has been closed
meanwhile, or turned around, is refused, also where another was opened since. So no press opens what was meant to be
closed, and none is for what nobody has seen.
"""

from orderbridge.broker_api.answers import ShownError
from orderbridge.broker_api.ids import position_id_of
from orderbridge.broker_api.models import TransactionModel
from orderbridge.broker_api.operations.call import Call
from orderbridge.broker_api.operations.positions import NETTED
from orderbridge.broker_api.operations.trading import Trading
from orderbridge.broker_api.ports import Backstage
from orderbridge.broker_api.prices import pip_size
from orderbridge.broker_api.reading import Reader
from orderbridge.broker_api.tickets import Prices, check_quantity, check_sides
from orderbridge.execution import wishes
from orderbridge.model import Position, PositionMode, Side


class Closing:
    """Writes to positions."""

    def __init__(self, stage: Backstage, reader: Reader, trading: Trading) -> None:
        self._stage = stage
        self._reader = reader
        self._trading = trading

    def modify(self, call: Call) -> TransactionModel:
        """Set the stop and target of a position; what is not given is removed. With a side, turn it around."""
        position = self._position(call, call.id("positionId"))
        if call.form.text("side"):
            return self._reverse(call, position)
        return self._protect(call, position)

    def modify_individual(self, call: Call) -> TransactionModel:
        """The same for one of several positions of a symbol."""
        self._hedging_only(call)
        return self._protect(call, self._position(call, call.id("individualPositionId")))

    def close(self, call: Call) -> TransactionModel:
        """Close a position, or the amount that the form names."""
        return self._close(call, call.id("positionId"))

    def close_individual(self, call: Call) -> TransactionModel:
        """The same for one of several positions of a symbol."""
        self._hedging_only(call)
        return self._close(call, call.id("individualPositionId"))

    def close_net(self, call: Call) -> TransactionModel:
        """Close every position of a symbol, long and short."""
        self._hedging_only(call)
        symbol = call.id("netPositionId")
        book = self._reader.now(call.account, call.deadline)
        if not any(position.symbol == symbol for position in book.positions):
            raise ShownError("There is no such position.")
        return self._trading.changed(call, wishes.CloseSymbol(symbol), symbol)

    # ---- one position

    def _close(self, call: Call, shown: str) -> TransactionModel:
        position = self._position(call, shown)
        amount = call.form.number("amount")
        if amount is not None:
            amount = call.form.quantity("amount")
            if amount > position.quantity:
                raise ShownError(f"The position has only {position.quantity}.")
            if amount < position.quantity:
                check_quantity(amount, self._trading.tradable(call, position.symbol))
        wish = wishes.ClosePosition(position.id, position.symbol, position.side, amount, position.native_id)
        return self._trading.changed(call, wish, position.symbol)

    def _reverse(self, call: Call, position: Position) -> TransactionModel:
        if call.account.position_mode is PositionMode.HEDGING:
            raise ShownError("A position of this account cannot be turned around. Close it and open another.")
        if call.form.side() is position.side:
            raise ShownError("The position is on that side already.")
        wish = wishes.ReversePosition(position.id, position.symbol, position.side, position.native_id)
        return self._trading.changed(call, wish, position.symbol)

    def _protect(self, call: Call, position: Position) -> TransactionModel:
        instrument = self._trading.tradable(call, position.symbol)
        listed = self._stage.settings().find(call.account.broker, position.symbol)
        pip = pip_size(instrument, listed, position.average_price)
        capabilities = self._stage.desk(call.account).broker.capabilities
        bracket = Prices.read(call.form).bracket(instrument, pip, capabilities)
        leaving = "currentBid" if position.side is Side.BUY else "currentAsk"
        check_sides(position.side, bracket, call.form.price(leaving))
        wish = wishes.ProtectPosition(position.id, position.symbol, position.side, bracket, position.native_id)
        return self._trading.changed(call, wish, position.symbol)

    def _position(self, call: Call, shown: str) -> Position:
        """Give the position that is listed under an id. Raises `ShownError`."""
        book = self._reader.now(call.account, call.deadline)
        if book.flight == 0:
            book = self._reader.book(call.account, call.deadline)
        found = (p for p in book.positions if position_id_of(p, call.account) == shown)
        position = next(found, None)
        if position is None:
            raise ShownError("This position is closed already.")
        return position

    def _hedging_only(self, call: Call) -> None:
        if call.account.position_mode is not PositionMode.HEDGING:
            raise ShownError(NETTED)
