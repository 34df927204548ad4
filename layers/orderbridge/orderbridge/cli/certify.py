"""`orderbridge certify`: the numbered cases at the broker itself, on a simulated account, with its smallest orders.

The lane is held meanwhile, so no alert is worked beside it. Live accounts are refused.
"""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from orderbridge.brokers.http import MonotonicDeadline
from orderbridge.cli.certification import Certifier, Patient, Result
from orderbridge.cli.holding import all_accounts
from orderbridge.cli.running import FOUND, JsonOption, Run, StackOption, YesOption, running
from orderbridge.errors import BrokerReadError, ConflictError, SettingsError
from orderbridge.execution.ports import Busy, Fence
from orderbridge.storage.lanes import DynamoLanes
from orderbridge.storage.overview import Overview
from orderbridge.strategy.settings import AccountSettings
from orderbridge.strategy.symbols import canonical_root, lane_of

EACH_S = 20.0
HOLD_MS = 300_000
"""Longer than any single case may take; it is extended between them."""


def certify(
    context: typer.Context,
    account: Annotated[str, typer.Argument(help="The account's name in the settings; never a live one.")],
    symbol: Annotated[str, typer.Option("--symbol", help="The broker's symbol to trade the smallest size of.")],
    yes: YesOption = False,
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """Try the bridge's numbered cases on a simulated account and write down what the broker does."""
    with running(context, stack, as_json) as run:
        settings = _settings(run, account)
        broker = run.bridge.broker(settings)
        lane = lane_of(account, canonical_root(symbol), broker.capabilities.one_action_at_a_time)
        patient = Patient(broker, run.world.sleep, lambda: MonotonicDeadline(EACH_S))
        certifier = Certifier(patient, symbol, run.world.now_ms, run.world.sleep, lambda: uuid.uuid4().hex)
        _free(run, lane, certifier)
        run.ask(f"Place and close orders of the smallest size in {symbol} on {settings.broker_account_id}?", yes)
        results: list[Result] = []
        with _held(run, lane) as lanes:
            try:
                for result in certifier.run():
                    results.append(result)
                    run.out.say(f"{result.number}  {result.verdict:8}{result.title}\n          {result.saw}")
                    lanes.extend()
            finally:
                left = _cleaned(certifier)
        values = _record(run, settings, symbol, results, left)
        if left:
            run.out.say(f"Not cleaned up: {left}. Please close it at the broker.", "red")
        run.out.result(values)
        if left or any(result.verdict == "failed" for result in results):
            raise typer.Exit(FOUND)


def _settings(run: Run, name: str) -> AccountSettings:
    found = run.settings.account(name)
    if found is None:
        known = ", ".join(all_accounts(run)) or "none"
        raise SettingsError(f"there is no account {name!r}; applied are: {known}")
    if found.value.environment == "live":
        raise SettingsError(f"{name} is a live account; certify places real orders and takes simulated accounts only")
    return found.value


def _free(run: Run, lane: str, certifier: Certifier) -> None:
    """Refuse a symbol in which something stands: it could not be told from what the cases do."""
    occupied = certifier.occupied()
    state = Overview(run.world.client("dynamodb"), run.table).lane_state(lane)
    if occupied or state.pending:
        raise SettingsError(
            f"{certifier.symbol} is not free ({occupied or 'an order is pending'}); take another symbol"
        )


def _cleaned(certifier: Certifier) -> str:
    try:
        return certifier.clean_up()
    except BrokerReadError as error:
        return f"the account cannot be read ({error})"


class _Lane:
    """The lane, held."""

    def __init__(self, run: Run, lanes: DynamoLanes, fence: Fence) -> None:
        self._run = run
        self._lanes = lanes
        self.fence = fence

    def extend(self) -> None:
        self.fence = self._lanes.extend(self.fence, self._run.now_ms, HOLD_MS)


@contextmanager
def _held(run: Run, lane: str) -> Iterator[_Lane]:
    lanes = DynamoLanes(run.world.client("dynamodb"), run.table, incarnation=run.bridge.incarnation)
    held = lanes.take(lane, f"certify-{uuid.uuid4().hex}", run.now_ms, HOLD_MS)
    if isinstance(held, Busy) and held.restored:
        raise SettingsError("the table was restored from a backup, and nothing is sent: orderbridge reconcile")
    if isinstance(held, Busy):
        raise ConflictError(f"lane {lane} is being worked; try again in a minute")
    holding = _Lane(run, lanes, held.fence)
    try:
        yield holding
    finally:
        lanes.release(holding.fence)


def _record(run: Run, settings: AccountSettings, symbol: str, results: list[Result], left: str) -> dict[str, Any]:
    """Write down what was seen, beside the settings file."""
    at = datetime.fromtimestamp(run.now_ms / 1000, UTC)
    values = {
        "account": settings.name,
        "broker": settings.broker,
        "environment": settings.environment,
        "base_url": settings.base_url,
        "symbol": symbol,
        "at": at.isoformat(),
        "cases": [
            {"number": r.number, "title": r.title, "verdict": r.verdict, "saw": r.saw, "took_ms": r.took_ms}
            for r in results
        ],
        "left": left,
    }
    path = run.world.folder / f"certify-{settings.name}-{at:%Y%m%dT%H%M%S}.json"
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    run.out.aside(f"Written to {path.name}.")
    return {**values, "file": str(path)}
