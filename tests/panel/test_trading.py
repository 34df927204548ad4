"""Orders by hand at each kind of account, judged by the simulated broker's own book."""

from decimal import Decimal
from typing import Any

from tests.panel.conftest import MakePanel
from tests.panel.world import PanelWorld


def prices(world: PanelWorld, side: int = 1, at: Decimal | None = None) -> dict[str, Any]:
    """Give a stop and a target one distance away."""
    price, distance = at if at is not None else world.bench.price, world.bench.distance
    return {"stopLoss": price - side * distance, "takeProfit": price + side * distance}


def brackets(world: PanelWorld) -> dict[str, Any]:
    """Give the bracket orders that are listed and may still change, by type."""
    return {o["type"]: o for o in world.orders().values() if "parentId" in o and o["status"] in ("working", "inactive")}


def test_market_order_is_filled_listed_and_held(make_panel: MakePanel) -> None:
    world = make_panel()

    placed = world.place()

    order = world.orders()[placed.d["orderId"]]
    assert (order["status"], order["filledQty"], order["qty"]) == ("filled", float(world.bench.unit), order["qty"])
    (position,) = world.positions()
    assert (position["side"], position["qty"]) == ("buy", float(world.bench.unit))
    assert world.held() == world.bench.unit


def test_bracket_of_a_working_order_is_inactive_until_it_fills_then_protects_the_position(
    make_panel: MakePanel,
) -> None:
    world = make_panel()
    limit = world.bench.price - world.bench.distance

    order_id = world.place("buy", kind="limit", limitPrice=limit, **prices(world, at=limit)).d["orderId"]
    world.settle()
    before = brackets(world)
    world.bench.set_price(limit - Decimal(1))
    world.settle(6)
    after = brackets(world)

    assert {o["status"] for o in before.values()} == {"inactive"}
    assert {(o["parentType"], o["parentId"]) for o in before.values()} == {("order", order_id)}
    assert (before["stop"]["stopPrice"], before["limit"]["limitPrice"]) == (
        float(limit - world.bench.distance),
        float(limit + world.bench.distance),
    )
    (position,) = world.positions()
    assert {o["status"] for o in after.values()} == {"working"}
    assert {(o["parentType"], o["parentId"]) for o in after.values()} == {("position", position["id"])}
    assert {o["id"] for o in after.values()} == {o["id"] for o in before.values()}
    assert world.orders()[order_id]["status"] == "filled"


def test_market_order_with_bracket_leaves_a_protected_position(make_panel: MakePanel) -> None:
    world = make_panel()

    world.place("buy", **prices(world))
    world.settle()

    exits = world.protection()
    assert exits.stopped_quantity == world.bench.unit
    assert (exits.stop, exits.target) == (
        world.bench.price - world.bench.distance,
        world.bench.price + world.bench.distance,
    )
    (position,) = world.positions()
    assert {o["parentId"] for o in brackets(world).values()} == {position["id"]}


def test_limit_order_is_changed_and_then_cancelled(make_panel: MakePanel) -> None:
    world = make_panel()
    price, distance = world.bench.price, world.bench.distance
    order_id = world.place("buy", kind="limit", limitPrice=price - 2 * distance).d["orderId"]

    changed = world.ask(
        "PUT", world.own(f"orders/{order_id}"), {"qty": world.bench.unit * 2, "limitPrice": price - 3 * distance}
    )
    world.settle()
    shown = world.orders()[order_id]
    cancelled = world.ask("DELETE", world.own(f"orders/{order_id}"))
    world.settle()

    assert changed.ok
    assert (shown["qty"], shown["limitPrice"]) == (float(world.bench.unit * 2), float(price - 3 * distance))
    assert shown["status"] == "working"
    assert cancelled.ok
    assert world.orders()[order_id]["status"] == "cancelled"
    assert world.working() == []


def test_cancelling_an_order_reports_its_brackets_cancelled(make_panel: MakePanel) -> None:
    world = make_panel()
    limit = world.bench.price - world.bench.distance
    order_id = world.place("buy", kind="limit", limitPrice=limit, **prices(world, at=limit)).d["orderId"]
    world.settle()
    legs = {o["id"] for o in brackets(world).values()}

    world.ask("DELETE", world.own(f"orders/{order_id}"))
    world.settle(6)

    orders = world.orders()
    assert len(legs) == 2
    assert {orders[leg]["status"] for leg in legs} == {"cancelled"}
    assert world.working() == []


def test_bracket_removed_from_a_working_order_is_reported_cancelled(make_panel: MakePanel) -> None:
    world = make_panel()
    limit = world.bench.price - world.bench.distance
    both = prices(world, at=limit)
    order_id = world.place("buy", kind="limit", limitPrice=limit, **both).d["orderId"]
    world.settle()
    stop, target = brackets(world)["stop"]["id"], brackets(world)["limit"]["id"]

    removed = world.ask(
        "PUT",
        world.own(f"orders/{order_id}"),
        {"qty": world.bench.unit, "limitPrice": limit, "stopLoss": both["stopLoss"]},
    )
    world.settle(6)

    orders = world.orders()
    assert removed.ok
    assert orders[target]["status"] == "cancelled"
    assert orders[stop]["status"] == "inactive"
    assert orders[order_id]["status"] == "working"


def test_stop_of_a_position_is_set_dragged_and_removed(make_panel: MakePanel) -> None:
    world = make_panel()
    world.place()
    (position,) = world.positions()
    path, price = world.own(f"positions/{position['id']}"), world.bench.price
    near, far = price - world.bench.distance, price - 2 * world.bench.distance

    assert world.ask("PUT", path, {"stopLoss": near, "currentBid": price}).ok
    world.settle()
    first = world.protection()
    assert world.ask("PUT", path, {"stopLoss": far, "currentBid": price}).ok
    world.settle()
    second, leg = world.protection(), brackets(world)["stop"]["id"]
    assert world.ask("PUT", path, {"currentBid": price}).ok
    world.settle(8)

    assert (first.stop, first.stopped_quantity) == (near, world.bench.unit)
    assert (second.stop, second.stopped_quantity) == (far, world.bench.unit)
    assert world.working() == []
    assert world.orders()[leg]["status"] == "cancelled"
    assert world.held() == world.bench.unit


def test_target_added_to_a_stop_gives_both(make_panel: MakePanel) -> None:
    world = make_panel()
    world.place()
    (position,) = world.positions()
    path, both = world.own(f"positions/{position['id']}"), prices(world)

    assert world.ask("PUT", path, {"stopLoss": both["stopLoss"]}).ok
    world.settle()
    assert world.ask("PUT", path, both).ok
    world.settle()

    exits = world.protection()
    assert (exits.stop, exits.target) == (both["stopLoss"], both["takeProfit"])
    assert exits.stopped_quantity == world.bench.unit
    assert len([o for o in world.working() if o.state == "working"]) == 2


def test_stop_dragged_as_an_order_moves(make_panel: MakePanel) -> None:
    world = make_panel()
    world.place("buy", **prices(world))
    world.settle()
    leg = brackets(world)["stop"]
    further = world.bench.price - 2 * world.bench.distance

    moved = world.ask("PUT", world.own(f"orders/{leg['id']}"), {"qty": leg["qty"], "stopPrice": further})
    world.settle()

    assert moved.ok
    assert world.protection().stop == further
    assert brackets(world)["stop"]["stopPrice"] == float(further)


def test_stop_cancelled_as_an_order_leaves_target_and_position(make_panel: MakePanel) -> None:
    world = make_panel()
    world.place("buy", **prices(world))
    world.settle()
    stop, target = brackets(world)["stop"]["id"], brackets(world)["limit"]["id"]

    cancelled = world.ask("DELETE", world.own(f"orders/{stop}"))
    world.settle(8)

    assert cancelled.ok
    orders = world.orders()
    assert (orders[stop]["status"], orders[target]["status"]) == ("cancelled", "working")
    assert world.protection().stop is None
    assert world.held() == world.bench.unit


def test_half_of_a_position_is_closed_and_the_rest_keeps_its_bracket(make_panel: MakePanel) -> None:
    world = make_panel()
    half = world.bench.unit / 2
    world.place("buy", **prices(world))
    world.settle()
    (position,) = world.positions()

    closed = world.ask("DELETE", world.own(f"positions/{position['id']}"), {"amount": half})
    world.settle()

    assert closed.ok
    assert world.held() == half
    assert world.protection().stopped_quantity == half
    assert world.positions()[0]["qty"] == float(half)


def test_closed_position_leaves_nothing_and_reports_its_brackets_cancelled(make_panel: MakePanel) -> None:
    world = make_panel()
    world.place("buy", **prices(world))
    world.settle()
    legs = {o["id"] for o in brackets(world).values()}
    (position,) = world.positions()

    closed = world.ask("DELETE", world.own(f"positions/{position['id']}"))
    world.settle()

    assert closed.ok
    assert world.held() == 0
    assert (world.working(), world.positions()) == ([], [])
    orders = world.orders()
    assert {orders[leg]["status"] for leg in legs} == {"cancelled"}


def test_closing_twice_closes_once(make_panel: MakePanel) -> None:
    world = make_panel()
    world.place()
    (position,) = world.positions()
    path = world.own(f"positions/{position['id']}")

    first, second = world.ask("DELETE", path), world.ask("DELETE", path)
    world.settle()

    assert first.ok
    assert second.errmsg == "This position is closed already."
    assert world.held() == 0


def test_same_request_id_places_one_order_and_answers_the_same(make_panel: MakePanel) -> None:
    world = make_panel()

    first, again = world.place(request_id="r1"), world.place(request_id="r1")
    world.settle()

    assert first.d == again.d
    assert world.held() == world.bench.unit


def test_same_request_id_for_another_order_is_refused(make_panel: MakePanel) -> None:
    world = make_panel()
    world.place(request_id="r1")

    other = world.place("sell", request_id="r1")

    assert "requestId" in other.errmsg
    assert world.held() == world.bench.unit


def test_refused_order_is_told_in_the_brokers_words_and_not_listed(make_panel: MakePanel) -> None:
    world = make_panel()
    many = world.bench.unit * 100_000

    refused = world.place("buy", many)
    world.settle()

    assert refused.errmsg
    assert world.held() == 0
    assert all(order["status"] in ("rejected", "cancelled") for order in world.orders().values())


def test_executions_tell_each_fill_once_and_which_of_them_closed(make_panel: MakePanel) -> None:
    world = make_panel()
    half = world.bench.unit / 2
    world.place()
    (position,) = world.positions()
    world.ask("DELETE", world.own(f"positions/{position['id']}"), {"amount": half})
    world.settle()

    fills = world.get("executions", instrument=world.bench.symbol)
    again = world.ask(
        "GET", world.own("executions"), api=world.new_api(), instrument=world.bench.symbol
    ).d

    assert [(f["side"], f["qty"], f["isClose"]) for f in fills] == [
        ("buy", float(world.bench.unit), False),
        ("sell", float(half), True),
    ]
    assert fills == again
    assert {f["orderId"] for f in fills} <= set(world.orders())
