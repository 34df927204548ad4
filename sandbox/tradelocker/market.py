"""Current quotes, whether an instrument trades now, and what a currency is worth in another."""

from collections.abc import Mapping
from decimal import Decimal

from sandbox.tradelocker import sessions
from sandbox.tradelocker.instruments import BY_TID, CATALOGUE, Instrument, Quote, SymbolStatus
from sandbox.tradelocker.model import Side
from sandbox.tradelocker.switches import Switches

_PAIRS: Mapping[str, Instrument] = {one.name: one for one in CATALOGUE if one.calendar == "fx"}


class Market:
    """Quotes are static until they are set; a status that was set by hand overrides the calendar."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self._quotes = {tid: one.quote for tid, one in BY_TID.items()}
        self._forced: dict[int, SymbolStatus] = {}

    def quote(self, instrument: Instrument) -> Quote:
        """Return the current bid and ask."""
        return self._quotes[instrument.tid]

    def set_quote(self, instrument: Instrument, quote: Quote) -> None:
        """Move the price; raise ValueError when the bid is not positive or above the ask."""
        if not 0 < quote.bid <= quote.ask:
            raise ValueError(f"{instrument.name}: bid {quote.bid} and ask {quote.ask} are no quote")
        self._quotes[instrument.tid] = quote

    def side_price(self, instrument: Instrument, side: Side) -> Decimal:
        """Return the price at which an order of `side` would fill now."""
        quote = self.quote(instrument)
        return quote.ask if side == "buy" else quote.bid

    def force_status(self, instrument: Instrument, status: SymbolStatus | None) -> None:
        """Open, close or halt an instrument whatever its calendar says; None gives it back to the calendar."""
        if status is None:
            self._forced.pop(instrument.tid, None)
        else:
            self._forced[instrument.tid] = status

    def status(self, instrument: Instrument, now_ms: int) -> SymbolStatus:
        """Return the symbol status now."""
        forced = self._forced.get(instrument.tid)
        if forced is not None:
            return forced
        if self._switches["sessions"] == "always_open" or sessions.is_open(instrument.calendar, now_ms):
            return "FULLY_OPEN"
        return "CLOSED"

    def is_open(self, instrument: Instrument, now_ms: int) -> bool:
        """Tell whether orders are filled now."""
        return self.status(instrument, now_ms) == "FULLY_OPEN"

    def rate(self, currency: str, into: str) -> Decimal:
        """Return how much of `into` one unit of `currency` is worth, at middle prices across the dollar."""
        if currency == into:
            return Decimal(1)
        return self._in_dollars(currency) / self._in_dollars(into)

    def _in_dollars(self, currency: str) -> Decimal:
        if currency == "USD":
            return Decimal(1)
        direct = _PAIRS.get(f"{currency}USD")
        if direct is not None:
            return self.quote(direct).mid
        return 1 / self.quote(_PAIRS[f"USD{currency}"]).mid
