"""Market data: quotes, symbol details, bars, and the two v2 symbol searches that v3 keeps."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice, takewhile

from sandbox.simserver import Request
from sandbox.tradestation.bars import MOST_INTRADAY, UNITS, bar_ends, bar_row
from sandbox.tradestation.book import Book
from sandbox.tradestation.eastern import utc_text
from sandbox.tradestation.instruments import LISTED, Instrument, find
from sandbox.tradestation.refusals import bad_request
from sandbox.tradestation.text import plain, rounded

Row = dict[str, object]
_INVALID = "FAILED, INVALID SYMBOL"
MOST_QUOTES, MOST_SYMBOLS = 100, 50
_CATEGORIES = {"STOCK": "Stock", "FUTURE": "Future", "INDEX": "Index", "STOCKOPTION": "StockOption"}
_SEARCH_CATEGORIES = {
    "FUTURE": "FUTURE",
    "FU": "FUTURE",
    "STOCK": "STOCK",
    "S": "STOCK",
    "INDEX": "INDEX",
    "IDX": "INDEX",
}


def quotes_reply(book: Book, symbols: Sequence[str]) -> Row:
    """Answer GET quotes."""
    return _reply(book, symbols, "Quotes", MOST_QUOTES)


def symbols_reply(book: Book, symbols: Sequence[str]) -> Row:
    """Answer GET symbols."""
    return _reply(book, symbols, "Symbols", MOST_SYMBOLS)


def _reply(book: Book, symbols: Sequence[str], key: str, most: int) -> Row:
    if not 1 <= len(symbols) <= most:
        raise bad_request(f"1 to {most} symbols can be specified.")
    rows, errors = [], []
    for symbol in symbols:
        instrument = find(symbol)
        if instrument is None:
            errors.append({"Symbol": symbol, "Error": _INVALID})
        else:
            rows.append(quote_row(book, instrument) if key == "Quotes" else symbol_row(book, instrument))
    return {key: rows, "Errors": errors}


def quote_row(book: Book, instrument: Instrument) -> Row:
    """Give a quote."""
    quote, base = book.market.quote(instrument), instrument.price
    change = quote.last - base
    row: Row = {
        "Symbol": instrument.symbol,
        "Open": plain(base),
        "High": plain(max(base, quote.last)),
        "Low": plain(min(base, quote.last)),
        "PreviousClose": plain(base),
        "Last": plain(quote.last),
        "Ask": plain(quote.ask),
        "AskSize": "300",
        "Bid": plain(quote.bid),
        "BidSize": "200",
        "NetChange": plain(change),
        "NetChangePct": rounded(change * 100 / base),
        "High52Week": plain(base * 2),
        "High52WeekTimestamp": "2026-01-05T00:00:00Z",
        "Low52Week": plain(base / 2),
        "Low52WeekTimestamp": "2026-04-07T00:00:00Z",
        "Volume": "5852511",
        "PreviousVolume": "24154112",
        "Close": plain(quote.last),
        "DailyOpenInterest": "0",
        "TradeTime": utc_text(quote.at_ms or book.now_ms),
        "TickSizeTier": "0",
        "MarketFlags": {
            "IsDelayed": quote.delayed,
            "IsHardToBorrow": quote.hard_to_borrow,
            "IsBats": False,
            "IsHalted": quote.halted,
        },
        "LastSize": "100",
        "LastVenue": instrument.exchange,
        "VWAP": plain(quote.last),
    }
    if instrument.asset == "FUTURE" and instrument.expiration is not None:
        row["LastTradingDate"] = f"{instrument.expiration}T00:00:00Z"
    return row


def symbol_row(book: Book, instrument: Instrument) -> Row:
    """Give a symbol's details."""
    price: Row = {"Format": "Decimal", "Decimals": str(instrument.decimals)}
    if instrument.fraction is not None:
        price = {
            "Format": "SubFraction",
            "Fraction": str(instrument.fraction[0]),
            "SubFraction": str(instrument.fraction[1]),
        }
    row: Row = {
        "AssetType": instrument.asset,
        "Country": "United States",
        "Currency": "USD",
        "Description": instrument.description,
        "Exchange": instrument.exchange,
        "Symbol": instrument.symbol,
        "Root": instrument.root,
        "PriceFormat": {
            **price,
            "IncrementStyle": "Simple",
            "Increment": plain(instrument.increment),
            "PointValue": plain(instrument.point_value),
        },
        "QuantityFormat": {
            "Format": "Decimal",
            "Decimals": "0",
            "IncrementStyle": "Simple",
            "Increment": "1",
            "MinimumTradeQuantity": "1",
        },
    }
    if instrument.asset == "FUTURE":
        row["FutureType"] = "Electronic"
        row["Underlying"] = book.market.front(instrument).symbol if instrument.data_only else instrument.underlying
    if instrument.expiration is not None:
        row["ExpirationDate"] = f"{instrument.expiration}T00:00:00Z"
    if instrument.strike is not None:
        row |= {
            "OptionType": "CALL" if instrument.call else "PUT",
            "StrikePrice": plain(instrument.strike),
            "Underlying": instrument.underlying,
        }
    return row


def bars_reply(book: Book, symbol: str, request: Request) -> Row:
    """Answer GET barcharts."""
    instrument = find(symbol)
    if instrument is None:
        raise bad_request(_INVALID)
    unit = next((name for name in UNITS if name.lower() == (request.param("unit") or "Daily").lower()), None)
    interval = _whole(request, "interval", 1)
    if unit is None or not 1 <= interval <= (1440 if unit == "Minute" else 1):
        raise bad_request("Invalid unit or interval.")
    first, back = request.param("firstdate"), request.param("barsback")
    if first is not None and back is not None:
        raise bad_request("barsback and firstdate are mutually exclusive.")
    last = request.param("lastdate") or request.param("startdate")
    last_ms = min(_moment(last), book.now_ms) if last else book.now_ms
    count = _whole(request, "barsback", 1) if first is None else MOST_INTRADAY
    if not 1 <= count <= MOST_INTRADAY:
        raise bad_request(f"At most {MOST_INTRADAY} bars can be requested.")
    from_ms = _moment(first) if first is not None else -(2**62)
    ends = list(takewhile(lambda end: end >= from_ms, islice(bar_ends(unit, interval, last_ms), count)))
    price = book.market.quote(instrument).last
    newest = ends[0] if ends else 0
    rows = [bar_row(instrument, end, book.now_ms, price, newest=end == newest) for end in reversed(ends)]
    return {"Bars": rows}


def suggestions(text: str, top: str | None) -> list[Row]:
    """Answer the v2 suggest: symbols whose name or description holds the text."""
    wanted = text.upper()
    found = [
        _definition(instrument)
        for instrument in LISTED.values()
        if instrument.symbol.startswith(wanted) or wanted in instrument.description.upper()
    ]
    return found[: int(top)] if top and top.isdigit() else found


def search(criteria: str) -> list[Row]:
    """Answer the v2 search for `N=name&C=category`; the category is Stock unless it says otherwise."""
    given = {name.upper(): value for name, _, value in (part.partition("=") for part in criteria.split("&"))}
    asset = _SEARCH_CATEGORIES.get(given.get("C", "Stock").upper())
    name, root = given.get("N", "").upper(), given.get("R", "").upper()
    return [
        _definition(instrument)
        for instrument in LISTED.values()
        if instrument.asset == asset and name in instrument.symbol and root in ("", instrument.root)
    ]


def _definition(instrument: Instrument) -> Row:
    return {
        "Name": instrument.symbol,
        "Category": _CATEGORIES[instrument.asset],
        "Country": "US",
        "Currency": "USD",
        "Description": instrument.description,
        "Exchange": instrument.exchange,
        "Root": instrument.root,
        "MinMove": float(instrument.increment),
        "PointValue": float(instrument.point_value),
    }


def _whole(request: Request, name: str, default: int) -> int:
    text = request.param(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()):
        raise bad_request(f"Invalid {name}.")
    return int(text)


def _moment(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise bad_request("Invalid date.") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
