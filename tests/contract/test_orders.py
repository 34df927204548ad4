"""Orders and positions as the adapter shows them agree with the broker's book, from placing to the end."""

from dataclasses import replace
from decimal import Decimal

import pytest

from orderbridge.brokers.port import Accepted, Refused
from orderbridge.commands import Cancel, ModifyPosition, Place, PlaceGroup, Replace
from orderbridge.errors import UnknownSymbolError
from orderbridge.model import Direction, Duration, Order, OrderStatus, OrderType, Side
from tests.contract.backend import Backend, Bench
from tests.contract.backends import BACKENDS, title
from tests.contract.cases import case
from tests.contract.kinds import (
    SETTLE_MS,
    active,
    bracket,
    close,
    exits,
    held,
    limit,
    look,
    market,
    set_up,
    unchanged,
)
from tests.contract.test_outcomes import COMMAND_ID, OFFERS, Offer, send

TYPED = [offer for offer in OFFERS if offer.kind.name in ("stop_entry", "stop_limit_entry", "trailing_entry")]


def shown(bench: Bench, order_id: str) -> Order:
    (order,) = [order for order in look(bench).orders if order.id == order_id]
    return order


def holding(bench: Bench) -> Decimal:
    """Give the signed quantity of the symbol as the adapter reads it."""
    positions = bench.broker.positions(bench.deadline())
    return sum((p.signed for p in positions if p.symbol == bench.symbol), Decimal(0))


# ---- as placed


@case("BC-201")
@pytest.mark.parametrize("side", list(Side))
def test_limit_order_is_shown_as_it_was_placed(backend: Backend, side: Side) -> None:
    bench = backend.open()
    command = limit(bench, steps=-2 * side.sign, side=side)
    order = shown(bench, set_up(bench, command))
    assert (order.symbol, order.side, order.type, order.quantity, order.limit_price, order.duration) == (
        bench.symbol,
        side,
        OrderType.LIMIT,
        bench.unit,
        command.limit_price,
        "gtc",
    )
    assert order.status is OrderStatus.WORKING
    assert (order.filled_quantity, order.remaining) == (Decimal(0), bench.unit)
    assert abs(order.placed_at_ms - bench.now_ms()) < 2 * SETTLE_MS


@case("BC-201")
@pytest.mark.parametrize("offer", TYPED, ids=str)
def test_order_of_each_type_is_shown_as_it_was_placed(offer: Offer) -> None:
    bench = offer.backend.open()
    command = offer.kind.arrange(bench)
    assert isinstance(command, Place)
    order = shown(bench, set_up(bench, command))
    assert (order.type, order.side, order.quantity) == (command.order_type, command.side, bench.unit)
    assert (order.limit_price, order.trail_amount) == (command.limit_price, command.trail_amount)
    assert command.stop_price in (None, order.stop_price)
    assert order.status is OrderStatus.WORKING


# ---- fills


@case("BC-202")
def test_limit_order_fills_when_the_price_reaches_it(backend: Backend) -> None:
    bench = backend.open()
    began = bench.now_ms()
    order_id = set_up(bench, limit(bench))
    assert holding(bench) == 0
    bench.set_price(bench.price - 2 * bench.distance)
    bench.advance(SETTLE_MS)
    order = shown(bench, order_id)
    assert order.status is OrderStatus.FILLED
    assert (order.filled_quantity, order.remaining) == (bench.unit, Decimal(0))
    assert order.average_price is not None
    assert order.average_price <= bench.price - bench.distance
    assert holding(bench) == bench.book().held(bench.symbol) == bench.unit
    assert held(bench).side is Side.BUY
    history = bench.broker.order_history(bench.deadline(), began - 1_000, bench.now_ms() + 1_000)
    assert order_id in [past.id for past in history]


@case("BC-203")
def test_partial_fill_shows_as_one(backend: Backend) -> None:
    bench = backend.open()
    half = bench.unit / 2
    bench.fill_at_most(half)
    order_id = set_up(bench, limit(bench))
    bench.set_price(bench.price - 2 * bench.distance)
    bench.advance(SETTLE_MS)
    order = shown(bench, order_id)
    book = bench.book().order(order_id)
    assert book is not None
    assert order.filled_quantity == book.filled == half
    assert holding(bench) == bench.book().held(bench.symbol) == half
    assert order.status.final == (book.state != "working")
    assert order.remaining == (half if book.state == "working" else 0)


@case("BC-205")
@pytest.mark.parametrize("duration", [Duration.IOC, Duration.FOK])
@pytest.mark.parametrize("backend", [one for one in BACKENDS if one.name == "tradestation"], ids=title)
def test_order_that_must_fill_at_once_and_cannot_ends_unfilled(backend: Backend, duration: Duration) -> None:
    """TradeLocker takes IOC for market orders only, and these fill."""
    bench = backend.open()
    outcome = send(bench, replace(limit(bench), duration=duration))
    bench.advance(SETTLE_MS)
    assert isinstance(outcome, Accepted)
    order = shown(bench, outcome.orders[0].order_id)
    assert order.status in (OrderStatus.CANCELLED, OrderStatus.REJECTED)
    assert (order.filled_quantity, holding(bench)) == (Decimal(0), Decimal(0))


@case("BC-207")
def test_short_is_opened_by_a_sell_and_closed_by_a_buy(backend: Backend) -> None:
    bench = backend.open()
    set_up(bench, market(bench, Side.SELL), "1")
    assert Direction.of(holding(bench)) is Direction.SHORT
    assert held(bench).side is Side.SELL
    assert isinstance(send(bench, close(bench)), Accepted)
    bench.advance(SETTLE_MS)
    assert holding(bench) == bench.book().held(bench.symbol) == 0


# ---- exits


def protected(bench: Bench) -> None:
    """Hold a long with a stop and a target, given with the entry."""
    set_up(bench, replace(market(bench), bracket=bracket(bench)))
    assert holding(bench) == bench.unit


@case("BC-204")
@pytest.mark.parametrize("hit", ["stop", "target"])
def test_exit_that_is_hit_closes_the_position_and_takes_the_other_with_it(backend: Backend, hit: str) -> None:
    bench = backend.open()
    protected(bench)
    steps = -4 if hit == "stop" else 4
    bench.set_price(bench.price + steps * bench.distance)
    bench.advance(SETTLE_MS)
    assert holding(bench) == bench.book().held(bench.symbol) == 0
    assert active(bench.book(), bench.symbol) == []
    bench.set_price(bench.price - steps * bench.distance)
    bench.advance(SETTLE_MS)
    assert holding(bench) == 0
    assert [order for order in look(bench).orders if order.symbol == bench.symbol and not order.status.final] == []


@case("BC-204")
def test_exits_show_as_orders_that_belong_to_the_position_or_to_each_other(backend: Backend) -> None:
    bench = backend.open()
    protected(bench)
    working = [order for order in look(bench).orders if order.symbol == bench.symbol and not order.status.final]
    assert {(order.type, order.stop_price or order.limit_price) for order in working} == {
        (OrderType.STOP, bracket(bench).stop_loss),
        (OrderType.LIMIT, bracket(bench).take_profit),
    }
    assert all(order.side is Side.SELL and order.quantity == bench.unit for order in working)


@case("BC-204")
def test_exits_put_on_a_held_position_protect_it(backend: Backend) -> None:
    bench = backend.open()
    set_up(bench, market(bench), "1")
    stop, target = exits(bench)
    if bench.broker.capabilities.position_bracket:
        outcome = send(bench, ModifyPosition(held(bench).id, bench.symbol, stop.stop_price, target.limit_price))
    else:
        outcome = send(bench, PlaceGroup("brk", (stop, target)))
    assert isinstance(outcome, Accepted)
    bench.advance(SETTLE_MS)
    bench.set_price(bench.price - 3 * bench.distance)
    bench.advance(SETTLE_MS)
    assert bench.book().held(bench.symbol) == 0
    assert active(bench.book(), bench.symbol) == []


# ---- changes


@case("BC-206")
def test_replaced_order_shows_its_new_values_and_keeps_working(backend: Backend) -> None:
    bench = backend.open()
    order_id = set_up(bench, limit(bench))
    price = bench.price - 2 * bench.distance
    outcome = send(bench, Replace(order_id, bench.symbol, bench.unit / 2, limit_price=price))
    assert isinstance(outcome, Accepted)
    bench.advance(SETTLE_MS)
    order = shown(bench, outcome.orders[0].order_id if outcome.orders else order_id)
    assert (order.limit_price, order.quantity, order.status) == (price, bench.unit / 2, OrderStatus.WORKING)


@case("BC-010")
@pytest.mark.parametrize("change", ["cancel", "replace"])
@pytest.mark.parametrize("state", ["cancelled", "filled", "unknown"])
def test_change_of_a_final_or_unknown_order_is_refused_as_not_found(backend: Backend, change: str, state: str) -> None:
    bench = backend.open()
    order_id = "999999999"
    if state == "cancelled":
        order_id = set_up(bench, limit(bench), "1")
        set_up(bench, Cancel(order_id, bench.symbol), "2")
    elif state == "filled":
        order_id = set_up(bench, market(bench))
    before = bench.book()
    command = (
        Cancel(order_id, bench.symbol)
        if change == "cancel"
        else Replace(order_id, bench.symbol, limit_price=bench.price - bench.distance)
    )
    outcome = send(bench, command)
    bench.advance(SETTLE_MS)
    assert isinstance(outcome, Refused)
    assert outcome.code == "not_found"
    assert unchanged(before, bench.book())


@case("BC-011")
@pytest.mark.parametrize("backend", [one for one in BACKENDS if title(one) != "tradestation-futures"], ids=title)
def test_close_of_a_position_that_was_closed_elsewhere_is_refused_and_opens_nothing(backend: Backend) -> None:
    """A future's close is a plain buy or sell at TradeStation: only a fresh look keeps it from opening."""
    bench = backend.open()
    set_up(bench, market(bench))
    command = close(bench)
    bench.close_elsewhere()
    bench.advance(SETTLE_MS)
    assert holding(bench) == 0
    outcome = send(bench, command)
    bench.advance(SETTLE_MS)
    assert isinstance(outcome, Refused)
    assert outcome.code in ("flat", "not_found")
    assert bench.book().held(bench.symbol) == 0


@case("BC-012")
def test_unknown_symbol_is_refused_by_name(backend: Backend) -> None:
    bench = backend.open()
    with pytest.raises(UnknownSymbolError, match="NOSUCHTHING"):
        bench.broker.instrument("NOSUCHTHING", bench.deadline())
    before = bench.book()
    try:
        outcome = bench.broker.send(replace(market(bench), symbol="NOSUCHTHING"), COMMAND_ID, bench.deadline())
    except UnknownSymbolError:
        outcome = Refused("invalid", "unknown symbol")
    assert isinstance(outcome, Refused)
    assert unchanged(before, bench.book())
