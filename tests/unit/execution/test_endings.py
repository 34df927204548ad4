"""How a job ends, and the sentence that the trader reads."""

from typing import Any

import pytest

from orderbridge.commands import Cancel
from orderbridge.execution.desk import amount
from orderbridge.execution.endings import entered, entry_ended, reached
from orderbridge.execution.plans import command_id_of, told_of_sent
from orderbridge.execution.records import CommandStatus
from orderbridge.model import Direction, OrderType
from orderbridge.strategy.goal import End, Ending, Goal
from tests.unit.execution.cases import (
    BUY,
    FILLED,
    LIMIT,
    MARKET,
    MES,
    REJECTED,
    SELL,
    STOP,
    WORKING,
    d,
    held,
    order,
    place,
    record,
)


def entry(**fields: Any) -> Any:
    return record(place(), "entry", **fields)


# ---- an entry that came to nothing


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (CommandStatus.REFUSED, End(Ending.REFUSED, "broker_refused", "The broker refused: no funds")),
        (CommandStatus.EXPIRED, End(Ending.EXPIRED, "too_old", "Not sent: no funds.")),
        (CommandStatus.HALTED, End(Ending.REFUSED, "halted", "Not sent: no funds.")),
        (
            CommandStatus.NOT_FOUND,
            End(
                Ending.FAILED,
                "not_found",
                "The order was sent, its answer was lost, and the broker does not show it.",
            ),
        ),
        (CommandStatus.DECIDED_BY_PERSON, End(Ending.FAILED, "not_placed", "no funds.")),
        (CommandStatus.UNKNOWN, None),
        (CommandStatus.SENDING, None),
        (CommandStatus.ACCEPTED, None),
    ],
)
def test_entry_ends_its_job_by_what_became_of_it(status: CommandStatus, expected: End | None) -> None:
    assert entry_ended([entry(status=status, message="no funds")]) == expected


def test_last_entry_decides_and_other_commands_do_not() -> None:
    refused = entry(status=CommandStatus.REFUSED)

    assert entry_ended([entry(), refused]) is not None
    assert entry_ended([refused, entry()]) is None
    assert entry_ended([record(place(SELL, effect="close"), status=CommandStatus.REFUSED)]) is None
    assert entry_ended([entry(status=CommandStatus.EXPIRED, code="not_sent")]) is None
    assert entry_ended([]) is None


# ---- a goal without an entry


def closing(**fields: Any) -> Goal:
    return Goal(**{"symbol": MES, "root": "MES", "kind": "exit", "close": Direction.LONG, **fields})


DROPPED = End(Ending.REFUSED, "settings_newer", "Update the stack.")


def test_goal_that_asked_for_nothing_says_so() -> None:
    nothing = End(Ending.NO_ACTION, "nothing_to_do", "Nothing is held or working that this alert asks about.")

    assert reached(closing(), [], held(0), "MES") == nothing
    assert reached(closing(dropped=DROPPED), [], held(0), "MES") == DROPPED


def test_goal_whose_commands_all_failed_tells_the_last_of_them() -> None:
    failed = [record(Cancel("o", MES), "other", status=CommandStatus.REFUSED, message=words) for words in ("a", "b.")]

    assert reached(closing(), failed, held(0), "MES") == End(
        Ending.NO_ACTION, "nothing_left", "Nothing was left to do. b."
    )
    assert reached(closing(), [], held(2), "MES").sentence == "Nothing was left to do."
    assert reached(closing(), failed[:1], held(2), "MES").code == "nothing_left"


def test_close_tells_what_is_still_held() -> None:
    done = [record(place(SELL, effect="close")), record(Cancel("o", MES), "other")]

    assert reached(closing(), done, held(-3, -3), "MES") == End(
        Ending.ORDERED, "closed", "Closed in MES; the strategy holds 3 now."
    )
    assert reached(closing(dropped=DROPPED), done, held(0), "MES").sentence == (
        "Closed in MES; the strategy holds 0 now. Nothing is opened: Update the stack."
    )


def test_cancels_alone_are_counted() -> None:
    cancels = [record(Cancel(name, MES), "other") for name in ("a", "b")]

    assert reached(closing(), cancels, held(0), "MES") == End(
        Ending.ORDERED, "cancelled", "Cancelled 2 working order(s) in MES."
    )


# ---- an entry that the broker has taken


@pytest.mark.parametrize(
    ("side", "shown", "code", "sentence"),
    [
        (BUY, order("o", filled=2, status=FILLED, average_price=d("5000.50")), "filled", "Bought 2 MESZ26 at 5000.5."),
        (SELL, order("o", filled=2, status=FILLED), "filled", "Sold 2 MESZ26."),
        (BUY, order("o", filled=1, average_price=d(5000)), "working", "Bought 1 of 2 MESZ26 at 5000."),
        (BUY, order("o"), "working", "Working: buy 2 MESZ26 market."),
        (BUY, None, "working", "Working: buy 2 MESZ26 market."),
    ],
)
def test_fill_is_told_with_its_price_and_part(side: Any, shown: Any, code: str, sentence: str) -> None:
    given = entered(record(place(side), "entry"), shown)

    assert given == End(Ending.ORDERED, code, sentence)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"order_type": LIMIT, "limit_price": d("4990.25")}, "Working: buy 2 MESZ26 limit at 4990.25."),
        ({"order_type": STOP, "stop_price": d(5010)}, "Working: buy 2 MESZ26 stop at 5010."),
        (
            {"order_type": OrderType.STOP_LIMIT, "stop_price": d(5010), "limit_price": d(5011)},
            "Working: buy 2 MESZ26 stop_limit at 5011.",
        ),
    ],
)
def test_resting_order_is_told_with_its_price(fields: dict[str, Any], sentence: str) -> None:
    assert entered(record(place(**fields), "entry"), order("o", status=WORKING)).sentence == sentence


def test_rejection_is_told_in_the_brokers_words() -> None:
    rejected = order("o", kind=MARKET, status=REJECTED, message="no funds", native_status="REJ")

    assert entered(entry(), rejected) == End(
        Ending.REFUSED, "broker_rejected", "The broker rejected the order: no funds"
    )
    silent = order("o", kind=MARKET, status=REJECTED, native_status="REJ")
    assert entered(entry(), silent).sentence == "The broker rejected the order: REJ"


@pytest.mark.parametrize(
    ("quantity", "text"),
    [("2", "2"), ("2.50", "2.5"), ("100", "100"), ("1.000", "1"), ("0.010", "0.01"), ("1E+2", "100")],
)
def test_amount_has_no_superfluous_zeros(quantity: str, text: str) -> None:
    assert amount(d(quantity)) == text


# ---- what was sent for a job that is set aside


@pytest.mark.parametrize(
    ("records", "sentence"),
    [
        ([], "Nothing was sent for it."),
        ([entry(status=CommandStatus.EXPIRED, sent_at_ms=0)], "Nothing was sent for it."),
        ([entry(status=CommandStatus.REFUSED)], "The broker has taken nothing of it."),
        (
            [entry(), entry(status=CommandStatus.REFUSED)],
            "Before that the broker has taken 1 request(s) of it: please check the account.",
        ),
        (
            [entry(), entry()],
            "Before that the broker has taken 2 request(s) of it: please check the account.",
        ),
        (
            [entry(), entry(status=CommandStatus.UNKNOWN)],
            "It is not known yet whether an order of it was taken: please check the account.",
        ),
    ],
)
def test_what_became_of_the_commands_is_told(records: Any, sentence: str) -> None:
    assert told_of_sent(records) == sentence


def test_command_ids_are_the_same_for_the_same_step_and_differ_for_any_other() -> None:
    ids = {command_id_of(*step) for step in (("j", 1, 0), ("j", 1, 1), ("j", 2, 0), ("k", 1, 0))}

    assert len(ids) == 4
    assert command_id_of("j", 1, 0) in ids
    assert all(len(one) == 32 and int(one, 16) >= 0 for one in ids)
