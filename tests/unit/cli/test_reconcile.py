"""`reconcile` and `resume --restored` on a deployment in moto that was restored, with a simulated TradeStation."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from orderbridge.alerts.alert import Action, Alert
from orderbridge.execution.ports import Busy
from orderbridge.execution.records import Job
from orderbridge.storage import keys
from orderbridge.storage.incarnation import Incarnation
from orderbridge.storage.items import marshal
from orderbridge.storage.lanes import DynamoLanes
from tests.contract.tradestation import control
from tests.unit.cli.bench import Bench
from tests.unit.cli.test_certify import Desk
from tests.unit.cli.test_daily import bells
from tests.unit.storage.aws import TABLE, create_table

RESTORED = "bridge-restored"
STRATEGIES = """\
strategies:
  orb:
    accounts: [{account}]
    trades: [MES]
"""


class Described:
    """The table's client, with what moto does not tell: an id of each table, made on the simulated clock."""

    def __init__(self, inner: Any, created_ms: dict[str, int]) -> None:
        self._inner = inner
        self._created_ms = created_ms

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def describe_table(self, TableName: str) -> dict[str, Any]:  # noqa: N803 - boto's own name
        created = datetime.fromtimestamp(self._created_ms[TableName] / 1000, UTC)
        return {"Table": {"TableId": f"id-of-{TableName}", "TableArn": TableName, "CreationDateTime": created}}


class Restored:
    """A deployment that works on a restored table; the broker filled an order in the time that it does not know of."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.desk = Desk(bench)
        account = self.desk.account
        applied = (bench.folder / "orderbridge.yaml").read_text(encoding="utf-8")
        bench.write(applied + STRATEGIES.format(account=account))
        bench.ok("apply")
        self.lane = f"{account}#MES"
        self.created_ms = {TABLE: self.desk.clock.now_ms()}
        self.dynamodb = Described(bench.client("dynamodb"), self.created_ms)
        others = bench.world.client
        self.changes: dict[str, Any] = {
            "client": lambda service: self.dynamodb if service == "dynamodb" else others(service),
            "transport": self.desk.transport,
            "now_ms": self.desk.clock.now_ms,
            "sleep": self.desk._sleep,
        }
        Incarnation(self.dynamodb, TABLE).beat(self.desk.clock.now_ms())
        self._queue("a1")
        self._copy()
        self.order_id = self._buy(account)
        self.desk.clock.advance(600_000)
        self.created_ms[RESTORED] = self.desk.clock.now_ms()
        bench.cloudformation.outputs["TableName"] = RESTORED

    def _queue(self, alert_id: str) -> None:
        now_ms, account = self.desk.clock.now_ms(), self.desk.account
        client = self.bench.client("dynamodb")
        item: dict[str, str | int] = {**keys.alert(alert_id), "alert_id": alert_id, "strategy": "orb", "jobs": 1}
        lanes = json.dumps([self.lane])
        client.put_item(TableName=TABLE, Item=marshal({**item, "status": "accepted", "lanes": lanes}))
        alert = Alert(Action.BUY, "MESZ26", fired_at_ms=now_ms)
        job = Job(f"{alert_id}.{account}", alert_id, "orb", account, self.lane, "MES", now_ms, alert)
        DynamoLanes(client, TABLE).put_job(job)

    def _copy(self) -> None:
        """Restore as AWS does: the items of the backup in a new table."""
        client = self.dynamodb
        create_table(client, RESTORED)
        for item in client.scan(TableName=TABLE)["Items"]:
            client.put_item(TableName=RESTORED, Item=item)

    def _buy(self, account: str) -> str:
        account_id = account.rpartition("-")[2].upper()
        order = {
            "AccountID": account_id,
            "Symbol": "MESZ26",
            "Quantity": "1",
            "OrderType": "Market",
            "TradeAction": "BUY",
            "TimeInForce": {"Duration": "DAY"},
        }
        control(self.desk.transport._inner, "trade", {"account": account_id, "order": order})
        self.desk.clock.advance(2_000)
        orders: Any = self.desk.app.state()["orders"]
        return str(orders[-1]["order_id"])

    def run(self, *arguments: str) -> Any:
        return self.bench.run(*arguments, **self.changes)

    def reconcile(self, *arguments: str) -> tuple[int, Any]:
        result = self.run("reconcile", "--yes", "--json", *arguments)
        return result.exit_code, json.loads(result.stdout)


@pytest.fixture
def restored(bench: Bench) -> Restored:
    return Restored(bench)


def test_restored_table_is_halted_and_said_so_everywhere(restored: Restored) -> None:
    status = restored.run("status")
    unresolved = restored.run("unresolved", "--json")
    lifted = restored.run("resume", "--restored")

    certified = restored.run("certify", restored.desk.account, "--symbol", "MNQZ26", "--yes")

    assert "restored from a backup" in status.stdout
    assert (certified.exit_code, "orderbridge reconcile" in certified.stderr) == (3, True)
    assert (unresolved.exit_code, json.loads(unresolved.stdout)["restored"]) == (1, True)
    assert lifted.exit_code == 7
    assert "orderbridge reconcile" in lifted.stderr


def test_person_answers_for_the_order_of_the_lost_time_and_lifts_the_halt(restored: Restored) -> None:
    code, open_values = restored.reconcile()
    (lane,) = open_values["lanes"]
    assert (code, open_values["reconciled"], lane["ended"]) == (1, False, [f"a1.{restored.desk.account}"])
    assert f"--adopt {restored.order_id}=STRATEGY" in lane["questions"][0]

    code, values = restored.reconcile("--adopt", f"{restored.order_id}=orb")
    lifted = restored.run("resume", "--restored", "--json")

    assert (code, values["reconciled"]) == (0, True)
    assert json.loads(lifted.stdout)["generation"] == 1
    client = restored.dynamodb
    guarded = DynamoLanes(client, RESTORED, incarnation=Incarnation(client, RESTORED))
    assert not isinstance(guarded.take(restored.lane, "worker", restored.desk.clock.now_ms(), 1), Busy)
    (book,) = guarded.state(restored.lane).books
    assert (book.strategy, str(book.owned)) == ("orb", "1")
    assert bells(restored.bench) == [], "nothing waited"


def test_table_that_was_not_restored_has_nothing_to_reconcile(bench: Bench) -> None:
    assert bench.ok("reconcile") == {"restored": False, "generation": 0}


def test_account_that_cannot_be_read_keeps_the_halt(restored: Restored) -> None:
    restored.changes["transport"] = httpx.MockTransport(lambda _: httpx.Response(503))

    code, values = restored.reconcile("--foreign-rest")

    assert (code, values["reconciled"]) == (1, False)
    assert [one["account"] for one in values["unread"]] == [restored.desk.account]
    assert restored.run("resume", "--restored").exit_code == 7


def test_strategy_that_is_not_known_adopts_nothing(restored: Restored) -> None:
    result = restored.run("reconcile", "--yes", "--adopt", f"{restored.order_id}=nope")

    assert result.exit_code == 3
    assert "known are orb" in result.stderr


def test_lift_is_for_the_whole_table(restored: Restored) -> None:
    assert restored.run("resume", "--restored", "--strategy", "orb").exit_code == 3
