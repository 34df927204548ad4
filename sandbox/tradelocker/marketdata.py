"""The routes that tell of instruments, sessions and prices."""

from collections.abc import Mapping

from sandbox.tradelocker import bars, instruments, sessions
from sandbox.tradelocker.answers import Answer, number, ok
from sandbox.tradelocker.fields import word_of
from sandbox.tradelocker.instruments import SESSION_IDS, Instrument
from sandbox.tradelocker.model import Account
from sandbox.tradelocker.query import Query
from sandbox.tradelocker.refusals import Refusal
from sandbox.tradelocker.simulator import Simulator

_LOCALES = ("ar", "en", "es", "fr", "ja", "ko", "pl", "pt", "ru", "tr", "ua", "zh_sm", "zh_tr")
_RESOLUTIONS = tuple(bars.STEP_MS)


def listing(sim: Simulator, account: Account) -> Answer:
    """GET /trade/accounts/{a}/instruments: names, ids and routes; neither lot size nor tick."""
    return ok({"instruments": [_listed(sim, account, one) for one in instruments.listed(sim.switches)]})


def details(sim: Simulator, account: Account, tid: int, query: Query, now_ms: int) -> Answer:
    """GET /trade/instruments/{tid}: either kind of route will do."""
    instrument = _known(sim, tid)
    if "locale" in query:
        word_of(query.text("locale"), "locale", _LOCALES)
    routes = instruments.info_route_ids(instrument, account.user_index, sim.switches)
    if query.whole("routeId") not in {*routes, instruments.trade_route_id(instrument, account.user_index)}:
        raise Refusal("Route not found")
    return ok(_details(sim, instrument, now_ms))


def session(sim: Simulator, session_id: int, now_ms: int) -> Answer:
    """GET /trade/sessions/{id}."""
    found = sessions.session_object(session_id, now_ms, sim.switches["session_times"])
    if found is None:
        raise Refusal("Session not found")
    return ok(found)


def session_status(status_id: int) -> Answer:
    """GET /trade/sessionStatuses/{id}."""
    found = sessions.status_object(status_id)
    if found is None:
        raise Refusal("Session status not found")
    return ok(found)


def quotes(sim: Simulator, account: Account, query: Query) -> Answer:
    """GET /trade/quotes: without a time, so staleness cannot be seen."""
    quote = sim.book.market.quote(_routed(sim, account, query))
    return ok({"ap": float(quote.ask), "as": 1.0, "bp": float(quote.bid), "bs": 1.0})


def depth(sim: Simulator, account: Account, query: Query) -> Answer:
    """GET /trade/depth: three levels."""
    instrument = _routed(sim, account, query)
    quote, tick = sim.book.market.quote(instrument), instrument.tick_at(instrument.quote.bid)
    asks = [[float(quote.ask + level * tick), float(1 + level)] for level in range(3)]
    bids = [[float(quote.bid - level * tick), float(1 + level)] for level in range(3)]
    return ok({"asks": asks, "bids": bids})


def daily_bar(sim: Simulator, account: Account, query: Query, now_ms: int) -> Answer:
    """GET /trade/dailyBar."""
    side = word_of(query.text("barType"), "barType", ("ASK", "BID", "TRADE"))
    instrument = _routed(sim, account, query)
    return ok(bars.daily_bar(instrument, side, sim.book.market.quote(instrument), now_ms))


def history(sim: Simulator, account: Account, query: Query, now_ms: int) -> Answer:
    """GET /trade/history."""
    instrument = _routed(sim, account, query)
    resolution = word_of(query.text("resolution"), "resolution", _RESOLUTIONS)
    from_ms, to_ms = query.whole("from"), query.whole("to")
    if from_ms > to_ms:
        raise Refusal("from is after to")
    most = sim.switches.number("history_bars")
    if bars.estimate(from_ms, min(to_ms, now_ms), resolution) > most:
        raise Refusal(f"Requested more than {most} bars")
    found = bars.history(instrument, resolution, from_ms, to_ms, now_ms)
    if found:
        return ok({"barDetails": found})
    return Answer(200, {"s": "no_data", **_next_bar(sim, instrument, resolution, from_ms)})


def _next_bar(sim: Simulator, instrument: Instrument, resolution: str, before_ms: int) -> Mapping[str, object]:
    last_ms = bars.last_before(instrument, resolution, before_ms)
    unit = sim.switches["nb_unit"]
    if last_ms is None or unit == "absent":
        return {}
    return {"nb": last_ms if unit == "ms" else last_ms // 1000}


def _known(sim: Simulator, tid: int) -> Instrument:
    instrument = sim.instrument_by_id(tid)
    if instrument is None:
        raise Refusal("Instrument not found")
    return instrument


def _routed(sim: Simulator, account: Account, query: Query) -> Instrument:
    """Return the instrument that a price route asks for, by one of its live INFO routes."""
    instrument = _known(sim, query.whole("tradableInstrumentId"))
    routes = instruments.info_route_ids(instrument, account.user_index, sim.switches)
    live = routes[1:] if sim.switches["info_routes"] == "first_dead" else routes
    if query.whole("routeId") not in live:
        raise Refusal("No quotes on this route")
    return instrument


def _listed(sim: Simulator, account: Account, instrument: Instrument) -> Mapping[str, object]:
    infos = instruments.info_route_ids(instrument, account.user_index, sim.switches)
    routes = [{"id": route, "type": "INFO"} for route in infos]
    routes.append({"id": instruments.trade_route_id(instrument, account.user_index), "type": "TRADE"})
    listed: dict[str, object] = {
        "tradableInstrumentId": instrument.tid,
        "id": instrument.symbol_id,
        "name": instrument.name,
        "description": instrument.description,
        "type": instrument.type,
        "tradingExchange": instrument.exchange,
        "marketDataExchange": instrument.exchange,
        "country": None,
        "logoUrl": None,
        "localizedName": instrument.name,
        "routes": routes,
        "barSource": "BID",
        "hasIntraday": True,
        "hasDaily": True,
    }
    if instrument.contract_month is not None:
        listed |= {"continuous": False, "contractMonth": instrument.contract_month, "strikePrice": None,
                   "strikeType": None, "underlierId": None}  # fmt: skip
    return listed


def _details(sim: Simulator, instrument: Instrument, now_ms: int) -> Mapping[str, object]:
    status = sim.book.market.status(instrument, now_ms)
    known: dict[str, object] = {
        "barSource": "BID",
        "baseCurrency": instrument.base_currency,
        "contractMonth": instrument.contract_month,
        "description": instrument.description,
        "hasDaily": True,
        "hasIntraday": True,
        "isin": "",
        "leverage": f"{instrument.leverage:.2f}",
        "localizedName": instrument.name,
        "lotSize": number(instrument.lot_size),
        "lotStep": number(instrument.lot_step),
        "margin_hedging_type": instrument.hedging_type,
        "marketDataExchange": instrument.exchange,
        "maxLot": None if instrument.max_lot is None else number(instrument.max_lot),
        "minLot": number(instrument.min_lot),
        "name": instrument.name,
        "quotingCurrency": instrument.quoting_currency,
        "settlementSystem": "Immediate",
        "symbolStatus": status,
        "tickCost": [{"leftRangeLimit": None, "tickCost": 0.0}],
        "tickSize": [
            {"leftRangeLimit": None if band.left is None else number(band.left), "tickSize": number(band.size)}
            for band in instrument.ticks
        ],
        "tradeSessionId": SESSION_IDS[instrument.calendar],
        "tradeSessionStatusId": sessions.STATUS_IDS[status],
        "tradingExchange": instrument.exchange,
        "type": instrument.type,
    }
    nothing = ("betSize betStep bettingCurrency country deliveryStatus exerciseStyle firstTradeDate industry "
               "lastTradeDate logoUrl marketCap noticeDate sector settlementDate strikePrice strikeType")  # fmt: skip
    known |= dict.fromkeys(nothing.split())
    return dict(sorted(known.items()))
