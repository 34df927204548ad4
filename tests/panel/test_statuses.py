"""Ids and statuses of orders from the press to the end: never another id, never back, never gone without an end.

`PanelWorld.orders` holds this at every look of every test; here are the ways that an order can take.
"""

from decimal import Decimal
from typing import Any

import pytest

from orderbridge.execution.ports import Held
from tests.contract.backend import Fault
from tests.contract.tradestation import control
from tests.panel.conftest import PANEL_BENCHES, MakePanel
from tests.panel.test_unknown import lost_with_the_broker
from tests.panel.world import PanelWorld


def listed(world: PanelWorld, order_id: str) -> Any:
    return world.orders()[order_id]


def bracket(world: PanelWorld, at: Decimal) -> dict[str, Any]:
    return {"stopLoss": at - world.bench.distance, "takeProfit": at + world.bench.distance}


def legs(world: PanelWorld) -> dict[str, Any]:
    """Give the bracket orders that may still change, by type."""
    return {o["type"]: o for o in world.orders().values() if "parentId" in o and o["status"] in ("working", "inactive")}


def test_waiting_bracket_is_of_the_other_side_and_the_same_size(make_panel: MakePanel) -> None:
    world = make_panel()
    limit = world.bench.price - world.bench.distance

    entry = world.place("buy", kind="limit", limitPrice=limit, **bracket(world, limit)).d["orderId"]
    world.settle()

    found = legs(world)
    assert set(found) == {"stop", "limit"}
    assert {(one["side"], one["qty"], one["status"]) for one in found.values()} == {
        ("sell", float(world.bench.unit), "inactive")
    }
    assert {(one["parentType"], one["parentId"]) for one in found.values()} == {("order", entry)}


def test_unknown_limit_order_keeps_its_id_through_working_and_filled(make_panel: MakePanel) -> None:
    world = make_panel()
    price = world.bench.price - world.bench.distance
    lost_with_the_broker(world)

    told = world.place("buy", kind="limit", limitPrice=price).d["orderId"]
    seen = [listed(world, told)["status"]]
    world.answer_again()
    world.settle(30)
    seen.append(listed(world, told)["status"])
    world.bench.set_price(price - world.bench.distance / 10)
    world.settle(6)
    seen.append(listed(world, told)["status"])

    assert seen == ["placing", "working", "filled"]
    assert [o["id"] for o in world.orders().values()] == [told]
    (fill,) = world.get("executions", instrument=world.bench.symbol)
    assert fill["orderId"] == told


def test_unknown_limit_order_can_be_changed_and_cancelled_under_its_id(make_panel: MakePanel) -> None:
    world = make_panel()
    price, distance, unit = world.bench.price, world.bench.distance, world.bench.unit
    lost_with_the_broker(world)
    told = world.place("buy", kind="limit", limitPrice=price - distance).d["orderId"]
    path = world.own(f"orders/{told}")
    too_early = world.ask("DELETE", path)
    world.answer_again()
    world.settle(30)

    changed = world.ask("PUT", path, {"qty": unit, "limitPrice": price - 2 * distance})
    world.settle()
    at = listed(world, told)["limitPrice"]
    cancelled = world.ask("DELETE", path)
    world.settle()

    assert "not known yet" in too_early.errmsg
    assert (changed.ok, at, cancelled.ok) == (True, float(price - 2 * distance), True)
    assert listed(world, told)["status"] == "cancelled"
    assert world.working() == []


def test_same_request_while_the_first_is_under_way_is_the_same_order(make_panel: MakePanel) -> None:
    world = make_panel()
    world.get("orders")
    held = world.lanes.take(world.lane(), "somebody-else", world.clock.now_ms(), 45_000)
    assert isinstance(held, Held)

    first = world.place(request_id="r1")
    again = world.ask("POST", world.own("orders"), world.ticket(), api=world.new_api(), requestId="r1")
    placing = listed(world, first.d["orderId"])["status"]
    world.lanes.release(held.fence)
    later = world.place(request_id="r1")
    world.settle(20)

    assert placing == "placing"
    assert first.d == again.d == later.d
    assert world.held() in (0, world.bench.unit)  # too old by then, or placed once
    assert listed(world, first.d["orderId"])["status"] == ("filled" if world.held() else "rejected")


def test_same_request_again_after_the_process_died_places_nothing_more(make_panel: MakePanel) -> None:
    world = make_panel()
    world.get("orders")
    world.bench.fault(Fault.REPLY_LOST)
    first = world.place(request_id="r1")
    world.restart()

    again = world.ask("POST", world.own("orders"), world.ticket(), api=world.new_api(), requestId="r1")
    world.settle(20)

    assert again.d == first.d
    assert world.held() == world.bench.unit


def test_bracket_is_added_to_a_working_order_only_where_the_flag_says_so(make_panel: MakePanel) -> None:
    world = make_panel()
    limit = world.bench.price - world.bench.distance
    can = world.ask("GET", "/accounts").d[0]["config"]["supportAddBracketsToExistingOrder"]
    order_id = world.place("buy", kind="limit", limitPrice=limit).d["orderId"]

    form = {"qty": world.bench.unit, "limitPrice": limit, **bracket(world, limit)}
    reply = world.ask("PUT", world.own(f"orders/{order_id}"), form)
    world.settle()

    assert reply.ok is can
    assert set(legs(world)) == ({"stop", "limit"} if can else set())
    assert listed(world, order_id)["status"] == "working"


def test_target_filled_in_part_leaves_the_stop_for_the_rest() -> None:
    world = PanelWorld(PANEL_BENCHES["tradestation-futures"]())
    world.place("buy", world.bench.unit * 2, **bracket(world, world.bench.price))
    world.settle(6)
    target = legs(world)["limit"]

    fill = {"account": world.inside.seat.account_id, "fill": target["id"], "quantity": str(world.bench.unit)}
    control(world.inside.sim, "trade", fill)
    world.settle(8)

    shown = legs(world)
    assert (shown["limit"]["filledQty"], shown["limit"]["status"]) == (float(world.bench.unit), "working")
    assert shown["stop"]["qty"] == float(world.bench.unit)
    assert world.protection().stopped_quantity == world.held() == world.bench.unit


@pytest.mark.parametrize("press", ["cancel", "modify"])
def test_final_order_is_changed_no_more(make_panel: MakePanel, press: str) -> None:
    world = make_panel()
    order_id = world.place().d["orderId"]
    world.settle()

    path, form = world.own(f"orders/{order_id}"), {"qty": world.bench.unit}
    reply = world.ask("DELETE", path) if press == "cancel" else world.ask("PUT", path, form)

    assert reply.errmsg == "The order is filled already."
    assert listed(world, order_id)["status"] == "filled"
