"""Instruments are looked up rarely, by exact name, on routes that are alive."""

import httpx
import pytest

from orderbridge.brokers.tradelocker.catalogue import (
    DETAILS_AGE_S,
    LIST_AGE_S,
    RELIST_AGE_S,
    ROUTE_AGE_S,
    STATUS_AGE_S,
)
from orderbridge.errors import BrokerUnavailableError, UnknownSymbolError
from tests.unit.brokers.kit import reply, soon
from tests.unit.brokers.tradelocker.fake import (
    INFO,
    INFO_DEAD,
    TRADE,
    Clock,
    Server,
    broker,
    error,
    instrument,
    ok,
    recorded,
)

INSTRUMENTS, DETAILS, QUOTES = (
    "GET /trade/accounts/1180/instruments",
    "GET /trade/instruments/206",
    "GET /trade/quotes",
)
SEVERAL = [
    {"id": int(INFO_DEAD), "type": "INFO"},
    {"id": int(TRADE), "type": "TRADE"},
    {"id": int(INFO), "type": "INFO"},
]


def _listed(*entries: dict[str, object]) -> httpx.Response:
    return ok({"instruments": list(entries)})


def _alive(*alive: str) -> Server:
    """Give a server whose instrument has several INFO routes, of which some are alive."""

    def quotes(request: httpx.Request) -> httpx.Response:
        return ok({"ap": 2, "bp": 1}) if request.url.params["routeId"] in alive else error("no such route")

    return Server({INSTRUMENTS: _listed(instrument(206, "BTCUSD", routes=SEVERAL)), QUOTES: quotes})


def _routes_asked(server: Server) -> list[str]:
    return [request.url.params["routeId"] for request in server.sent(QUOTES)]


def test_list_and_details_are_read_once_and_again_when_old() -> None:
    clock = Clock()
    account = broker(server := Server(), clock=clock)

    account.instrument("BTCUSD", soon())
    clock.seconds += LIST_AGE_S - 1
    account.instrument("BTCUSD", soon())
    assert (len(server.sent(INSTRUMENTS)), len(server.sent(DETAILS))) == (1, 1)
    clock.seconds += DETAILS_AGE_S
    account.instrument("BTCUSD", soon())
    assert (len(server.sent(INSTRUMENTS)), len(server.sent(DETAILS))) == (2, 2)


def test_unknown_name_has_the_list_read_again_but_not_over_and_over() -> None:
    clock = Clock()
    listed = [_listed(instrument(206, "BTCUSD")), _listed(instrument(300, "NEWUSD"))]
    server = Server({INSTRUMENTS: listed, "GET /trade/instruments/300": reply(recorded("details_btcusd"))})  # type: ignore[dict-item]
    account = broker(server, clock=clock)

    for _ in range(3):
        with pytest.raises(UnknownSymbolError):
            account.depth("NEWUSD", soon())
    assert len(server.sent(INSTRUMENTS)) == 1
    clock.seconds += RELIST_AGE_S
    assert account.instrument("NEWUSD", soon()).broker_ref == "300"
    assert len(server.sent(INSTRUMENTS)) == 2


def test_several_info_routes_are_tried_from_the_last_to_the_first() -> None:
    server = _alive(INFO, INFO_DEAD)

    broker(server).quote("BTCUSD", soon())

    assert _routes_asked(server) == [INFO]


def test_dead_route_is_passed_over_and_the_live_one_kept() -> None:
    clock = Clock()
    account = broker(server := _alive(INFO_DEAD), clock=clock)

    assert account.quote("BTCUSD", soon()).ask == 2
    account.quote("BTCUSD", soon())
    assert _routes_asked(server) == [INFO, INFO_DEAD, INFO_DEAD]
    clock.seconds += ROUTE_AGE_S
    account.quote("BTCUSD", soon())
    assert _routes_asked(server)[3:] == [INFO, INFO_DEAD]


def test_route_that_dies_is_replaced_at_once() -> None:
    alive = {INFO}

    def quotes(request: httpx.Request) -> httpx.Response:
        return ok({"ap": 2, "bp": 1}) if request.url.params["routeId"] in alive else ok({"ap": None, "bp": None})

    server = _alive()
    server.answers[QUOTES] = quotes
    account = broker(server)

    account.quote("BTCUSD", soon())
    alive.clear()
    alive.add(INFO_DEAD)
    assert account.quote("BTCUSD", soon()).bid == 1


def test_no_live_route_is_unavailable_and_not_an_empty_quote() -> None:
    with pytest.raises(BrokerUnavailableError, match="no INFO route of BTCUSD"):
        broker(_alive()).quote("BTCUSD", soon())


def test_bars_and_depth_use_the_live_route() -> None:
    server = _alive(INFO_DEAD)
    server.answers["GET /trade/depth"] = ok({"asks": [], "bids": []})

    broker(server).depth("BTCUSD", soon())

    assert server.sent("GET /trade/depth")[0].url.params["routeId"] == INFO_DEAD


def test_only_info_route_is_not_probed() -> None:
    server = Server({"GET /trade/depth": ok({"asks": [], "bids": []})})

    broker(server).depth("BTCUSD", soon())

    assert QUOTES not in server.names


def test_halt_is_told_from_details_of_the_last_minutes() -> None:
    clock = Clock()
    details = recorded("details_btcusd")
    halted = {**details, "d": {**details["d"], "symbolStatus": "TRADING_HALT"}}
    account = broker(server := Server({DETAILS: [reply(details), reply(halted)]}), clock=clock)

    assert not account.quote("BTCUSD", soon()).halted
    clock.seconds += STATUS_AGE_S
    assert account.quote("BTCUSD", soon()).halted
    assert len(server.sent(DETAILS)) == 2


def test_bars_of_a_long_range_are_asked_in_pieces_and_joined() -> None:
    def history(request: httpx.Request) -> httpx.Response:
        start = int(request.url.params["from"])
        return ok({"barDetails": [{"t": start, "o": 1, "h": 1, "l": 1, "c": 1, "v": 1}]})

    server = Server({"GET /trade/history": history})
    minute, limit = 60_000, 20_000

    found = broker(server).bars("BTCUSD", "1", 0, minute * limit * 2, soon())

    asked = [(int(one.url.params["from"]), int(one.url.params["to"])) for one in server.sent("GET /trade/history")]
    assert all((end - start) // minute + 1 <= limit for start, end in asked)
    assert (asked[0][0], asked[-1][1]) == (0, minute * limit * 2)
    assert [bar.time_ms for bar in found] == [start for start, _ in asked]
