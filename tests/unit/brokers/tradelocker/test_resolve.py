"""Whether a command took effect, told from looks of every kind."""

from dataclasses import replace
from decimal import Decimal

import pytest

from orderbridge.brokers.port import Absent, Ambiguous, Done, Evidence, Look, PlacedOrder, Resolution
from orderbridge.brokers.tradelocker.labels import label_of
from orderbridge.brokers.tradelocker.resolve import SETTLE_MS, SKEW_MS, resolve
from orderbridge.commands import (
    Bracket,
    Cancel,
    CancelAll,
    CloseAll,
    ClosePosition,
    Command,
    ModifyPosition,
    Place,
    PlaceGroup,
    Replace,
)
from orderbridge.model import Order, OrderStatus, OrderType, Position, Side

ID = "0123456789abcdef0123456789abcdef"
SENT = 1_000_000
PLACE = Place("BTCUSD", Side.BUY, Decimal("0.10"), "open")
ROW = Order(
    id="10", symbol="BTCUSD", side=Side.BUY, type=OrderType.MARKET, quantity=Decimal("0.10"),
    status=OrderStatus.FILLED, filled_quantity=Decimal("0.10"), placed_at_ms=SENT + 50, position_id="77",
    label=label_of(ID), native_status="Filled",
)  # fmt: skip
HELD = Position(
    id="77", symbol="BTCUSD", side=Side.BUY, quantity=Decimal("0.10"), opened_at_ms=SENT - 60_000, label=label_of(ID)
)
AT_SENDING = Evidence(SENT)
WORKING = replace(ROW, id="20", type=OrderType.LIMIT, status=OrderStatus.WORKING, filled_quantity=Decimal(0),
                  limit_price=Decimal(70_000), position_id=None, label="", placed_at_ms=SENT - 60_000)  # fmt: skip


def _resolve(
    command: Command,
    *orders: Order,
    positions: tuple[Position, ...] = (),
    evidence: Evidence = AT_SENDING,
    after_ms: int = 1_000,
) -> Resolution:
    return resolve(command, ID, evidence, Look(positions, orders, SENT + after_ms))


# ---- Place


def test_one_row_with_the_label_is_done() -> None:
    assert _resolve(PLACE, ROW) == Done((PlacedOrder("10", "order"),))


@pytest.mark.parametrize("status", [OrderStatus.WORKING, OrderStatus.CANCELLED])
def test_row_that_is_not_filled_is_done_too(status: OrderStatus) -> None:
    assert _resolve(PLACE, replace(ROW, status=status)) == Done((PlacedOrder("10", "order"),))


def test_no_row_with_the_label_is_absent_whatever_else_is_there() -> None:
    assert _resolve(PLACE, replace(ROW, label=""), replace(ROW, label=label_of("other"))) == Absent()


def test_row_and_position_of_the_same_order_are_one() -> None:
    assert _resolve(PLACE, ROW, positions=(HELD,)) == Done((PlacedOrder("10", "order"),))


def test_two_rows_with_the_label_are_ambiguous() -> None:
    assert _resolve(PLACE, ROW, replace(ROW, id="11")) == Ambiguous(("10", "11"))


@pytest.mark.parametrize(
    "change", [{"symbol": "EURUSD"}, {"quantity": Decimal("0.11")}, {"side": Side.SELL, "position_id": None}]
)
def test_row_with_the_label_that_does_not_fit_is_for_a_person(change: dict[str, object]) -> None:
    assert _resolve(PLACE, replace(ROW, **change)) == Ambiguous(("10",))  # type: ignore[arg-type]


def test_quantity_in_another_notation_fits() -> None:
    assert _resolve(PLACE, replace(ROW, quantity=Decimal("0.1000"))) == Done((PlacedOrder("10", "order"),))


def test_label_copied_to_the_closing_order_and_the_legs_is_no_second_order() -> None:
    closing = replace(ROW, id="12", side=Side.SELL, parent_id="77", parent_type="position", effect="close")
    stop = replace(closing, id="13", type=OrderType.STOP, status=OrderStatus.WORKING, sibling_ids=("14",))

    assert _resolve(PLACE, ROW, closing, stop) == Done((PlacedOrder("10", "order"),))
    assert _resolve(PLACE, ROW, replace(closing, parent_id=None)) == Done((PlacedOrder("10", "order"),))
    assert _resolve(PLACE, closing, stop) == Absent()


def test_order_that_reduces_a_netted_position_is_found_by_its_label() -> None:
    command = replace(PLACE, side=Side.SELL, effect="close")
    reducing = replace(ROW, side=Side.SELL, parent_id="77", parent_type="position", effect="close")

    assert _resolve(command, reducing) == Done((PlacedOrder("10", "order"),))


def test_position_seen_before_its_order_is_done_without_an_order_id_after_a_wait() -> None:
    assert _resolve(PLACE, positions=(HELD,), after_ms=SETTLE_MS - 1) == Absent()
    found = _resolve(PLACE, positions=(HELD,), after_ms=SETTLE_MS)

    assert isinstance(found, Done)
    assert found.orders == ()
    assert "77" in found.message


def test_order_that_was_booked_late_is_waited_for_from_then() -> None:
    late = replace(HELD, opened_at_ms=SENT + 30_000)

    assert _resolve(PLACE, positions=(late,), after_ms=30_000 + SETTLE_MS - 1) == Absent()
    assert isinstance(_resolve(PLACE, positions=(late,), after_ms=30_000 + SETTLE_MS), Done)


@pytest.mark.parametrize("change", [{"symbol": "EURUSD"}, {"side": Side.SELL}, {"quantity": Decimal("0.20")}])
def test_position_with_the_label_that_does_not_fit_is_for_a_person(change: dict[str, object]) -> None:
    assert _resolve(PLACE, positions=(replace(HELD, **change),)) == Ambiguous(("77",))  # type: ignore[arg-type]


def test_rejected_row_is_the_answer_and_says_so() -> None:
    rejected = replace(ROW, status=OrderStatus.REJECTED, native_status="Refused")

    found = _resolve(PLACE, rejected)

    assert isinstance(found, Done)
    assert found.orders == (PlacedOrder("10", "order", refused="rejected by the broker (Refused)"),)


def test_refused_row_of_an_earlier_attempt_says_nothing_about_this_one() -> None:
    earlier = replace(ROW, id="9", status=OrderStatus.REJECTED, placed_at_ms=SENT - SKEW_MS - 1)

    assert _resolve(PLACE, earlier) == Absent()
    assert _resolve(PLACE, earlier, ROW) == Done((PlacedOrder("10", "order"),))


def test_order_of_another_command_is_no_candidate() -> None:
    assert _resolve(PLACE, ROW, evidence=Evidence(SENT, claimed_ids=("10",))) == Absent()


# ---- Replace


def test_replace_is_done_when_every_value_stands_in_the_order() -> None:
    command = Replace("20", "BTCUSD", quantity=Decimal("0.10"), limit_price=Decimal("70000.00"))

    assert _resolve(command, WORKING) == Done((PlacedOrder("20", "order"),))


@pytest.mark.parametrize(
    "command",
    [
        Replace("20", "BTCUSD", limit_price=Decimal(70_001)),
        Replace("20", "BTCUSD", limit_price=Decimal(70_000), quantity=Decimal("0.20")),
        Replace("20", "BTCUSD", stop_price=Decimal(1)),
        Replace("20", "BTCUSD", bracket=Bracket(stop_loss=Decimal(66_000))),
        Replace("99", "BTCUSD", limit_price=Decimal(70_000)),
    ],
)
def test_replace_is_absent_while_a_value_does_not_stand_there(command: Replace) -> None:
    assert _resolve(command, WORKING) == Absent()


def test_replaced_bracket_is_told_by_the_orders_legs() -> None:
    stop = replace(WORKING, id="20:SL", status=OrderStatus.INACTIVE, stop_price=Decimal(66_000), parent_id="20")
    target = replace(stop, id="20:TP", stop_price=None, limit_price=Decimal(79_000))
    moved = Replace("20", "BTCUSD", bracket=Bracket(stop_loss=Decimal(66_000), take_profit=Decimal(79_000)))
    removed = Replace("20", "BTCUSD", remove_stop_loss=True, remove_take_profit=True)

    assert _resolve(moved, WORKING, stop, target) == Done((PlacedOrder("20", "order"),))
    assert _resolve(moved, WORKING, stop) == Absent()
    assert _resolve(removed, WORKING, target) == Absent()
    assert _resolve(removed, WORKING) == Done((PlacedOrder("20", "order"),))


# ---- Cancel


@pytest.mark.parametrize("status", [OrderStatus.CANCELLED, OrderStatus.FILLED, OrderStatus.REJECTED])
def test_final_order_needs_no_cancel_any_more(status: OrderStatus) -> None:
    found = _resolve(Cancel("20", "BTCUSD"), replace(WORKING, status=status))

    assert found == Done((PlacedOrder("20", "order"),), f"the order is {status}")


def test_working_or_unseen_order_is_not_cancelled() -> None:
    assert _resolve(Cancel("20", "BTCUSD"), WORKING) == Absent()
    assert _resolve(Cancel("20", "BTCUSD")) == Absent()


def test_leg_of_a_working_order_is_cancelled_when_the_order_has_it_no_more() -> None:
    leg = replace(WORKING, id="20:SL", status=OrderStatus.INACTIVE, parent_id="20")

    assert _resolve(Cancel("20:SL", "BTCUSD"), WORKING) == Done()
    assert _resolve(Cancel("20:SL", "BTCUSD"), WORKING, leg) == Absent()
    assert _resolve(Cancel("20:SL", "BTCUSD")) == Absent()


def test_all_are_cancelled_when_none_of_before_is_working() -> None:
    stop = replace(WORKING, id="21", parent_id="77", parent_type="position")
    later = replace(WORKING, id="22", placed_at_ms=SENT + SKEW_MS + 1)
    done = replace(WORKING, status=OrderStatus.CANCELLED)

    assert _resolve(CancelAll(), done, stop, later) == Done()
    assert _resolve(CancelAll(), WORKING) == Absent()
    assert _resolve(CancelAll("EURUSD"), WORKING) == Done()
    assert _resolve(CancelAll("BTCUSD"), WORKING) == Absent()


# ---- ClosePosition

WHOLE = ClosePosition("77", "BTCUSD", Side.BUY, Decimal("0.10"))
PART = ClosePosition("77", "BTCUSD", Side.BUY, Decimal("0.10"), Decimal("0.04"))
BEFORE = Evidence(SENT, quantities={"77": Decimal("0.10")})
CLOSING = replace(ROW, id="30", side=Side.SELL, quantity=Decimal("0.04"), filled_quantity=Decimal("0.04"), label="")


def _left(quantity: str) -> tuple[Position, ...]:
    return (replace(HELD, quantity=Decimal(quantity)),)


def test_whole_close_is_done_when_the_position_is_gone_and_only_then() -> None:
    assert _resolve(WHOLE, evidence=BEFORE) == Done()
    assert _resolve(WHOLE, positions=_left("0.04"), evidence=BEFORE) == Absent()


def test_partial_close_is_done_when_the_quantity_says_so() -> None:
    assert _resolve(PART, positions=_left("0.06"), evidence=BEFORE) == Done()
    assert _resolve(PART, CLOSING, positions=_left("0.06"), evidence=BEFORE) == Done((PlacedOrder("30", "order"),))


def test_partial_close_is_absent_while_everything_is_still_held() -> None:
    assert _resolve(PART, positions=_left("0.10"), evidence=BEFORE) == Absent()
    assert _resolve(PART, positions=_left("0.10"), evidence=BEFORE, after_ms=10 * SETTLE_MS) == Absent()


def test_partial_close_is_compared_with_the_evidence_before_the_commands_own_expectation() -> None:
    # The command was made when 0.10 were held; a stop had taken a part before it was sent.
    evidence = Evidence(SENT, quantities={"77": Decimal("0.06")})

    assert _resolve(PART, positions=_left("0.06"), evidence=evidence) == Absent()
    assert _resolve(PART, positions=_left("0.06")) == Done()


def test_partial_close_of_a_short_compares_sizes() -> None:
    command = replace(PART, held_side=Side.SELL)
    evidence = Evidence(SENT, quantities={"77": Decimal("-0.10")})
    short = (replace(HELD, side=Side.SELL, quantity=Decimal("0.06")),)

    assert _resolve(command, positions=short, evidence=evidence) == Done()


def test_position_gone_after_a_partial_close_is_not_closed_again() -> None:
    assert _resolve(PART, evidence=BEFORE) == Done()


def test_partial_close_filled_in_part_is_done_by_its_row() -> None:
    short_fill = replace(CLOSING, filled_quantity=Decimal("0.01"))
    working_rest = replace(short_fill, status=OrderStatus.WORKING)

    for row in (short_fill, working_rest):
        assert _resolve(PART, row, positions=_left("0.09"), evidence=BEFORE) == Done((PlacedOrder("30", "order"),))


def test_quantity_changed_by_something_else_settles_first_and_is_then_for_a_person() -> None:
    assert _resolve(PART, positions=_left("0.09"), evidence=BEFORE) == Absent()
    assert _resolve(PART, positions=_left("0.09"), evidence=BEFORE, after_ms=SETTLE_MS) == Ambiguous(("77",))
    assert _resolve(PART, positions=_left("0.20"), evidence=BEFORE, after_ms=SETTLE_MS) == Ambiguous(("77",))


def test_row_and_quantity_that_contradict_each_other_are_for_a_person() -> None:
    assert _resolve(PART, CLOSING, positions=_left("0.10"), evidence=BEFORE) == Absent()
    late = _resolve(PART, CLOSING, positions=_left("0.10"), evidence=BEFORE, after_ms=SETTLE_MS)
    assert late == Ambiguous(("30",))


@pytest.mark.parametrize(
    ("change", "evidence"),
    [
        ({"placed_at_ms": SENT - SKEW_MS - 1}, BEFORE),
        ({"quantity": Decimal("0.05")}, BEFORE),
        ({"position_id": "78"}, BEFORE),
        ({"side": Side.BUY}, BEFORE),
        ({"sibling_ids": ("31",)}, BEFORE),
        ({"status": OrderStatus.REJECTED}, BEFORE),
        ({}, replace(BEFORE, claimed_ids=("30",))),
        ({}, replace(BEFORE, order_ids=("30",))),
    ],
)
def test_row_that_is_not_this_close_is_not_named_by_it(change: dict[str, object], evidence: Evidence) -> None:
    row = replace(CLOSING, **change)  # type: ignore[arg-type]

    assert _resolve(PART, row, positions=_left("0.06"), evidence=evidence) == Done()
    assert _resolve(PART, row, positions=_left("0.10"), evidence=evidence, after_ms=SETTLE_MS) == Absent()


def test_all_are_closed_when_nothing_of_before_is_held() -> None:
    later = replace(HELD, id="78", opened_at_ms=SENT + SKEW_MS + 1)

    assert _resolve(CloseAll(), positions=(later,)) == Done()
    assert _resolve(CloseAll(), positions=(HELD,)) == Absent()
    assert _resolve(CloseAll("EURUSD"), positions=(HELD,)) == Done()


# ---- ModifyPosition

STOP = replace(WORKING, id="40", type=OrderType.STOP, limit_price=None, stop_price=Decimal(76_000))
TARGET = replace(WORKING, id="41", limit_price=Decimal(79_000))
GUARDED = replace(HELD, stop_loss_id="40", take_profit_id="41")


def test_position_change_is_done_when_its_orders_have_the_prices() -> None:
    command = ModifyPosition("77", "BTCUSD", stop_loss=Decimal("76000.0"), take_profit=Decimal(79_000))

    assert _resolve(command, STOP, TARGET, positions=(GUARDED,)) == Done()
    assert _resolve(replace(command, stop_loss=Decimal(76_001)), STOP, TARGET, positions=(GUARDED,)) == Absent()
    assert _resolve(replace(command, take_profit=Decimal(1)), STOP, TARGET, positions=(GUARDED,)) == Absent()
    assert _resolve(command, positions=(HELD,)) == Absent()
    assert _resolve(command, STOP, TARGET) == Absent()


def test_removed_protection_is_done_when_the_position_names_it_no_more() -> None:
    command = ModifyPosition("77", "BTCUSD", remove_stop_loss=True)

    assert _resolve(command, STOP, TARGET, positions=(GUARDED,)) == Absent()
    assert _resolve(command, TARGET, positions=(replace(GUARDED, stop_loss_id=None),)) == Done()
    target = ModifyPosition("77", "BTCUSD", remove_take_profit=True)
    assert _resolve(target, STOP, TARGET, positions=(GUARDED,)) == Absent()


def test_group_is_outside_the_capabilities() -> None:
    with pytest.raises(TypeError):
        _resolve(PlaceGroup("oco", (PLACE, PLACE)))
