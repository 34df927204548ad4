"""/quotes and /depth: prices of the user's own broker login, for nobody else."""

from decimal import Decimal

from orderbridge.broker_api.answers import ShownError, number
from orderbridge.broker_api.models import DepthModel, QuoteModel, QuoteValues
from orderbridge.broker_api.operations.call import Call
from orderbridge.broker_api.ports import Backstage, HasDepth
from orderbridge.broker_api.prices import pip_size, pip_value
from orderbridge.broker_api.reading import Reader
from orderbridge.broker_api.snapshots import Seen
from orderbridge.errors import BrokerReadError, NotSupportedError
from orderbridge.model import Instrument, Quote

MOST_SYMBOLS = 50


class Market:
    """Current prices."""

    def __init__(self, stage: Backstage, reader: Reader) -> None:
        self._stage = stage
        self._reader = reader

    def quotes(self, call: Call) -> list[QuoteModel]:
        """Give a quote for each symbol that is asked for, under the very name that was asked for.

        What is not live is marked as an error and halted, whatever price goes with it.
        """
        names = [name.strip() for name in _texts(call.query.long_text("symbols")) if name.strip()]
        if not names:
            raise ShownError("symbols is missing.")
        if len(names) > MOST_SYMBOLS:
            raise ShownError(f"At most {MOST_SYMBOLS} symbols can be asked for.")
        seen = self._reader.quotes(call.account, names, call.deadline)
        instruments = self._instruments(call, [name for name in names if name in seen])
        return [self._model(call, name, seen.get(name), instruments.get(name)) for name in dict.fromkeys(names)]

    def _instruments(self, call: Call, symbols: list[str]) -> dict[str, Instrument]:
        try:
            return self._reader.instruments(call.account, symbols, call.deadline)
        except BrokerReadError:
            return {}

    def _model(self, call: Call, name: str, seen: Seen[Quote] | None, instrument: Instrument | None) -> QuoteModel:
        quote = seen.value if seen is not None else None
        bid, ask = (quote.bid, quote.ask) if quote is not None else (None, None)
        live = seen is not None and self._reader.is_live(seen) and bid is not None and ask is not None
        fallback = quote.last if quote is not None else None
        values: QuoteValues = {
            "ask": number(ask or fallback or bid or Decimal(0)),
            "bid": number(bid or fallback or ask or Decimal(0)),
        }
        if not live:
            values["halted"] = True
            return {"s": "error", "n": name, "v": values}
        if quote is not None and quote.halted:
            values["halted"] = True
        rate = self._reader.rate(call.account, instrument.currency, call.deadline) if instrument is not None else None
        if instrument is not None and rate is not None:
            listed = self._stage.settings().find(call.account.broker, name)
            value = number(pip_value(instrument, pip_size(instrument, listed, bid), rate))
            values["buyPipValue"] = values["sellPipValue"] = value
        return {"s": "ok", "n": name, "v": values}

    def depth(self, call: Call) -> DepthModel:
        """Give the order book, both sides ascending by price."""
        symbol = call.query.need("symbol")
        broker = self._stage.desk(call.account).broker
        if not isinstance(broker, HasDepth):
            raise ShownError("This broker's order book needs a subscription of its own and is not served.")
        try:
            levels = self._reader.depth(call.account, broker, symbol, call.deadline)
        except NotSupportedError:
            raise ShownError(f"{symbol} has no order book.") from None
        except BrokerReadError:
            return {"asks": [], "bids": []}  # an empty book is the truth: nothing is known that is live
        return {"asks": _sorted(levels.asks), "bids": _sorted(levels.bids)}


def _texts(text: str) -> list[str]:
    return text.split(",")


def _sorted(levels: tuple[tuple[Decimal, Decimal], ...]) -> list[list[int | float]]:
    return [[number(price), number(size)] for price, size in sorted(levels)]
