"""The account's instruments as they are needed: read when asked for, kept for a while."""

from collections.abc import Callable

from orderbridge.brokers.port import Deadline
from orderbridge.brokers.tradelocker import routes
from orderbridge.brokers.tradelocker.api import Api
from orderbridge.brokers.tradelocker.instruments import Details, Directory, Listing, read_details, read_directory
from orderbridge.brokers.tradelocker.market import read_quote
from orderbridge.errors import BrokerUnavailableError, ReadRefusedError, UnknownSymbolError
from orderbridge.model import Quote

LIST_AGE_S = 15 * 60.0
RELIST_AGE_S = 30.0
"""A symbol that the list lacks is looked for in a fresh one, but not more often than this."""
DETAILS_AGE_S = 24 * 3600.0
STATUS_AGE_S = 300.0
"""How old details may be when they are asked whether the instrument is halted."""
ROUTE_AGE_S = 3600.0


class Catalogue:
    """Instruments, their details and their live INFO routes, kept in memory. `clock` is monotonic, in seconds."""

    def __init__(self, api: Api, clock: Callable[[], float]) -> None:
        self._api = api
        self._clock = clock
        self._directory: tuple[float, Directory] | None = None
        self._details: dict[str, tuple[float, Details]] = {}
        self._info_routes: dict[str, tuple[float, str]] = {}

    def find(self, symbol: str, deadline: Deadline) -> Listing:
        """Give the instrument of exactly this symbol. Raises `UnknownSymbolError`, `AmbiguousSymbolError`."""
        try:
            return self._list(deadline, LIST_AGE_S).find(symbol)
        except UnknownSymbolError:
            return self._list(deadline, RELIST_AGE_S).find(symbol)

    def symbol_of(self, instrument_ids: set[str], deadline: Deadline) -> Callable[[str], str]:
        """Give a function from `tradableInstrumentId` to symbol; an id in no list keeps the name `#id`."""
        symbols = self._list(deadline, LIST_AGE_S).symbols
        if not instrument_ids <= symbols.keys():
            symbols = self._list(deadline, RELIST_AGE_S).symbols
        return lambda instrument_id: symbols.get(instrument_id, f"#{instrument_id}")

    def details(self, symbol: str, deadline: Deadline, age_s: float = DETAILS_AGE_S) -> Details:
        """Give the details of a symbol, read again when older than `age_s`."""
        listing = self.find(symbol, deadline)
        kept = self._details.get(symbol)
        if kept is not None and self._clock() - kept[0] < age_s:
            return kept[1]
        # Details are the same on either kind of route; the TRADE route is never a dead one.
        route = (listing.trade_routes + listing.info_routes[::-1])[:1]
        params = {"routeId": route[0]} if route else {}
        read_at = self._clock()
        data = self._api.read(routes.INSTRUMENT, deadline, params, instrument=listing.instrument_id)
        details = read_details(symbol, listing, data)
        self._details[symbol] = (read_at, details)
        return details

    def quote(self, symbol: str, deadline: Deadline) -> Quote:
        """Give the quote from an INFO route that is alive."""
        listing = self.find(symbol, deadline)
        kept = self._kept_route(listing)
        if kept is not None:
            quote = self._quote_on(symbol, listing, kept, deadline)
            if quote is not None or len(listing.info_routes) == 1:
                return quote or Quote(symbol, None, None, None, None)
        return self._probe(symbol, listing, deadline)

    def info_route(self, symbol: str, deadline: Deadline) -> str:
        """Give an INFO route that is alive: the only one, or the first from the last that has a quote."""
        listing = self.find(symbol, deadline)
        kept = self._kept_route(listing)
        if kept is None:
            self._probe(symbol, listing, deadline)
            kept = self._kept_route(listing)
        if kept is None:
            raise BrokerUnavailableError(f"no INFO route of {symbol} answers")
        return kept

    def _probe(self, symbol: str, listing: Listing, deadline: Deadline) -> Quote:
        """Ask the routes from the last to the first, as the official client does: the first may be dead."""
        failure = BrokerUnavailableError(f"no INFO route of {symbol} answers")
        for route in reversed(listing.info_routes):
            try:
                quote = self._quote_on(symbol, listing, route, deadline)
            except BrokerUnavailableError as error:
                failure = error
                continue
            if quote is not None:
                self._info_routes[listing.instrument_id] = (self._clock(), route)
                return quote
        raise failure

    def _kept_route(self, listing: Listing) -> str | None:
        if len(listing.info_routes) == 1:
            return listing.info_routes[0]
        kept = self._info_routes.get(listing.instrument_id)
        if kept is None or self._clock() - kept[0] >= ROUTE_AGE_S or kept[1] not in listing.info_routes:
            return None
        return kept[1]

    def _quote_on(self, symbol: str, listing: Listing, route: str, deadline: Deadline) -> Quote | None:
        params = {"routeId": route, "tradableInstrumentId": listing.instrument_id}
        try:
            envelope = self._api.read_envelope(routes.QUOTES, deadline, params)
        except ReadRefusedError:
            return None
        quote = read_quote(symbol, envelope.get("d"))
        return quote if quote.bid is not None or quote.ask is not None else None

    def _list(self, deadline: Deadline, age_s: float) -> Directory:
        kept = self._directory
        if kept is not None and self._clock() - kept[0] < age_s:
            return kept[1]
        read_at = self._clock()
        data = self._api.read(routes.INSTRUMENTS, deadline)
        directory = read_directory(data.get("instruments") if isinstance(data, dict) else None)
        self._directory = (read_at, directory)
        return directory
