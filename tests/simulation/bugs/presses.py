"""Planted bugs of what a person presses at TradingView's panel."""

from dataclasses import replace
from typing import Any

from orderbridge.broker_api import tickets
from orderbridge.broker_api.working import Outcome, Working
from orderbridge.execution import by_hand, hand_steps, worker
from orderbridge.model import OrderType
from tests.simulation.bugs.patcher import Patcher


def request_id_kept_in_memory(patch: Patcher) -> None:
    """Only the process that took a request knows its id again."""

    def twin(original: Any) -> Any:
        def carry_out(self: Working, *arguments: Any) -> Any:
            user, account, wish, symbol, request_id, *rest = arguments
            stage: Any = self._stage
            return original(self, user, account, wish, symbol, f"{request_id}/{stage._bridge.owner}", *rest)

        return carry_out

    patch.method(Working, "carry_out", twin)


def part_of_a_close_ignored(patch: Patcher) -> None:
    patch.function(
        hand_steps, "_close", lambda original: lambda wish, scene: original(replace(wish, quantity=None), scene)
    )


def press_overtakes_alerts(patch: Patcher) -> None:
    patch.function(worker, "_precedes", lambda _: lambda alert, press: False)


def unknown_press_told_as_refused(patch: Patcher) -> None:
    """What is not known (yet) is told as an error, as if it had not been done."""

    def twin(original: Any) -> Any:
        def outcome(self: Working, job: Any, stored: Any) -> Outcome:
            found: Outcome = original(self, job, stored)
            return replace(found, state="refused", message="It failed.") if found.state == "open" else found

        return outcome

    patch.method(Working, "_outcome", twin)


def press_sent_however_old(patch: Patcher) -> None:
    patch.function(by_hand, "MAX_AGE_MS", lambda _: 3_600_000)


def ticket_sent_at_market(patch: Patcher) -> None:
    """A ticket's limit or stop order goes out at market."""

    def twin(original: Any) -> Any:
        def read_order(*arguments: Any) -> Any:
            order = original(*arguments)
            return replace(order, order_type=OrderType.MARKET, limit_price=None, stop_price=None)

        return read_order

    patch.function(tickets, "read_order", twin)
