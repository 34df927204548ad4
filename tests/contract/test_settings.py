"""The adapters are right under every pair of the simulators' settings for what nobody could confirm."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
from allpairspy import AllPairs  # type: ignore[import-untyped]

from orderbridge.brokers.port import Absent, Accepted, Done, PlacedOrder, Unknown
from orderbridge.commands import Cancel, Replace
from orderbridge.model import Duration, OrderStatus, Side
from tests.contract.backend import Backend, Bench, Fault
from tests.contract.backends import BACKENDS, title
from tests.contract.cases import case
from tests.contract.kinds import SETTLE_MS, active, bracket, evidence, limit, look, market, new_orders, set_up
from tests.contract.test_orders import holding
from tests.contract.test_outcomes import resolved, send

Settings = Mapping[str, object]
HOUR_MS = 3_600_000


def _pairs(backend: Backend) -> Iterator[object]:
    switches = {name: values for name, values in backend.switches.items() if len(values) > 1}
    for number, row in enumerate(AllPairs([list(values) for values in switches.values()]), start=1):
        settings = dict(zip(switches, row, strict=True))
        yield pytest.param(backend, settings, id=f"{title(backend)}-{number:03}")


PAIRS = [param for backend in BACKENDS for param in _pairs(backend)]


def agrees(bench: Bench) -> None:
    """Hold what the adapter shows against the simulator's own book."""
    seen = look(bench)
    book = bench.book()
    assert holding(bench) == book.held(bench.symbol)
    working = {order.id for order in seen.orders if order.symbol == bench.symbol and not order.status.final}
    entries = {order.id for order in active(book, bench.symbol)}
    assert entries <= working
    rows = {order.id: order for order in seen.orders}
    for order in book.orders:
        if order.symbol == bench.symbol and order.id in rows:
            shown = rows[order.id]
            assert shown.filled_quantity == order.filled, shown
            assert shown.side is order.side
            assert shown.status.final == (order.state not in ("working", "waiting")), shown


def nothing_ends_early(bench: Bench) -> None:
    """An order that works in the book is not shown as final, not even while a change of it is under way."""
    for _ in range(4):
        book = bench.book()
        shown = {order.id: order for order in look(bench).orders}
        for order in active(book, bench.symbol):
            assert order.id not in shown or not shown[order.id].status.final, shown[order.id]
        bench.advance(50)


def legs_are_right(bench: Bench, orders: tuple[PlacedOrder, ...]) -> None:
    """Hold each leg's id against the book, where the broker makes orders of the legs."""
    book = bench.book()
    rows = {placed.leg: book.order(placed.order_id) for placed in orders}
    entry, stop, target = (rows.get(leg) for leg in ("order", "stop_loss", "take_profit"))
    assert entry is not None
    assert entry.side is Side.BUY
    if stop is not None or target is not None:
        assert stop is not None
        assert target is not None
        assert (stop.stop_price, target.limit_price) == (bracket(bench).stop_loss, bracket(bench).take_profit)


@case("BC-301")
@pytest.mark.parametrize(("backend", "settings"), PAIRS)
def test_session_agrees_with_the_book_under_each_pair_of_settings(backend: Backend, settings: Settings) -> None:
    bench = backend.open(settings)
    bench.advance(SETTLE_MS)
    placed = send(bench, limit(bench, bracket=bracket(bench)))
    assert isinstance(placed, Accepted)
    bench.advance(2 * SETTLE_MS)
    agrees(bench)
    legs_are_right(bench, placed.orders)

    entry = placed.orders[0].order_id
    price = bench.price - 2 * bench.distance
    moved = bench.broker.send(Replace(entry, bench.symbol, bench.unit, limit_price=price), "b" * 32, bench.deadline())
    assert isinstance(moved, Accepted)
    nothing_ends_early(bench)
    bench.advance(2 * SETTLE_MS)
    agrees(bench)

    gone = bench.broker.send(Cancel(moved.orders[0].order_id, bench.symbol), "c" * 32, bench.deadline())
    assert isinstance(gone, Accepted)
    nothing_ends_early(bench)
    bench.advance(2 * SETTLE_MS)
    agrees(bench)


@case("BC-301")
@pytest.mark.parametrize(("backend", "settings"), PAIRS)
def test_fills_agree_with_the_book_under_each_pair_of_settings(backend: Backend, settings: Settings) -> None:
    bench = backend.open(settings)
    bench.advance(SETTLE_MS)
    bench.fill_at_most(bench.unit / 2)
    partly = set_up(bench, limit(bench, bracket=bracket(bench)), "1")
    bench.set_price(bench.price - 2 * bench.distance)
    bench.advance(2 * SETTLE_MS)
    agrees(bench)
    bench.set_price(bench.price)
    bench.broker.send(Cancel(partly, bench.symbol), "c" * 32, bench.deadline())
    bench.advance(2 * SETTLE_MS)
    agrees(bench)

    set_up(bench, replace(market(bench), bracket=bracket(bench)), "2")
    bench.advance(SETTLE_MS)
    agrees(bench)
    bench.set_price(bench.price - 4 * bench.distance)
    bench.advance(2 * SETTLE_MS)
    agrees(bench)


@case("BC-208")
@pytest.mark.parametrize("shown_as", ["zero", "ordered"])
@pytest.mark.parametrize("backend", [one for one in BACKENDS if one.name == "tradestation"], ids=title)
def test_order_that_expires_unfilled_shows_no_fill(backend: Backend, shown_as: str) -> None:
    """TradeLocker has no order that ends with the day."""
    bench = backend.open({"exp_exec_quantity": shown_as})
    order_id = set_up(bench, replace(limit(bench), duration=Duration.DAY))
    bench.advance(8 * HOUR_MS)
    (order,) = [order for order in look(bench, bench.now_ms() - 9 * HOUR_MS).orders if order.id == order_id]
    assert order.status is OrderStatus.CANCELLED
    assert order.filled_quantity == 0


@case("BC-209")
def test_order_of_an_earlier_day_is_still_found_by_another_process(backend: Backend) -> None:
    bench = backend.open()
    began = bench.now_ms()
    order_id = set_up(bench, market(bench))
    bench.advance(30 * HOUR_MS)
    fresh = bench.new_broker()
    found = {order.id: order for order in fresh.orders(bench.deadline(), began - 1_000)}
    assert found[order_id].status is OrderStatus.FILLED
    assert found[order_id].filled_quantity == bench.unit


@case("BC-302")
@pytest.mark.parametrize("fault", [Fault.REPLY_LOST, Fault.RESET_BEFORE], ids=str)
@pytest.mark.parametrize(("backend", "settings"), PAIRS)
def test_lost_entry_is_found_exactly_if_it_arrived(backend: Backend, settings: Settings, fault: Fault) -> None:
    bench = backend.open(settings)
    bench.advance(SETTLE_MS)
    command = limit(bench, bracket=bracket(bench))
    known = evidence(bench)
    before = bench.book()
    bench.fault(fault)
    assert isinstance(send(bench, command), Unknown)
    resolution = resolved(bench, command, known)
    if not fault.booked:
        assert isinstance(resolution, Absent)
        return
    assert isinstance(resolution, Done)
    booked = {order.id for order in new_orders(before, bench.book())}
    assert {placed.order_id for placed in resolution.orders} <= booked
    entry = bench.book().order(resolution.orders[0].order_id)
    assert entry is not None
    assert entry.side is command.side


@case("BC-303")
@pytest.mark.parametrize("change", ["replace", "cancel"])
@pytest.mark.parametrize("fault", [Fault.REPLY_LOST, Fault.RESET_BEFORE], ids=str)
@pytest.mark.parametrize(("backend", "settings"), PAIRS)
def test_lost_change_is_found_exactly_if_it_arrived(
    backend: Backend, settings: Settings, fault: Fault, change: str
) -> None:
    bench = backend.open(settings)
    bench.advance(SETTLE_MS)
    order_id = set_up(bench, limit(bench), "1")
    price = bench.price - 2 * bench.distance
    command = (
        Replace(order_id, bench.symbol, bench.unit, limit_price=price)
        if change == "replace"
        else Cancel(order_id, bench.symbol)
    )
    known = evidence(bench)
    bench.fault(fault)
    assert isinstance(send(bench, command), Unknown)
    resolution = resolved(bench, command, known)
    assert isinstance(resolution, Done) == fault.booked
    if isinstance(resolution, Done) and change == "replace" and resolution.orders:
        bench.advance(SETTLE_MS)
        (working,) = active(bench.book(), bench.symbol)
        assert (resolution.orders[0].order_id, working.limit_price) == (working.id, price)
