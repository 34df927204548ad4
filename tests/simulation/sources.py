"""What calls the functions beside TradingView: the doorbell queue's poller and the minute's scheduler."""

from collections.abc import Callable
from random import Random
from typing import Any

from tests.simulation.hub import Hub
from tests.simulation.lambdas import Function
from tests.simulation.queues import SimulatedQueues, event_record
from tests.simulation.weather import Fault, Weather

CONCURRENCY = 8
"""The template's default of the event source's MaximumConcurrency."""
MINUTE_MS = 60_000


class Poller:
    """Lambda's event source: receives bells, calls the executor with each, and deletes what was answered."""

    def __init__(
        self,
        hub: Hub,
        queues: SimulatedQueues,
        url: str,
        executor: Function,
        weather: Weather,
        dice: Random,
        note: Callable[[str], None],
    ) -> None:
        self._hub = hub
        self._queues = queues
        self._url = url
        self._arn = queues.arn(url)
        self._executor = executor
        self._weather = weather
        self._dice = dice
        self._note = note
        self._busy = 0
        self._wake_ms = -1
        self.deliveries = 0

    def wake(self) -> None:
        """Look at the queue when its next message is due."""
        due_ms = self._queues.next_due_ms(self._url)
        if due_ms is None or self._busy >= CONCURRENCY:
            return
        at_ms = max(due_ms, self._hub.now) + self._dice.randint(4, 25)
        if self._hub.now <= self._wake_ms <= at_ms:
            return
        self._wake_ms = at_ms
        self._hub.at(at_ms, self._poll)

    def _poll(self) -> None:
        if self._hub.now == self._wake_ms:
            self._wake_ms = -1
        while self._busy < CONCURRENCY:
            reply = self._queues.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=1, MessageSystemAttributeNames=["All"]
            )
            if "Messages" not in reply:
                break
            self._deliver(reply["Messages"][0])
        self.wake()

    def _deliver(self, message: dict[str, Any]) -> None:
        fate = self._weather.fate(self._dice, "poller", "poller", "queue", "deliver")
        fault = None if fate is None else fate.fault
        if fault is Fault.REFUSED:
            return  # it was received, and whoever received it has died: it comes again after the visibility time-out
        self._busy += 1
        self.deliveries += 1
        event = {"Records": [event_record(message, self._arn)]}
        if fault is Fault.CONFLICT:  # the queue delivers a copy at the same time
            self._executor.invoke(event, lambda _: None)
        delay_ms = fate.ms if fate is not None and fault is Fault.SLOW_BEFORE else 0
        self._hub.after(
            delay_ms, lambda: self._executor.invoke(event, lambda result: self._answered(message, fault, result))
        )

    def _answered(self, message: dict[str, Any], fault: Fault | None, result: Any) -> None:
        self._busy -= 1
        if result is not None and not result["batchItemFailures"] and fault is not Fault.LOST:
            self._queues.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        if fault is Fault.RESET:  # deleted, and all the same delivered once more
            self._queues.deliver_again(self._url, message)
        self.wake()


class Scheduler:
    """Calls the refresher each minute; in bad weather twice, late, or not at all."""

    def __init__(self, hub: Hub, refresher: Function, weather: Weather, dice: Random) -> None:
        self._hub = hub
        self._refresher = refresher
        self._weather = weather
        self._dice = dice
        hub.after(dice.randrange(MINUTE_MS), self._minute)

    def _minute(self) -> None:
        self._hub.after(MINUTE_MS, self._minute)
        fate = self._weather.fate(self._dice, "scheduler", "scheduler", "scheduler", "invoke")
        fault = None if fate is None else fate.fault
        if fault is Fault.REFUSED:
            return
        delay_ms = fate.ms if fate is not None and fault is Fault.SLOW_BEFORE else 0
        self._hub.after(delay_ms, self._invoke)
        if fault is Fault.CONFLICT:
            self._hub.after(self._dice.randint(0, 3_000), self._invoke)

    def _invoke(self) -> None:
        self._refresher.invoke({}, lambda _: None)
