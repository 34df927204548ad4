"""The alert receiver: authenticate, read, identify, store, ring, answer. The outermost room of that function.

It decides nothing about trading, and it is lean: what it imports is what TradingView's 3 seconds see on a cold start.
"""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from orderbridge.alerts.alert import Alert, Refusal
from orderbridge.alerts.authentication import Sources, key_fits
from orderbridge.alerts.delivery import Delivery, delivery_of
from orderbridge.alerts.dialect import Context
from orderbridge.alerts.dialects import read_alert
from orderbridge.alerts.identity import Identity, alert_id, by_body, identify
from orderbridge.alerts.reading import Body, read_body
from orderbridge.alerts.receipt import FORBIDDEN, UNAUTHORIZED, UNAVAILABLE, Answer
from orderbridge.errors import StorageError
from orderbridge.lean_log import write_metrics
from orderbridge.machine import MACHINE, Machine
from orderbridge.storage.in_time import InTime
from orderbridge.storage.intake import Incoming, Intake
from orderbridge.storage.known_strategies import KnownStrategies, KnownStrategy

WARM_S = 2.4
COLD_S = 1.8
"""The first alert of a new environment has waited for its start already."""
RECHECK_S = 1.0
"""A key that does not fit is tried again on settings of at most this age: it may be a new one."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Seen:
    """What the log and the metrics tell of one delivery: never its body, its key or its path."""

    monotonic: Callable[[], float]
    started: float
    marks: dict[str, float] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)

    def mark(self, phase: str) -> None:
        """End a phase."""
        self.marks[phase] = round((self.monotonic() - self.started) * 1000 - sum(self.marks.values()), 2)


class Receiver:
    """Takes in alerts."""

    def __init__(
        self,
        strategies: KnownStrategies,
        intake: Intake,
        sources: Sources,
        stack: str,
        machine: Machine = MACHINE,
        in_time: Callable[[float, Machine], InTime] = InTime,
    ) -> None:
        self._strategies = strategies
        self._intake = intake
        self._sources = sources
        self._stack = stack
        self._machine = machine
        self._in_time = in_time
        self._seconds = COLD_S

    def receive(self, event: Mapping[str, Any]) -> Answer:
        """Take in one delivery. Every answer comes before TradingView gives up; none is for the body's sake a 5xx."""
        machine = self._machine
        received_at_ms, in_time = machine.now_ms(), self._in_time(self._seconds, machine)
        seen = _Seen(machine.monotonic, machine.monotonic())
        self._seconds = WARM_S
        try:
            outcome, answer = self._received(delivery_of(event), received_at_ms, seen, in_time)
        except StorageError as error:
            log.warning("the alert was not stored", extra={"reason": str(error)}, exc_info=True)
            outcome, answer = "NotStored", UNAVAILABLE
        self._tell(outcome, answer, received_at_ms, seen)
        return answer

    def _received(self, delivery: Delivery, received_at_ms: int, seen: _Seen, in_time: InTime) -> tuple[str, Answer]:
        if not delivery.direct and not self._sources.allow(delivery.source_ip):
            return "SourceRefused", FORBIDDEN
        known = self._authenticated(delivery, in_time)
        seen.mark("AuthenticateMs")
        if known is None:
            return "Unauthorized", UNAUTHORIZED
        incoming = self._read(delivery, known, received_at_ms)
        seen.mark("ReadMs")
        seen.about = {"strategy": incoming.name, "alert_id": incoming.alert_id, "direct": delivery.direct}
        if isinstance(incoming.read, Alert) and incoming.read.fired_at_ms is not None:
            seen.about["fire_to_receive_ms"] = received_at_ms - incoming.read.fired_at_ms
        taken = self._intake.take(incoming, in_time)
        seen.mark("StoreMs")
        seen.about |= {"alert_id": taken.alert_id, "code": taken.code}
        seen.about["rung"] = self._intake.ring(taken.bells, in_time)
        seen.mark("RingMs")
        return taken.outcome.capitalize(), taken.answer

    def _authenticated(self, delivery: Delivery, in_time: InTime) -> KnownStrategy | None:
        """Give the strategy if the delivery may speak for it: known or not, the same work is done."""
        if not _NAME.fullmatch(delivery.strategy):
            return None
        known = self._strategies.find(delivery.strategy, in_time)
        if delivery.direct or _fits(delivery, known):
            return known
        known = self._strategies.find(delivery.strategy, in_time, max_age_s=RECHECK_S)
        return known if _fits(delivery, known) else None

    def _read(self, delivery: Delivery, known: KnownStrategy, received_at_ms: int) -> Incoming:
        body = read_body(delivery.raw)
        read = read_alert(body, Context(received_at_ms, known.settings.symbol))
        read, identity = self._identified(delivery, known, body, read, received_at_ms)
        fresh_id = alert_id(received_at_ms, self._machine.random_bytes(8))
        storing_at_ms = self._machine.now_ms()
        return Incoming(fresh_id, known, body.text, read, identity, received_at_ms, storing_at_ms, delivery.direct)

    def _identified(
        self, delivery: Delivery, known: KnownStrategy, body: Body, read: Alert | Refusal, received_at_ms: int
    ) -> tuple[Alert | Refusal, Identity]:
        name, raw, test = known.settings.name, delivery.raw, delivery.test
        if isinstance(read, Refusal):
            return read, by_body(name, raw, read, received_at_ms, test)
        identity = identify(name, raw, read, body.fields, known.settings.identity_field, received_at_ms, test)
        if isinstance(identity, Refusal):
            return identity, by_body(name, raw, identity, received_at_ms, test)
        notes = (*read.notes, identity.note) if identity.note else read.notes
        return replace(read, notes=notes, test=read.test or test), identity

    def _tell(self, outcome: str, answer: Answer, received_at_ms: int, seen: _Seen) -> None:
        total = round((seen.monotonic() - seen.started) * 1000, 2)
        log.info("alert answered", extra={"outcome": outcome, "status": answer.status, **seen.about})
        milliseconds = {**seen.marks, "ReceiveMs": total}
        if "fire_to_receive_ms" in seen.about:
            milliseconds["FireToReceiveMs"] = seen.about["fire_to_receive_ms"]
        write_metrics(self._stack, received_at_ms, {f"Alerts{outcome}": 1}, milliseconds)


def _fits(delivery: Delivery, known: KnownStrategy | None) -> bool:
    return key_fits(delivery.key.reveal(), known.settings.key_hashes if known else ())
