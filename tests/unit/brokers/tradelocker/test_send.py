"""A command is sent once, and what could not be prepared is an outcome too."""

from decimal import Decimal

import httpx
import pytest

from orderbridge.brokers.port import Accepted, NotTaken, Outcome, PlacedOrder, Refused, Unknown
from orderbridge.commands import (
    Bracket,
    Cancel,
    CloseAll,
    ClosePosition,
    Command,
    ModifyPosition,
    Place,
    PlaceGroup,
    Replace,
)
from orderbridge.errors import BrokerUnavailableError, LoginLostError, RateLimitedError
from orderbridge.model import OrderType, Side
from tests.unit.brokers.kit import Tokens, reply, soon
from tests.unit.brokers.tradelocker.fake import CONFIG, Server, broker, error, instrument, ok

ID = "0123456789abcdef0123456789abcdef"
PLACE = "POST /trade/accounts/1180/orders"
BUY = Place("BTCUSD", Side.BUY, Decimal("0.10"), "open")
CLOSE = ClosePosition("77", "BTCUSD", Side.BUY, Decimal("0.10"))
TAKEN = Accepted((PlacedOrder("7001", "order"),))


def _send(server: Server, command: Command = BUY, tokens: Tokens | None = None) -> Outcome:
    return broker(server, tokens=tokens).send(command, ID, soon())


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("gone"),
        httpx.ReadError("reset"),
        reply({}, 500),
        reply({}, 502),
        reply("<html>", 200),
        reply('{"s":"ok","d":{"ord', 200),
        reply(None, 204),
        reply({"s": "error", "errmsg": "Too many requests"}, 429),
    ],
)
def test_order_without_a_clear_answer_is_unknown_and_was_sent_once(failure: httpx.Response | Exception) -> None:
    server = Server({PLACE: [failure, ok({"orderId": "7001"})]})

    assert isinstance(_send(server), Unknown)
    assert len(server.sent(PLACE)) == 1


def test_connection_that_never_came_about_is_proof() -> None:
    assert _send(Server({PLACE: httpx.ConnectError("refused")})) == NotTaken("not_connected")


def test_page_of_the_edge_is_proof() -> None:
    outcome = _send(Server({PLACE: reply("<html>error code: 1015</html>", 429)}))

    assert outcome == NotTaken("edge_limited", 15_000)


def test_401_renews_the_token_and_sends_once_more() -> None:
    server = Server({PLACE: [reply({}, 401), ok({"orderId": "7001"})]})

    assert _send(server) == TAKEN
    assert [one.headers["authorization"] for one in server.sent(PLACE)] == ["Bearer token-1", "Bearer token-2"]
    first, second = (one.content for one in server.sent(PLACE))
    assert first == second


def test_401_with_a_fresh_token_is_proof_and_ends_it() -> None:
    server = Server({PLACE: reply({}, 401)})

    assert _send(server) == NotTaken("unauthorized")
    assert len(server.sent(PLACE)) == 3


def test_refusal_inside_a_200_is_refused_and_never_accepted() -> None:
    assert _send(Server({PLACE: error("Not enough margin")})) == Refused("funds", "Not enough margin")
    moved = ModifyPosition("77", "BTCUSD", stop_loss=Decimal(76_000))
    server = Server({"PATCH /trade/positions/77": error("Stop loss is too close")})
    assert _send(server, moved) == Refused("invalid", "Stop loss is too close")


@pytest.mark.parametrize(
    "command",
    [
        Place("NOPE", Side.BUY, Decimal(1), "open"),
        Place("BTCUSD", Side.BUY, Decimal(0), "open"),
        Place("BTCUSD", Side.BUY, Decimal(1), "open", order_type=OrderType.STOP_LIMIT),
        Place("BTCUSD", Side.BUY, Decimal(1), "open", bracket=Bracket(trail_amount=Decimal(1))),
        CloseAll("NOPE"),
        ClosePosition("77", "BTCUSD", Side.BUY, Decimal(1), Decimal(0)),
    ],
)
def test_command_that_must_not_go_out_is_refused_and_nothing_is_sent(command: Command) -> None:
    server = Server()

    outcome = _send(server, command)

    assert isinstance(outcome, Refused)
    assert outcome.code == "invalid"
    assert {request.method for request in server.requests} <= {"GET"}


def test_two_instruments_of_the_name_are_refused_naming_both() -> None:
    listed = ok({"instruments": [instrument(206, "BTCUSD"), instrument(901, "BTCUSD")]})
    server = Server({"GET /trade/accounts/1180/instruments": listed, PLACE: ok({"orderId": "7001"})})

    outcome = _send(server)

    assert isinstance(outcome, Refused)
    assert "BTCUSD#206" in outcome.message
    assert "BTCUSD#901" in outcome.message
    assert _send(server, Place("BTCUSD#901", Side.BUY, Decimal(1), "open")) == TAKEN


def test_group_is_outside_the_capabilities() -> None:
    with pytest.raises(TypeError):
        _send(Server(), PlaceGroup("oco", (BUY, BUY)))


def _without(panel: str, column: str) -> httpx.Response:
    entry = CONFIG["d"][f"{panel}Config"]
    columns = [one for one in entry["columns"] if one["id"] != column]
    return reply({"s": "ok", "d": {**CONFIG["d"], f"{panel}Config": {**entry, "columns": columns}}})


@pytest.mark.parametrize(
    ("panel", "column"), [("ordersHistory", "strategyId"), ("orders", "status"), ("positions", "strategyId")]
)
@pytest.mark.parametrize("command", [BUY, Replace("7001", "BTCUSD", limit_price=Decimal(1))])
def test_broker_whose_orders_cannot_be_found_again_gets_none(panel: str, column: str, command: Command) -> None:
    server = Server({"GET /trade/config": _without(panel, column), PLACE: ok({"orderId": "7001"})})

    outcome = _send(server, command)

    assert isinstance(outcome, Refused)
    assert f"{panel}.{column}" in outcome.message
    assert {request.method for request in server.requests} == {"GET"}


def test_broker_whose_orders_cannot_be_found_again_can_still_be_left() -> None:
    server = Server(
        {
            "GET /trade/config": _without("ordersHistory", "strategyId"),
            "DELETE /trade/positions/77": reply({"s": "ok"}),
            "DELETE /trade/orders/7001": reply(None, 204),
        }
    )

    assert _send(server, CLOSE) == Accepted()
    assert _send(server, Cancel("7001", "BTCUSD")) == TAKEN


def test_close_and_cancel_need_no_other_request() -> None:
    server = Server({"DELETE /trade/positions/77": reply({"s": "ok"})})

    _send(server, CLOSE)

    assert server.names == ["DELETE /trade/positions/77"]


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (reply({}, 503), NotTaken("not_connected")),
        (
            reply({"s": "error", "errmsg": "Too many requests"}, 429, {"Retry-After": "2"}),
            NotTaken("edge_limited", 2_000),
        ),
        (reply({"message": "JWT validation failed"}, 403), Refused("not_allowed", "HTTP 403: JWT validation failed")),
        (reply({}, 401), NotTaken("unauthorized")),
    ],
)
def test_read_that_the_order_needs_fails_and_nothing_is_sent(failure: httpx.Response, outcome: Outcome) -> None:
    server = Server({"GET /trade/accounts/1180/instruments": failure})

    assert _send(server) == outcome
    assert PLACE not in server.names


@pytest.mark.parametrize(
    ("error_of_renewal", "outcome"),
    [
        (LoginLostError("dead"), NotTaken("unauthorized")),
        (BrokerUnavailableError("token service down"), NotTaken("not_connected")),
        (RateLimitedError("later", 700), NotTaken("edge_limited", 700)),
    ],
)
def test_token_that_cannot_be_renewed_after_a_401_is_proof(error_of_renewal: Exception, outcome: Outcome) -> None:
    server = Server({"DELETE /trade/positions/77": reply({}, 401)})

    assert _send(server, CLOSE, Tokens(refuse=error_of_renewal)) == outcome
    assert len(server.requests) == 1
