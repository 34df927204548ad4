"""A broker that does not answer must not become a run of errors, and nothing old may look live."""

from tests.contract.backend import Fault
from tests.panel.conftest import MakePanel
from tests.panel.world import PanelWorld


def go_dark(world: PanelWorld) -> None:
    world.bench.read_fault(Fault.ERROR_BEFORE, 5_000)


def logged_in(world: PanelWorld) -> None:
    """Ask what the browser asks at login, so that everything was read once."""
    for what in ("instruments", "orders", "positions", "state"):
        world.get(what)
    world.ask("GET", "/quotes", accountId=world.account.name, symbols=world.bench.symbol)


def test_orders_positions_and_state_keep_the_last_look_with_a_warning(make_panel: MakePanel) -> None:
    world = make_panel()
    price = world.bench.price - world.bench.distance
    world.place()
    order_id = world.place("buy", kind="limit", limitPrice=price).d["orderId"]
    logged_in(world)
    go_dark(world)
    world.bench.advance(60_000)

    order = world.orders()[order_id]
    (position,) = world.positions()
    state = world.get("state")

    assert (order["status"], order["message"]["type"]) == ("working", "warning")
    assert "since" in order["message"]["text"]
    assert position["message"]["type"] == "warning"
    assert "No answer" in state["accountSummaryRowData"][-1]


def test_old_quotes_are_marked_and_never_shown_as_live(make_panel: MakePanel) -> None:
    world = make_panel()
    logged_in(world)
    go_dark(world)
    world.bench.advance(30_000)

    (quote,) = world.ask("GET", "/quotes", accountId=world.account.name, symbols=world.bench.symbol).d

    assert quote["s"] == "error"
    assert quote["v"]["halted"] is True
    assert "buyPipValue" not in quote["v"]


def test_polls_of_two_minutes_without_the_broker_are_never_errors_and_hardly_ask_it(make_panel: MakePanel) -> None:
    world = make_panel()
    logged_in(world)
    go_dark(world)
    before = world.asked()

    for _ in range(120):
        world.bench.advance(1_000)
        assert world.ask("GET", world.own("orders")).ok
        assert world.ask("GET", world.own("positions")).ok
        assert world.ask("GET", world.own("state")).ok
        assert world.ask("GET", "/quotes", accountId=world.account.name, symbols=world.bench.symbol).ok

    assert world.asked() - before < 120


def test_data_are_live_again_once_the_broker_answers(make_panel: MakePanel) -> None:
    world = make_panel()
    logged_in(world)
    go_dark(world)
    world.bench.advance(60_000)
    world.get("orders")
    world.answer_again()
    world.bench.advance(5_000)

    world.get("orders")
    (quote,) = world.ask("GET", "/quotes", accountId=world.account.name, symbols=world.bench.symbol).d

    assert world.get("state")["accountSummaryRowData"][-1] == "Live"
    assert quote["s"] == "ok"


def test_first_login_without_a_broker_says_so(make_panel: MakePanel) -> None:
    world = make_panel()
    go_dark(world)

    reply = world.ask("GET", world.own("orders"))

    assert "cannot be read" in reply.errmsg
