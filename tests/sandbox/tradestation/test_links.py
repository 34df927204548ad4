"""OSO, OCO and BRK (items 6 and 7; section 6.8)."""

import pytest

from tests.sandbox.tradestation.caller import FUTURES, MARGIN, Caller, bracket, limit, order, stop

EXITS = (stop("SELL", "400.00", duration="GTC"), limit("SELL", "430.00", duration="GTC"))


def cancel(caller: Caller, order_id: str) -> None:
    assert caller.send("DELETE", f"/v3/orderexecution/orders/{order_id}").status == 200
    caller.advance(150)


def statuses(caller: Caller, *ids: str) -> list[str]:
    return [str(caller.booked(order_id)["status"]) for order_id in ids]


def partly(caller: Caller, then: str) -> None:
    caller.control("script", {"match": {}, "partial_fill": {"quantities": ["4"], "then": then}})


# ---- OSO


def test_children_wait_as_oso_and_are_released_by_the_full_fill() -> None:
    caller = Caller()
    parent, low, high = caller.placed(bracket(limit("BUY", "410.00"), *EXITS))
    row = caller.row(low)
    assert (row["Status"], row["StatusDescription"]) == ("OSO", "OSO Order")
    assert {(link["Relationship"], link["OrderID"]) for link in row["ConditionalOrders"]} == {
        ("OSP", parent),
        ("BRK", high),
    }
    assert {(link["Relationship"], link["OrderID"]) for link in caller.row(parent)["ConditionalOrders"]} == {
        ("OSO", low),
        ("OSO", high),
    }
    caller.price("MSFT", "409.00")
    assert statuses(caller, parent, low, high) == ["FLL", "ACK", "ACK"]


def test_waiting_child_neither_fills_nor_reserves() -> None:
    caller = Caller()
    caller.placed(order("BUY"))
    _, child = caller.placed(bracket(limit("BUY", "400.00"), limit("SELL", "410.00"), kind="NORMAL"))
    caller.placed(order("SELL"))
    assert caller.status(child) == "OSO"


def test_partly_filled_parent_leaves_its_children_waiting() -> None:
    caller = Caller()
    partly(caller, "stay")
    parent, low, high = caller.placed(bracket(order(), *EXITS))
    assert statuses(caller, parent, low, high) == ["FPR", "OSO", "OSO"]


@pytest.mark.parametrize(("switch", "expected"), [("cancelled", "OUT"), ("left", "OSO")])
def test_cancelled_parent_and_its_children(switch: str, expected: str) -> None:
    caller = Caller(children_on_parent_cancel=switch)
    parent, low, high = caller.placed(bracket(limit("BUY", "400.00"), *EXITS))
    cancel(caller, parent)
    assert statuses(caller, parent, low, high) == ["OUT", expected, expected]


@pytest.mark.parametrize(("switch", "expected"), [("cancelled", "OUT"), ("released", "REJ"), ("left", "OSO")])
def test_parent_that_ends_partly_filled_and_its_children(switch: str, expected: str) -> None:
    caller = Caller(children_on_flp=switch)
    partly(caller, "FLP")
    parent, low, high = caller.placed(bracket(order(), *EXITS))
    caller.advance(100)
    assert statuses(caller, parent, low, high) == ["FLP", expected, expected]
    assert caller.held("MSFT") == "4"


def test_children_of_a_rejected_parent_are_out() -> None:
    caller = Caller(children_on_parent_cancel="left")
    caller.control("script", {"match": {"type": "Market"}, "reject_later": {"after_ms": 0}})
    parent, low, high = caller.placed(bracket(order(), *EXITS))
    assert statuses(caller, parent, low, high) == ["REJ", "OUT", "OUT"]


def test_release_can_take_time() -> None:
    caller = Caller(oso_release_delay_ms="800")
    _, low, _ = caller.placed(bracket(order(), *EXITS))
    assert caller.status(low) == "OSO"
    caller.advance(800)
    assert caller.status(low) == "ACK"


def test_reverse_by_a_child_that_sells_short() -> None:
    caller = Caller()
    caller.placed(order("BUY", "100"))
    caller.placed(bracket(order("SELL", "100"), order("SELLSHORT", "50"), kind="NORMAL"))
    assert caller.held("MSFT") == "-50"


def test_two_brackets_of_half_size_and_their_own_siblings() -> None:
    caller = Caller()
    half = (stop("SELL", "400.00", "5"), limit("SELL", "430.00", "5"))
    body = order() | {"OSOs": [{"Type": "BRK", "Orders": list(half)}, {"Type": "BRK", "Orders": list(half)}]}
    ids = caller.placed(body)
    caller.price("MSFT", "431.00")
    assert statuses(caller, *ids) == ["FLL", "OUT", "FLL", "OUT", "FLL"]
    assert caller.held("MSFT") is None


def test_children_nest() -> None:
    caller = Caller()
    inner = bracket(limit("SELL", "430.00"), order("SELLSHORT", "3"), kind="NORMAL")
    ids = caller.placed(bracket(order(), inner, kind="NORMAL"))
    assert statuses(caller, *ids) == ["FLL", "ACK", "OSO"]
    caller.price("MSFT", "431.00")
    assert caller.held("MSFT") == "-3"


def test_futures_bracket_protects_and_leaves_nothing() -> None:
    caller = Caller()
    entry = order("BUY", "2", "MESZ26")
    exits = (stop("SELL", "6850.00", "2", "MESZ26"), limit("SELL", "6950.00", "2", "MESZ26"))
    ids = caller.placed(bracket(entry, *exits))
    caller.price("MESZ26", 6849)
    assert statuses(caller, *ids) == ["FLL", "FLL", "OUT"]
    assert caller.held("MESZ26", FUTURES) is None


# ---- BRK


def test_partial_fill_of_one_bracket_leg_shrinks_the_other() -> None:
    caller = Caller()
    caller.placed(order("BUY"))
    caller.control("script", {"match": {"type": "Limit"}, "partial_fill": {"quantities": ["4"], "then": "stay"}})
    low, high = caller.group("BRK", *EXITS)
    caller.price("MSFT", "431.00")
    assert statuses(caller, low, high) == ["ACK", "FPR"]
    assert caller.leg(low)["QuantityOrdered"] == "6"
    assert caller.row(low)["GroupName"].startswith("BRK ")


def test_both_legs_in_one_jump_fill_once() -> None:
    caller = Caller()
    caller.placed(order("BUY"))
    ids = caller.group("BRK", stop("SELL", "420.00"), limit("SELL", "412.00"))
    assert statuses(caller, *ids).count("FLL") == 1
    assert caller.held("MSFT") is None


@pytest.mark.parametrize(
    ("switches", "expected"),
    [({}, ["FLL", "OUT"]), ({"bracket_fill_status": "BRF", "bracket_sibling_status": "BRC"}, ["BRF", "BRC"])],
)
def test_statuses_of_a_bracket_that_is_done(switches: dict[str, str], expected: list[str]) -> None:
    caller = Caller(**switches)
    caller.placed(order("BUY"))
    ids = caller.group("BRK", *EXITS)
    caller.price("MSFT", "399.00")
    assert statuses(caller, *ids) == expected


# ---- OCO


def test_oco_breakout_cancels_the_other_side() -> None:
    caller = Caller()
    up, down = caller.group("OCO", stop("BUY", "420.00"), stop("SELLSHORT", "400.00"))
    name = caller.row(up)["GroupName"]
    assert name.startswith("OCO ")
    assert f"OCA={name[4:]};" in caller.row(down)["AdvancedOptions"]
    caller.price("MSFT", "421.00")
    assert statuses(caller, up, down) == ["FLL", "OUT"]
    caller.price("MSFT", "399.00")
    assert caller.held("MSFT") == "10"


def test_partial_fill_in_an_oco_cancels_the_others_whole() -> None:
    caller = Caller()
    caller.control("script", {"match": {"action": "BUY"}, "partial_fill": {"quantities": ["4"], "then": "stay"}})
    up, down = caller.group("OCO", stop("BUY", "420.00"), stop("SELLSHORT", "400.00"))
    caller.price("MSFT", "421.00")
    assert statuses(caller, up, down) == ["FPR", "OUT"]


@pytest.mark.parametrize(("switch", "expected"), [("stays", "ACK"), ("cancelled", "OUT")])
def test_user_cancels_one_leg(switch: str, expected: str) -> None:
    caller = Caller(sibling_on_cancel=switch)
    caller.placed(order("BUY"))
    low, high = caller.group("BRK", *EXITS)
    cancel(caller, low)
    assert statuses(caller, low, high) == ["OUT", expected]


def test_normal_group_links_nothing() -> None:
    caller = Caller()
    first, second = caller.group("NORMAL", limit("BUY", "410.00"), limit("BUY", "405.00"))
    caller.price("MSFT", "409.00")
    assert statuses(caller, first, second) == ["FLL", "ACK"]
    assert "GroupName" not in caller.row(second)


# ---- what rows tell of links


@pytest.mark.parametrize(
    ("switch", "relationships"), [("full", {"OSP", "BRK"}), ("siblings_only", {"BRK"}), ("absent", set[str]())]
)
def test_links_are_shown_by_switch(switch: str, relationships: set[str]) -> None:
    caller = Caller(conditional_orders=switch)
    _, low, _ = caller.placed(bracket(limit("BUY", "400.00"), *EXITS))
    assert {link["Relationship"] for link in caller.row(low).get("ConditionalOrders", [])} == relationships


def test_parent_link_can_be_dropped_after_release() -> None:
    caller = Caller(parent_link_after_release="dropped")
    parent, low, _ = caller.placed(bracket(order(), *EXITS))
    assert {link["Relationship"] for link in caller.row(low)["ConditionalOrders"]} == {"BRK"}
    assert "ConditionalOrders" not in caller.row(parent)


def test_group_name_can_be_absent() -> None:
    caller = Caller(group_name="absent")
    caller.placed(order("BUY"))
    low, _ = caller.group("BRK", *EXITS)
    row = caller.row(low)
    assert "GroupName" not in row
    assert "OCA" not in row["AdvancedOptions"]


@pytest.mark.parametrize("status", ["OSO", "OPN", "DON"])
def test_waiting_child_shows_the_status_of_the_switch(status: str) -> None:
    caller = Caller(waiting_child_status=status)
    _, low, _ = caller.placed(bracket(limit("BUY", "410.00"), *EXITS))
    assert caller.status(low) == status
    caller.price("MSFT", "395.00")
    assert caller.booked(low)["status"] == "FLL"


def test_position_closed_elsewhere_leaves_its_exits_unless_told() -> None:
    caller = Caller()
    ids = caller.placed(bracket(order(), *EXITS))
    caller.control("trade", {"account": MARGIN, "close": "MSFT", "price": "412.00"})
    assert statuses(caller, *ids[1:]) == ["ACK", "ACK"]
    caller.control("trade", {"account": MARGIN, "order": {k: v for k, v in order("BUY").items() if k != "AccountID"}})
    caller.control("trade", {"account": MARGIN, "close": "MSFT", "cancel_exits": True})
    assert statuses(caller, *ids[1:]) == ["OUT", "OUT"]
