"""`unresolved` and `resolve` on a deployment in moto with a simulated TradeStation behind it."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from orderbridge.brokers.port import Evidence
from orderbridge.commands import Place
from orderbridge.execution.ports import Gates, Held
from orderbridge.execution.records import Book, CommandRecord, CommandStatus, LaneState, Pending, Plan, StoredJob
from orderbridge.model import Side
from orderbridge.storage.lanes import DynamoLanes
from tests.contract.tradestation import control
from tests.unit.cli.bench import Bench, deployment
from tests.unit.cli.test_certify import Desk
from tests.unit.cli.test_daily import bells, job
from tests.unit.storage.aws import TABLE

COMMAND = "c" * 32


class Open:
    """A futures account with one entry of unknown outcome; the broker has the orders that the test places."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.desk = Desk(bench)
        self.lane = f"{self.desk.account}#MES"
        self.changes: dict[str, Any] = {
            "transport": self.desk.transport,
            "now_ms": self.desk.clock.now_ms,
            "sleep": self.desk._sleep,
        }
        self.lanes = DynamoLanes(bench.client("dynamodb"), TABLE)
        place = Place("MESZ26", Side.BUY, Decimal(1), "open")
        now_ms = self.desk.clock.now_ms()
        record = CommandRecord(COMMAND, f"a1.{self.desk.account}", "orb", "MES", 1, 0, place, "entry")
        pending = Pending(COMMAND, record.job_id, "orb", "MES", "entry", Decimal(1), now_ms)
        state = LaneState(pending=(pending,))
        held = self.lanes.take(self.lane, "worker", now_ms, 1_000)
        assert isinstance(held, Held)
        self.lanes.save_plan(held.fence, Plan(record.job_id, 1, None, (COMMAND,), now_ms), [record], LaneState())
        evidence = Evidence(now_ms)
        sent = replace(record, status=CommandStatus.SENDING, attempt=1, sent_at_ms=now_ms, evidence=evidence)
        self.lanes.begin(held.fence, sent, state, Gates(self.desk.account, "orb", True, False))
        unknown = replace(sent, status=CommandStatus.UNKNOWN, message="time-out")
        self.lanes.finish(held.fence, unknown, CommandStatus.SENDING, state)
        self.lanes.release(held.fence)

    def pass_s(self, seconds: int) -> None:
        self.desk.clock.advance(seconds * 1_000)

    def buy(self, quantity: str = "1") -> str:
        """Somebody, or the lost request, buys at the broker."""
        account_id = self.desk.account.rpartition("-")[2].upper()
        order = {
            "AccountID": account_id,
            "Symbol": "MESZ26",
            "Quantity": quantity,
            "OrderType": "Market",
            "TradeAction": "BUY",
            "TimeInForce": {"Duration": "DAY"},
        }
        control(self.desk.transport._inner, "trade", {"account": account_id, "order": order})
        self.pass_s(2)
        orders: Any = self.desk.app.state()["orders"]
        return str(orders[-1]["order_id"])

    def ask(self) -> Any:
        return json.loads(self.bench.run("unresolved", "--json", **self.changes).stdout)

    def resolve(self, *arguments: str) -> Any:
        return self.bench.run("resolve", COMMAND, *arguments, **self.changes)


@pytest.fixture
def opened(bench: Bench) -> Open:
    return Open(bench)


def test_unknown_command_is_shown_with_the_orders_that_could_be_it_and_what_each_decision_does(opened: Open) -> None:
    first = opened.buy()
    other = opened.buy("2")
    opened.pass_s(70)

    values = opened.ask()

    (one,) = values["unknown"]
    assert (one["command"], one["lane"], one["overdue"], one["shown"]) == (COMMAND, opened.lane, True, "placed")
    compared = {order["order_id"]: (order["fits"], order["differs"]) for order in one["candidates"]}
    assert compared == {first: (True, []), other: (False, ["quantity"])}
    assert one["positions"][0]["quantity"] == "3"
    assert set(one["decisions"]) == {"placed", "not_placed"}
    assert values["halted"] == [{"lane": opened.lane, "by": [COMMAND], "jobs_waiting": []}]
    assert values["to_decide"] == 1


def test_person_reads_what_to_run(opened: Open) -> None:
    opened.pass_s(70)

    result = opened.bench.run("unresolved", **opened.changes)

    assert result.exit_code == 1
    assert f"orderbridge resolve {COMMAND} --as not-placed" in result.stdout
    assert "shows nothing that could be it" in result.stdout


def test_command_that_the_bridge_still_asks_for_is_no_decision_yet(opened: Open) -> None:
    opened.pass_s(10)

    result = opened.bench.run("unresolved", **opened.changes)

    assert result.exit_code == 0
    assert "the bridge still asks" in result.stdout


def test_account_that_cannot_be_read_is_named_and_the_rest_is_shown(opened: Open) -> None:
    opened.pass_s(70)
    opened.changes["transport"] = httpx.MockTransport(lambda _: httpx.Response(503))

    values = opened.ask()

    assert [one["account"] for one in values["unread"]] == [opened.desk.account]
    assert values["unknown"][0]["shown"] == "unread"


def test_decision_is_recorded_with_who_and_when_lets_entries_in_and_rings_the_bell(opened: Open) -> None:
    order_id = opened.buy()
    opened.pass_s(70)

    result = opened.resolve("--as", "placed", "--order-id", order_id, "--reason", "seen in the app", "--yes", "--json")

    values = json.loads(result.stdout)
    assert result.exit_code == 0, result.output
    record = opened.lanes.command(opened.lane, COMMAND)
    assert (record.status, record.decided_by, record.code) == (CommandStatus.DECIDED_BY_PERSON, "ann", "placed")
    assert "seen in the app" in record.message
    assert values["already"] is False
    state = opened.lanes.state(opened.lane)
    assert (state.pending, [one.order_id for one in state.books[0].tracked]) == ((), [order_id])
    assert {"lane": opened.lane} in bells(opened.bench)


def test_same_decision_again_is_no_error_and_another_one_is(opened: Open) -> None:
    opened.pass_s(70)
    assert opened.resolve("--as", "not-placed", "--yes").exit_code == 0

    again = opened.resolve("--as", "not-placed", "--yes")
    other = opened.resolve("--as", "placed", "--order-id", "1", "--yes")

    assert (again.exit_code, other.exit_code) == (0, 7)
    assert "stands already" in again.stdout


def test_decision_against_the_broker_s_word_is_refused_and_nothing_is_written(opened: Open) -> None:
    opened.buy()
    opened.pass_s(70)

    result = opened.resolve("--as", "not-placed", "--yes")

    assert result.exit_code == 1
    assert "shows that it was placed" in result.stderr
    assert opened.lanes.command(opened.lane, COMMAND).status is CommandStatus.UNKNOWN


def test_person_who_says_no_decides_nothing(opened: Open) -> None:
    opened.pass_s(70)

    result = opened.resolve("--as", "not-placed")

    assert result.exit_code == 6
    assert opened.lanes.command(opened.lane, COMMAND).status is CommandStatus.UNKNOWN


@pytest.mark.parametrize("arguments", [("--as", "perhaps"), ("--as", "placed", "--order-id", "4711", "--force")])
def test_word_or_order_that_is_not_known_is_refused(opened: Open, arguments: tuple[str, ...]) -> None:
    opened.pass_s(70)

    assert opened.resolve(*arguments, "--yes").exit_code in (1, 3)


def test_unknown_id_points_to_the_list(opened: Open) -> None:
    result = opened.bench.run("resolve", "nope", "--as", "placed", **opened.changes)

    assert result.exit_code == 3
    assert "unresolved" in result.stderr


def test_nothing_open_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with deployment(tmp_path, monkeypatch) as bench:
        result = bench.run("unresolved")

    assert result.exit_code == 0
    assert "Nothing waits for a decision." in result.stdout


def test_fill_that_the_broker_shows_and_nobody_has_booked_yet_is_no_disagreement(opened: Open) -> None:
    order_id = opened.buy()
    opened.pass_s(70)
    opened.resolve("--as", "placed", "--order-id", order_id, "--yes")

    assert opened.ask()["disagreements"] == []


def test_parked_job_and_holding_counted_differently_are_listed(opened: Open) -> None:
    opened.pass_s(70)
    opened.resolve("--as", "not-placed", "--yes")
    held = opened.lanes.take(opened.lane, "worker", opened.desk.clock.now_ms(), 1_000)
    assert isinstance(held, Held)
    state = replace(held.state, books=(Book("orb", "MES", Decimal(2)),))
    opened.lanes.save_state(held.fence, state)
    waiting = job(account=opened.desk.account, lane=opened.lane)
    opened.lanes.put_job(waiting)
    started = opened.lanes.start_job(held.fence, StoredJob(waiting, "QUEUED"))
    opened.lanes.park_job(held.fence, started, opened.desk.clock.now_ms() + 5_000, "closed", "The market is closed.")

    values = opened.ask()

    assert [one["sentence"] for one in values["parked"]] == ["The market is closed."]
    (differs,) = values["disagreements"]
    assert (differs["root"], differs["ledger"], differs["broker"]) == ("MES", "2", "0")
