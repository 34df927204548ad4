"""Prices and flags of every symbol: what is bid, asked and was last traded."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from sandbox.simserver import ControlError
from sandbox.tradestation.instruments import LISTED, Instrument, find


@dataclass(frozen=True, slots=True)
class Quote:
    """The state of one symbol."""

    bid: Decimal
    ask: Decimal
    last: Decimal
    at_ms: int = 0
    halted: bool = False
    hard_to_borrow: bool = False
    delayed: bool = False

    def touch(self, sign: int) -> Decimal:
        """Give the price at which an order that buys (1) or sells (-1) fills at once."""
        return self.ask if sign > 0 else self.bid


_FLAGS = {"halted", "hard_to_borrow", "delayed"}


class Market:
    """Quotes by symbol; a continuous future shows those of its front contract."""

    def __init__(self) -> None:
        self._quotes: dict[str, Quote] = {}
        self._fronts: dict[str, str] = {}
        self.reset()

    def reset(self) -> None:
        """Go back to the prices at start."""
        self._quotes = {name: _around(instrument, instrument.price) for name, instrument in LISTED.items()}
        self._fronts = {name: instrument.underlying for name, instrument in LISTED.items() if name.startswith("@")}

    def front(self, instrument: Instrument) -> Instrument:
        """Give the contract that an instrument's prices come from: itself, unless it is continuous."""
        return LISTED[self._fronts[instrument.symbol]] if instrument.symbol in self._fronts else instrument

    def quote(self, instrument: Instrument) -> Quote:
        """Give the quote of an instrument."""
        source = self.front(instrument)
        return self._quotes.get(source.symbol) or _around(source, source.price)

    def move(self, symbol: str, given: object, now_ms: int) -> Instrument:
        """Set a symbol's price and give the instrument that moved. Raises `ControlError`.

        `given` is the last price (bid and ask are then one increment around it), or an object with any of bid, ask,
        last, halted, hard_to_borrow, delayed; for a continuous future also front (a contract).
        """
        instrument = find(symbol)
        if instrument is None:
            raise ControlError(f"unknown symbol {symbol!r}", symbols=sorted(LISTED))
        fields = dict(given) if isinstance(given, Mapping) else {"last": given}
        self._set_front(instrument, fields)
        source = self.front(instrument)
        self._quotes[source.symbol] = replace(_changed(source, self.quote(source), fields), at_ms=now_ms)
        return source

    def _set_front(self, instrument: Instrument, fields: dict[str, object]) -> None:
        front = fields.pop("front", None)
        if front is None:
            return
        contract = LISTED.get(str(front))
        if instrument.symbol not in self._fronts or contract is None or contract.root != instrument.root:
            raise ControlError(f"{front!r} cannot be the front contract of {instrument.symbol}")
        self._fronts[instrument.symbol] = contract.symbol


def _changed(instrument: Instrument, quote: Quote, fields: Mapping[str, object]) -> Quote:
    unknown = set(fields) - _FLAGS - {"bid", "ask", "last"}
    if unknown:
        raise ControlError(f"unknown price fields {sorted(unknown)}", allowed=["bid", "ask", "last", *sorted(_FLAGS)])
    prices = {name: _price(fields[name]) for name in ("bid", "ask", "last") if name in fields}
    if set(prices) == {"last"}:
        around = _around(instrument, prices["last"])
        prices |= {"bid": around.bid, "ask": around.ask}
    elif prices and "last" not in prices:
        prices["last"] = prices.get("bid", quote.bid)
    bid, ask = prices.get("bid", quote.bid), prices.get("ask", quote.ask)
    if bid > ask:
        raise ControlError("the bid is above the ask")
    return Quote(
        bid,
        ask,
        prices.get("last", quote.last),
        halted=bool(fields.get("halted", quote.halted)),
        hard_to_borrow=bool(fields.get("hard_to_borrow", quote.hard_to_borrow)),
        delayed=bool(fields.get("delayed", quote.delayed)),
    )


def _price(value: object) -> Decimal:
    try:
        price = Decimal(str(value))
    except InvalidOperation as error:
        raise ControlError(f"{value!r} is not a price") from error
    if not price.is_finite():
        raise ControlError(f"{value!r} is not a price")
    return price


def _around(instrument: Instrument, last: Decimal) -> Quote:
    return Quote(last - instrument.increment, last + instrument.increment, last)
