"""The whole deployed bridge in one process and in virtual time: the functions' own handlers, events in and results out.

Around them stand the simulated AWS (`tests/simulation`) and both simulated brokers of the sandbox. Nothing of the
bridge is replaced but what `Bridge` and `Panel` are handed: machine, clients of AWS services, transport to brokers.
"""

import importlib.util
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from unittest.mock import patch

from orderbridge.panel import Panel, PanelEnvironment
from orderbridge.panel_stage import PanelProcess
from orderbridge.wiring import Bridge, Environment
from sandbox import places
from sandbox.simserver import InProcess, ManualClock, Request
from sandbox.tradelocker.app import TradeLockerApp
from sandbox.tradestation import TradeStation as TradeStationApp
from tests.inprocess.clocks import VirtualMachine, Wire
from tests.inprocess.gateway import event_of
from tests.inprocess.seats import SEATS, TRADELOCKER_PORT, TRADESTATION_PORT, Seat
from tests.inprocess.starting import HOSTS, KEY, PREFIX, TABLE, set_up
from tests.simulation.dynamo import SimulatedTable
from tests.simulation.protocol import InProcessConnection
from tests.simulation.queues import SimulatedQueues, event_record
from tests.simulation.secrets import SimulatedSecrets
from tests.simulation.topics import SimulatedTopics

START_MS = 1_794_322_800_000
"""Tuesday, 10 November 2026, 10:00 in New York: every market is open."""
TIME_S = {"alert_receiver": 10.0, "broker_api": 28.0, "broker_login": 28.0, "order_executor": 60.0}


class Context:
    """As much of Lambda's context as the handlers ask for."""

    function_name = "in-process"
    function_version = "1"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:in-process"
    aws_request_id = "00000000-0000-0000-0000-000000000000"

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return round(self._seconds * 1000)


class InProcessBridge:
    """One stack with its brokers and one user of the panel, whose accounts are `accounts`."""

    def __init__(
        self, accounts: tuple[str, ...] = tuple(SEATS), seed: int = 1, **switches: Mapping[str, object]
    ) -> None:
        self.clock = ManualClock(START_MS)
        self.machine = VirtualMachine(self.clock, seed)
        self.tradestation = TradeStationApp(self.clock, switches.get("tradestation"))
        self.tradelocker = TradeLockerApp(self.clock, switches.get("tradelocker"))
        self.sims = {
            "tradestation": InProcess(self.tradestation),
            "tradelocker": InProcess(self.tradelocker),
        }
        self.wire = Wire(
            self.clock,
            {TRADESTATION_PORT: self.sims["tradestation"], TRADELOCKER_PORT: self.sims["tradelocker"]},
        )
        self.table = SimulatedTable(self.clock.now_ms)
        self.queues = SimulatedQueues(self.clock.now_ms)
        self.secrets = SimulatedSecrets(self.clock.now_ms)
        self.topics = SimulatedTopics(self.clock.now_ms)
        self._clients: dict[str, Any] = {
            "dynamodb": self.table,
            "sqs": self.queues,
            "secretsmanager": self.secrets,
            "sns": self.topics,
        }
        queue = self.queues.create_queue(QueueName="bells", Attributes={"VisibilityTimeout": "120"})
        self.bells = str(queue["QueueUrl"])
        self.variables = {
            "TABLE_NAME": TABLE,
            "BELL_QUEUE_URL": self.bells,
            "NOTICES_TOPIC_ARN": str(self.topics.create_topic(Name="notices")["TopicArn"]),
            "SECRET_PREFIX": PREFIX,
            "BROKER_HOSTS": ",".join(HOSTS),
            "PANEL_ORIGINS": "",
            "ALERT_SOURCES": "*",
        }
        set_up(self.table, self.secrets, self.wire, self.machine, accounts)
        self.executor = self.new_executor()
        self.receiver = self._loaded("alert_receiver")
        self.receiver.receiver = self.receiver.receiver_of(self._variables_of_aws, self.machine, self._connected)
        self.panel = self.new_panel()
        self.login_page = self._loaded("broker_login")
        self.login_page.routes = self._panel().login_routes()

    # ---- processes

    def new_panel(self) -> Any:
        """Give the panel's function as another process has it: it remembers nothing."""
        module = self._loaded("broker_api")
        module.process = PanelProcess(self._bridge(), self._panel())
        return module

    def new_executor(self) -> Any:
        module = self._loaded("order_executor")
        module.bridge = self._bridge()
        return module

    def _bridge(self) -> Bridge:
        return Bridge(Environment.read(self.variables), self.wire, self.machine, self._clients.__getitem__)

    def _panel(self) -> Panel:
        return Panel(
            PanelEnvironment.read(self.variables),
            transport=self.wire,
            machine=self.machine,
            client_of=self._clients.__getitem__,
        )

    def _loaded(self, name: str) -> Any:
        """Load a function's module as a new process does."""
        file = places.ROOT / "functions" / name / "app.py"
        spec = importlib.util.spec_from_file_location(f"in_process_{name}", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        with patch.dict(os.environ, self._variables_of_aws):
            spec.loader.exec_module(module)
        return module

    def _connected(self, service: str, *_: object) -> InProcessConnection:
        return InProcessConnection(service, self._clients[service])

    @property
    def _variables_of_aws(self) -> dict[str, str]:
        """Give what a function finds in its environment, and nothing that reaches AWS."""
        region = {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}
        keys = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "LOG_LEVEL": "ERROR"}
        return {**self.variables, **region, **keys}

    # ---- events

    def ask_panel(self, event: Mapping[str, Any], module: Any = None) -> dict[str, Any]:
        """Hand one event of the gateway to the function that the template routes it to."""
        if str(event["path"]).startswith(("/oauth/", "/authorize/token")):
            answered: dict[str, Any] = self.login_page.handler(event, Context(TIME_S["broker_login"]))
        else:
            answered = (module or self.panel).handler(event, Context(TIME_S["broker_api"]))
        return answered

    def fire(self, seat: Seat, action: str, **fields: object) -> None:
        """Post an alert of the seat's strategy, which has the account's name; it must be taken."""
        name = seat.account.name
        moment = datetime.fromtimestamp(self.clock.now_ms() / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        message = json.dumps({"ticker": seat.symbol, "action": action, "time": moment, **fields}, default=str)
        event = event_of("POST", f"/alerts/{name}/{KEY}", headers={"content-type": "application/json"})
        event |= {"pathParameters": {"strategy": name, "key": KEY}, "body": message, "isBase64Encoded": False}
        answer = self.receiver.handler(event, Context(TIME_S["alert_receiver"]))
        assert answer["statusCode"] == 202, answer["body"]

    def run(self, seconds: float) -> None:
        """Let time pass, and the executor answer its bells as they come due."""
        end_ms = self.clock.now_ms() + round(seconds * 1000)
        while True:
            due_ms = self.queues.next_due_ms(self.bells)
            if due_ms is None or due_ms > end_ms:
                break
            self.clock.advance(max(0, due_ms - self.clock.now_ms()))
            self._deliver()
        self.clock.advance(max(0, end_ms - self.clock.now_ms()))

    def _deliver(self) -> None:
        names = ["All"]
        received = self.queues.receive_message(
            QueueUrl=self.bells, MaxNumberOfMessages=1, MessageSystemAttributeNames=names
        ).get("Messages", [])
        for message in received:
            event = {"Records": [event_record(message, self.queues.arn(self.bells))]}
            failed = self.executor.handler(event, Context(TIME_S["order_executor"]))["batchItemFailures"]
            if not failed:
                self.queues.delete_message(QueueUrl=self.bells, ReceiptHandle=message["ReceiptHandle"])

    # ---- the brokers' own books

    def orders(self, seat: Seat) -> dict[str, tuple[str, Decimal]]:
        """Give side and quantity of every order of the account that the simulated broker has, by id."""
        account = seat.account.broker_account_id
        if seat.broker == "tradestation":
            book: Any = self.tradestation.state()
            return {
                row["order_id"]: ("buy" if row["action"].startswith("BUY") else "sell", Decimal(row["quantity"]))
                for row in book["orders"]
                if row["account"] == account
            }
        accounts: Any = self.tradelocker.state()["accounts"]
        rows = next(one["orders"] for one in accounts if one["id"] == account)
        return {row["orderId"]: (row["side"], Decimal(row["qty"])) for row in rows}

    def held(self, seat: Seat) -> Decimal:
        """Give what the account holds of the seat's symbol at the simulated broker, negative for short."""
        account = seat.account.broker_account_id
        if seat.broker == "tradestation":
            book: Any = self.tradestation.state()
            mine = [row for row in book["positions"] if (row["account"], row["symbol"]) == (account, seat.symbol)]
            return sum((Decimal(row["quantity"]) for row in mine), Decimal(0))
        accounts: Any = self.tradelocker.state()["accounts"]
        rows = next(one["positions"] for one in accounts if one["id"] == account)
        signed = {"buy": 1, "sell": -1}
        return sum((Decimal(r["qty"]) * signed[r["side"]] for r in rows if r["instrument"] == seat.symbol), Decimal(0))

    def set_price(self, seat: Seat, price: Decimal) -> None:
        """Let the market of the seat's symbol stand at this price."""
        app = self.tradestation if seat.broker == "tradestation" else self.tradelocker
        app.set_prices({seat.symbol: price})

    def control(self, seat: Seat, what: str, payload: object) -> None:
        """Use one of the simulated broker's control endpoints."""
        body = json.dumps(payload, default=str).encode()
        request = Request.of("POST", f"/_control/{what}", {"content-type": "application/json"}, body)
        response = self.sims[seat.broker].send(request)
        assert response.status == 200, response.body
