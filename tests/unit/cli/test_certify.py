"""`orderbridge certify`: its cases pass at both simulated brokers, catch what is wrong, and leave nothing behind."""

import itertools
import json
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from orderbridge.brokers.port import Accepted, Broker, Deadline, Outcome
from orderbridge.cli.certification import Certifier, Patient, Result
from orderbridge.commands import Cancel, Command
from orderbridge.execution.ports import Busy
from orderbridge.storage.lanes import DynamoLanes
from sandbox.simserver import InProcess, ManualClock
from sandbox.simserver.transport import SimulatedTransport
from sandbox.tradestation import KEYS
from sandbox.tradestation import TradeStation as Simulator
from tests.contract import backend as contract
from tests.contract.backend import Backend, Fault
from tests.contract.backends import BACKENDS, title
from tests.contract.kinds import market, set_up
from tests.contract.tradestation import START_MS
from tests.unit.cli.bench import SETTINGS, Bench
from tests.unit.storage.aws import TABLE


def certifier(
    backend: Backend, broker: Callable[[Broker], Broker] = lambda broker: broker
) -> tuple[Certifier, contract.Bench]:
    opened = backend.open()

    def sleep(seconds: float) -> None:
        opened.advance(int(seconds * 1000))

    ids = itertools.count(1)
    made = Certifier(
        Patient(broker(opened.broker), sleep, opened.deadline),
        opened.symbol,
        opened.now_ms,
        sleep,
        lambda: f"{next(ids):032x}",
    )
    return made, opened


def by_number(results: list[Result]) -> Mapping[str, Result]:
    return {result.number: result for result in results}


@pytest.mark.parametrize("backend", BACKENDS, ids=title)
def test_every_case_passes_or_is_seen_at_the_simulated_broker_and_nothing_is_left(backend: Backend) -> None:
    one, opened = certifier(backend)

    results = list(one.run())
    left = one.clean_up()

    assert [(r.number, r.saw) for r in results if r.verdict in ("failed", "skipped")] == []
    assert [r.number for r in results] == [f"CERT-{number:02}" for number in range(1, 12)]
    assert left == ""
    assert [p for p in opened.book().positions if p.signed != 0] == []


@pytest.mark.parametrize("backend", BACKENDS, ids=title)
def test_clean_up_closes_and_cancels_what_a_broken_run_left(backend: Backend) -> None:
    one, _ = certifier(backend)
    results = one.run()
    for result in results:
        if result.number == "CERT-10":
            break
    assert one.occupied() != ""

    left = one.clean_up()

    assert left == ""
    assert one.occupied() == ""


class ForgetsCancels:
    """A broker that accepts cancels and does nothing."""

    def __init__(self, inner: Broker) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def send(self, command: Command, command_id: str, deadline: Deadline) -> Outcome:
        return Accepted() if isinstance(command, Cancel) else self._inner.send(command, command_id, deadline)


@pytest.mark.parametrize("backend", BACKENDS, ids=title)
def test_broker_that_only_says_that_it_cancels_fails_the_case_and_what_is_left_is_named(backend: Backend) -> None:
    one, _ = certifier(backend, lambda broker: cast(Broker, ForgetsCancels(broker)))

    results = by_number(list(one.run()))
    left = one.clean_up()

    assert results["CERT-07"].verdict == "failed"
    assert "not final" in results["CERT-07"].saw
    assert "works" in left


@pytest.mark.parametrize("backend", BACKENDS, ids=title)
def test_limited_requests_are_made_again_after_the_pause(backend: Backend) -> None:
    one, opened = certifier(backend)
    assert one.occupied() == ""
    opened.read_fault(Fault.RATE_JSON, times=3)
    opened.fault(Fault.RATE_EDGE)

    results = list(one.run())

    assert [r.saw for r in results if r.verdict == "failed"] == []


def test_broker_whose_reads_fail_ends_the_run_at_once() -> None:
    one, opened = certifier(BACKENDS[0])
    opened.read_fault(Fault.ERROR_BEFORE, times=10)

    results = list(one.run())

    assert [(r.number, r.verdict) for r in results] == [("CERT-01", "failed")]


def test_symbol_in_which_something_stands_is_occupied() -> None:
    one, opened = certifier(BACKENDS[0])

    set_up(opened, market(opened))

    assert one.occupied().startswith("buy 10")


# ---- the command


def test_live_account_is_refused(bench: Bench) -> None:
    text = SETTINGS.replace("environment: sim", "environment: live").replace("SIM123F", "123F")
    bench.write(text + "    mode: live\n")
    bench.ok("apply")

    result = bench.run("certify", "sim", "--symbol", "MESZ26", "--yes")

    assert result.exit_code == 3
    assert "live account" in result.stderr


def test_unknown_account_is_refused(applied: Bench) -> None:
    assert applied.run("certify", "nope", "--symbol", "MESZ26").exit_code == 3


class Desk:
    """A simulated TradeStation in this process, signed in to by the command line, with one account applied."""

    def __init__(self, bench: Bench) -> None:
        self.clock = ManualClock(START_MS)
        self.app = Simulator(self.clock)
        self.transport = SimulatedTransport(InProcess(self.app))
        self.bench = bench
        key = KEYS[0]
        environ = {**bench.world.environ, "TRADESTATION_CLIENT_SECRET": str(key.client_secret)}
        origin = "http://127.0.0.1:8000"
        arguments = ["--client-id", key.client_id, "--code", self._code(origin, key.client_id)]
        arguments += ["--auth-url", origin, "--base-url", f"{origin}/v3"]
        answer = bench.ok("connect", "tradestation", "ts", *arguments, environ=environ, transport=self.transport)
        futures = next(one for one in answer["accounts"] if one["kind"] == "Futures")
        self.account = futures["name"]
        bench.write(f"accounts:\n{futures['yaml']}\n")
        bench.ok("apply")

    def _code(self, origin: str, client_id: str) -> str:
        from orderbridge.brokers.tradestation.auth import authorization_url

        url = authorization_url(client_id, "http://localhost:3000", "s", auth_url=origin)
        page = httpx.Client(transport=self.transport).get(url)
        return parse_qs(urlsplit(page.headers["Location"]).query)["code"][0]

    def certify(self, *arguments: str) -> Any:
        changes: dict[str, Any] = {"transport": self.transport, "now_ms": self.clock.now_ms, "sleep": self._sleep}
        return self.bench.run("certify", self.account, "--symbol", "MESZ26", *arguments, **changes)

    def _sleep(self, seconds: float) -> None:
        self.clock.advance(round(seconds * 1000))


def test_run_of_the_command_is_written_down_and_the_lane_is_free_afterwards(bench: Bench) -> None:
    desk = Desk(bench)

    result = desk.certify("--yes", "--json")

    values = json.loads(result.stdout)
    assert (result.exit_code, values["left"]) == (0, ""), result.output
    assert {case["verdict"] for case in values["cases"]} <= {"passed", "seen"}
    written = next(bench.folder.glob("certify-*.json"))
    assert json.loads(written.read_text())["cases"] == values["cases"]
    lane = f"{desk.account}#MES"
    assert not isinstance(DynamoLanes(bench.client("dynamodb"), TABLE).take(lane, "x", START_MS, 1), Busy)


def test_lane_that_is_worked_is_left_alone(bench: Bench) -> None:
    desk = Desk(bench)
    DynamoLanes(bench.client("dynamodb"), TABLE).take(f"{desk.account}#MES", "worker", START_MS, 60_000)

    result = desk.certify("--yes")

    assert result.exit_code == 7
    assert desk.app.state()["orders"] == []


def test_person_who_says_no_leaves_everything(bench: Bench) -> None:
    desk = Desk(bench)

    result = desk.certify()

    assert result.exit_code == 6
    assert desk.app.state()["orders"] == []
