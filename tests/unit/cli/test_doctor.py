"""`orderbridge doctor`: what would go wrong is found before the open."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from orderbridge.execution.ports import Held
from orderbridge.execution.records import CommandStatus, LaneState, Plan
from orderbridge.storage.secrets import LoginSecrets
from orderbridge.storage.settings import SettingsStore
from orderbridge.storage.token_lease import TokenLeases
from orderbridge.storage.users import Users
from sandbox.simserver.inprocess import InProcess
from sandbox.simserver.transport import SimulatedTransport
from sandbox.tradelocker.app import TradeLockerApp
from tests.unit.cli.bench import Bench
from tests.unit.cli.test_daily import JOB_ID, LANE, RECORD, lanes
from tests.unit.storage.aws import PREFIX, TABLE

SETTINGS = """\
accounts:
  fx:
    broker: tradelocker
    environment: demo
    connection: tl
    account_id: "2270"
    account_number: "1"
    position_mode: hedging
    base_url: http://127.0.0.1:9/backend-api
strategies:
  trend:
    accounts: [fx]
    quantity_unit: lots
    trades: [EURUSD]
"""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class Ready:
    """A deployment that is connected, applied and has a key: the doctor finds nothing bad."""

    bench: Bench
    transport: httpx.BaseTransport

    def findings(self, *arguments: str, exit_code: int = 0, **changes: Any) -> Mapping[str, list[tuple[str, str]]]:
        """Run the doctor; give verdict and sentence by what they are about."""
        world = {"transport": self.transport, "now_ms": now_ms, **changes}
        result = self.bench.run("doctor", "--json", *arguments, **world)
        assert result.exit_code == exit_code, result.output
        found: dict[str, list[tuple[str, str]]] = {}
        for one in json.loads(result.stdout)["findings"]:
            found.setdefault(one["about"], []).append((one["verdict"], one["sentence"]))
        return found


@pytest.fixture
def ready(bench: Bench) -> Ready:
    transport = SimulatedTransport(InProcess(TradeLockerApp(host="127.0.0.1:9")))
    bench.ok(
        *("connect", "tradelocker", "tl", "--email", "second@sandbox.test", "--server", "SANDBOX"),
        *("--base-url", "http://127.0.0.1:9/backend-api"),
        environ={**bench.world.environ, "TRADELOCKER_PASSWORD": "sandbox-password-2"},
        transport=transport,
    )
    bench.write(SETTINGS)
    bench.ok("apply")
    bench.ok("keys", "new", "trend")
    bench.cloudformation.outputs.pop("DeadLetterQueueUrl")
    return Ready(bench, transport)


def test_ready_deployment_has_nothing_bad_and_its_token_was_refreshed(ready: Ready) -> None:
    secrets = LoginSecrets(ready.bench.client("secretsmanager"), PREFIX)
    before = secrets.read("tl").login.access_token

    findings = ready.findings()

    assert findings["connection tl"] == [("ok", "The token was refreshed and stored.")]
    assert findings["account fx"][0][1].startswith("Equity 10000")
    assert findings["clock"][0][0] == "ok"
    assert secrets.read("tl").login.access_token != before


def test_refresh_can_be_left_out(ready: Ready) -> None:
    secrets = LoginSecrets(ready.bench.client("secretsmanager"), PREFIX)
    before = secrets.read("tl").version

    ready.findings("--no-refresh")

    assert secrets.read("tl").version == before


def test_users_own_account_is_tried_too(ready: Ready) -> None:
    users = Users(ready.bench.client("dynamodb"), TABLE)
    ready.bench.ok("users", "add", "tess", "--no-password", "--tradestation-account", "SIM1")
    found = users.get("tess")
    stored = SettingsStore(ready.bench.client("dynamodb"), TABLE).account("fx")
    assert found is not None
    assert stored is not None
    users.give_accounts(found, "tl", [replace(stored.value, name="tess.2270")])

    findings = ready.findings("--no-refresh", sleep=time.sleep)  # the second account waits for the login's quota

    assert findings["account tess.2270"][0][1].startswith("Equity 10000")


def test_clock_that_is_wrong_is_bad(ready: Ready) -> None:
    findings = ready.findings("--no-refresh", exit_code=1, now_ms=lambda: now_ms() - 90_000)

    assert findings["clock"][0][0] == "bad"


def test_token_that_nobody_refreshed_means_that_the_refresher_does_not_run(ready: Ready) -> None:
    leases = TokenLeases(ready.bench.client("dynamodb"), TABLE)
    login = LoginSecrets(ready.bench.client("secretsmanager"), PREFIX).read("tl").login
    leases.register("tl", replace(login, obtained_at_ms=now_ms() - 30 * 60_000), "v")

    findings = ready.findings("--no-refresh", exit_code=1)

    assert ("bad", "Its token was last refreshed 30 min ago: the refresher does not run.") in findings["connection tl"]


def test_refused_login_says_how_to_connect_again(ready: Ready) -> None:
    ready.bench.client("dynamodb").update_item(
        TableName=TABLE,
        Key={"pk": {"S": "CONNECTION#tl"}, "sk": {"S": "TOKEN"}},
        UpdateExpression="SET #s = :refused",
        ExpressionAttributeNames={"#s": "status"},
        ExpressionAttributeValues={":refused": {"S": "refused"}},
    )

    findings = ready.findings(exit_code=1)

    assert "orderbridge connect tradelocker tl" in findings["connection tl"][0][1]


def test_account_that_counts_positions_otherwise_is_bad(ready: Ready) -> None:
    ready.bench.write(SETTINGS.replace("hedging", "netting"))
    ready.bench.ok("apply")

    findings = ready.findings("--no-refresh", exit_code=1)

    assert findings["account fx"][0] == (
        "bad",
        "The broker counts positions as hedging, the settings say netting; entries halt.",
    )


def test_account_that_the_broker_restricts_is_bad(ready: Ready) -> None:
    text = SETTINGS.replace('"2270"', '"2271"').replace('account_number: "1"', 'account_number: "2"')
    ready.bench.write(text)
    ready.bench.ok("apply")

    findings = ready.findings("--no-refresh", exit_code=1)

    assert ("bad", "The broker calls it RESTRICTED.") in findings["account fx"]


def test_account_that_the_login_has_no_more_is_bad(ready: Ready) -> None:
    ready.bench.write(SETTINGS.replace('"2270"', '"9"'))
    ready.bench.ok("apply")

    findings = ready.findings("--no-refresh", exit_code=1)

    assert "no account 9" in findings["account fx"][0][1]


def test_broker_that_is_out_of_quota_is_bad_with_the_time(ready: Ready) -> None:
    limited = httpx.MockTransport(lambda _: httpx.Response(429, headers={"Retry-After": "7"}, json={"s": "error"}))

    findings = ready.findings("--no-refresh", exit_code=1, transport=limited)

    assert findings["connection tl"][-1][0] == "bad"


def test_what_is_not_set_up_or_switched_off_is_named(ready: Ready) -> None:
    ready.bench.write(SETTINGS.replace("connection: tl", "connection: other") + "    mode: off\n")
    ready.bench.ok("apply")
    ready.bench.ok("keys", "revoke", "trend", "--yes")
    ready.bench.ok("halt", "--strategy", "trend")

    findings = ready.findings("--no-refresh", exit_code=1)

    assert findings["account fx"] == [("bad", "Its connection other is not connected.")]
    assert [verdict for verdict, _ in findings["strategy trend"]] == ["note", "note"]
    assert findings["halt"] == [("note", "entries stopped (strategy#trend) by ann.")]


def test_order_with_an_unknown_outcome_is_bad(ready: Ready) -> None:
    held = lanes(ready.bench).take(LANE, "test", 0, 1000)
    assert isinstance(held, Held)
    unknown = replace(RECORD, status=CommandStatus.UNKNOWN)
    plan = Plan(JOB_ID, 1, None, (RECORD.command_id,), 0)
    lanes(ready.bench).save_plan(held.fence, plan, [unknown], LaneState())

    findings = ready.findings("--no-refresh", exit_code=1)

    assert findings["ledger"] == [("bad", "1 order(s) with an unknown outcome (sim#MES); entries there wait.")]


def test_deployment_without_a_connection_is_bad(bench: Bench) -> None:
    bench.cloudformation.outputs.pop("DeadLetterQueueUrl")

    result = bench.run("doctor", now_ms=now_ms)

    assert result.exit_code == 1
    assert "orderbridge connect" in result.stdout


def test_dead_letters_mean_that_the_refresher_does_not_run(bench: Bench) -> None:
    sqs = bench.client("sqs")
    url = sqs.create_queue(QueueName="dead")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    bench.cloudformation.outputs["DeadLetterQueueUrl"] = url

    result = bench.run("doctor", now_ms=now_ms)

    assert "1 bell(s) in the dead-letter queue" in result.stdout


def test_stack_of_another_release_is_told(bench: Bench) -> None:
    bench.cloudformation.outputs.pop("DeadLetterQueueUrl")
    bench.cloudformation.outputs["TemplateVersion"] = "9.9.9"

    result = bench.run("doctor", now_ms=now_ms)

    assert "The stack is 9.9.9" in result.stdout
