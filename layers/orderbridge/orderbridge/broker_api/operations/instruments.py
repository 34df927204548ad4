"""/instruments: what the account can trade, with sizes, steps and what a pip is worth."""

from orderbridge.broker_api.answers import ShownError
from orderbridge.broker_api.models import InstrumentModel
from orderbridge.broker_api.operations.call import Call
from orderbridge.broker_api.ports import Backstage
from orderbridge.broker_api.prices import instrument_model
from orderbridge.broker_api.reading import RATE_MS, Reader
from orderbridge.errors import BrokerReadError
from orderbridge.model import Instrument
from orderbridge.strategy.settings import AccountSettings


class Instruments:
    """The account's instruments."""

    def __init__(self, stage: Backstage, reader: Reader) -> None:
        self._stage = stage
        self._reader = reader

    def get(self, call: Call) -> list[InstrumentModel]:
        """Give the instruments that are set for the panel and those that are held or worked.

        One whose currency cannot be turned into the account's is left out: its pip value would be a guess.
        """
        account = call.account
        settings = self._stage.settings()
        symbols = [one.symbol for one in settings.listed(account.broker)]
        symbols += self._in_use(call)
        try:
            found = self._reader.instruments(account, symbols, call.deadline)
        except BrokerReadError:
            raise ShownError("The broker's instruments cannot be read just now.") from None
        tradable = {symbol: one for symbol, one in found.items() if suits(account, one)}
        quotes = self._reader.quotes(
            account, [s for s, one in tradable.items() if len(one.price_steps) > 1], call.deadline, RATE_MS
        )
        rates = {c: self._reader.rate(account, c, call.deadline) for c in {one.currency for one in tradable.values()}}
        models: list[InstrumentModel] = []
        for symbol, instrument in tradable.items():
            rate = rates[instrument.currency]
            price = quotes[symbol].value.reference if symbol in quotes else None
            if rate is not None:
                listed = settings.find(account.broker, symbol)
                lots = account.broker == "tradelocker"
                models.append(instrument_model(instrument, listed, rate, price, lots=lots))
        return models

    def _in_use(self, call: Call) -> list[str]:
        try:
            book = self._reader.book(call.account, call.deadline)
        except BrokerReadError:
            return []
        working = (order.symbol for order in book.orders.values() if not order.status.final)
        return sorted({*working, *(position.symbol for position in book.positions)})


def suits(account: AccountSettings, instrument: Instrument) -> bool:
    """Tell whether the account can hold the instrument: TradeStation's futures accounts hold futures, others do not."""
    if account.broker == "tradelocker":
        return instrument.tradable
    futures = account.kind.casefold() == "futures"
    return instrument.tradable and futures is (instrument.asset_type == "future")
