"""Alerts: durable once answered, one however often delivered, terminal in time, and always explained."""

from collections import Counter
from collections.abc import Iterator, Mapping

from orderbridge.execution.records import CommandStatus
from orderbridge.strategy.goal import Ending
from tests.simulation.invariants.base import Invariant, View
from tests.simulation.invariants.evidence import FiredAlert, Violation

SETTLED_MS = 260_000
"""Within this every alert ends once the last fault has stopped and it was accepted: a bell's redelivery (120 s), a dead
worker's lease (45 s) and an unknown outcome that is given up after 60 s, one after the other."""
REFUSED = "refused"


class AnsweredMeansStored(Invariant):
    """Every 2xx is durable: the alert and a job for each account stand in the table from that moment on."""

    def __init__(self) -> None:
        self._checked: set[str] = set()
        self._seen: dict[int, FiredAlert] = {}

    def after_step(self, view: View) -> Iterator[Violation]:
        alerts = view.evidence.alerts
        for number in range(max(0, len(alerts) - RECENT), len(alerts)):
            if self._seen.get(number) is not alerts[number]:  # an entry is replaced when it is delivered again
                self._seen[number] = alerts[number]
                yield from self._stored(view, alerts[number])

    def at_end(self, view: View) -> Iterator[Violation]:
        self._checked.clear()
        for alert in view.evidence.alerts:
            yield from self._stored(view, alert)

    def _stored(self, view: View, alert: FiredAlert) -> Iterator[Violation]:
        for delivery in alert.taken:
            if delivery.alert_id in self._checked or delivery.alert_id in view.ledger.lost_alerts:
                continue
            self._checked.add(delivery.alert_id)
            item = view.ledger.alerts.get(delivery.alert_id)
            if item is None or (f"ALERT#{delivery.alert_id}", "ALERT") not in view.evidence.items:
                yield self.violated(view, f"{delivery.alert_id} was answered {delivery.status} and is not stored")
                continue
            jobs = [job for job in view.ledger.jobs.values() if job.alert_id == delivery.alert_id]
            if len(jobs) < int(item.get("jobs", 0)):
                yield self.violated(view, f"{delivery.alert_id} has {len(jobs)} of its {item['jobs']} jobs stored")


RECENT = 64
"""How many of the last fired alerts a step may still answer."""


class OneAlertHoweverOftenDelivered(Invariant):
    """All deliveries of one alert are answered as one, and alerts of different bodies are never taken for one."""

    def at_end(self, view: View) -> Iterator[Violation]:
        yield from self._stored_twice(view)
        owner: dict[str, FiredAlert] = {}
        for alert in view.evidence.alerts:
            ids = {delivery.alert_id for delivery in alert.deliveries if delivery.alert_id}
            if ids & view.ledger.lost_alerts:
                continue  # it went with the table, and may be taken in as new
            if len(ids - _of_earlier(alert, owner)) > 1:
                yield self.violated(view, f"one alert of {alert.strategy} was taken in as {len(ids)}: {sorted(ids)}")
            accepted = [one for one in alert.deliveries if one.status == 202]
            if len(accepted) > 1:
                yield self.violated(view, f"{accepted[0].alert_id} was answered 202 {len(accepted)} times")
            for alert_id in sorted(ids):
                other = owner.setdefault(alert_id, alert)
                if other is not alert and (other.body, other.strategy) != (alert.body, alert.strategy):
                    yield self.violated(view, f"{alert_id} answers two alerts of different bodies")
                if other is not alert and other.body and _new_again(other, alert):
                    yield self.violated(view, f"{alert_id} answers an alert that fired long after the first")

    def _stored_twice(self, view: View) -> Iterator[Violation]:
        fired = Counter((alert.strategy, alert.body.decode("utf-8", "replace")) for alert in view.evidence.alerts)
        stored = Counter((str(item.get("strategy")), str(item.get("body"))) for item in view.ledger.alerts.values())
        for (strategy, body), count in stored.items():
            times = fired[(strategy, body)]
            if body and count > times > 0:
                yield self.violated(view, f"an alert that {strategy} fired {times}x is stored {count}x")


def _new_again(first: FiredAlert, second: FiredAlert) -> bool:
    """A body without a fire time is another alert after 40 s (DESIGN.md section 4); with 5 s for clocks that differ."""
    answered = [one.at_ms for one in first.deliveries if one.status is not None]
    return second.meant.fired_at_ms is None and bool(answered) and second.fired_at_ms - min(answered) > 45_000


def _of_earlier(alert: FiredAlert, owner: Mapping[str, FiredAlert]) -> set[str]:
    """Give the ids of earlier alerts: one that does not say when it fired counts as theirs while their 40 s last."""
    return set() if alert.meant.fired_at_ms is not None else {one for one in owner if owner[one] is not alert}


class LostOnlyUnanswered(Invariant):
    """An alert is lost only if all its deliveries were answered 5xx or not at all (that is counted, no violation)."""

    def at_end(self, view: View) -> Iterator[Violation]:
        fired = [view.ledger.fired(alert_id) for alert_id in view.ledger.alerts]
        gone = [view.ledger.fired(alert_id) for alert_id in view.ledger.lost_alerts]
        view.counts.lost_with_the_table = len(gone)
        known = {(alert.strategy, alert.body) for alert in (*fired, *gone) if alert is not None}
        for alert in view.evidence.alerts:
            if (alert.strategy, alert.body) in known or not alert.over:
                continue
            if any(one.status is not None and one.status < 500 for one in alert.deliveries):
                yield self.violated(view, f"an alert of {alert.strategy} was answered and is not in the table")
            else:
                view.counts.lost_alerts += 1


class EndsInTime(Invariant):
    """Every accepted alert ends within its deadline once the faults have stopped, and leaves nothing to be sent."""

    def at_end(self, view: View) -> Iterator[Violation]:
        ended_ms = view.evidence.faults_ended_ms
        if ended_ms is None or any(told.code == "ambiguous" for told in view.evidence.told):
            return
        for job in view.ledger.jobs.values():
            if job.ended_ms is None and view.now_ms - max(ended_ms, job.stored_ms) > SETTLED_MS:
                yield self.violated(view, f"{job.job_id} is {job.status} ({job.code}) long after the last fault")
            elif job.ended_ms is not None and job.ended_ms - max(ended_ms, job.stored_ms) > SETTLED_MS:
                yield self.violated(view, f"{job.job_id} ended {job.ended_ms - ended_ms} ms after the last fault")
        for command in view.ledger.commands.values():
            owner = view.ledger.jobs.get(command.record.job_id)
            if command.record.status is CommandStatus.NEW and owner is not None and owner.ended_ms is not None:
                yield self.violated(view, f"{command.record.command_id} is to be sent, and {owner.job_id} has ended")
        for alert_id, item in view.ledger.alerts.items():
            jobs = [job for job in view.ledger.jobs.values() if job.alert_id == alert_id]
            ended = all(job.ended_ms is not None for job in jobs)
            if ended and jobs and item.get("status") not in set(Ending):
                yield self.violated(view, f"every job of {alert_id} has ended, and the alert is {item.get('status')}")


class Explained(Invariant):
    """No alert ends without a reason code and a sentence, and what was not done is told to the user."""

    def at_end(self, view: View) -> Iterator[Violation]:
        told = {str(notice.get("alert_id", "")) for notice in view.ledger.notices}
        for alert_id, item in view.ledger.alerts.items():
            status = str(item.get("status", ""))
            if status not in set(Ending):
                continue
            if not item.get("code") or len(str(item.get("sentence", ""))) < len("No trade."):
                yield self.violated(view, f"{alert_id} is {status} without a reason")
            undone = status in (Ending.REFUSED, Ending.EXPIRED, Ending.SUPERSEDED, Ending.FAILED)
            if undone and alert_id not in told and item.get("source", "webhook") == "webhook":
                yield self.violated(view, f"{alert_id} is {status} ({item.get('code')}) and nobody was told")


class UnderstoodAsMeant(Invariant):
    """What must not be understood is refused, and what can be is never refused at the door."""

    def at_end(self, view: View) -> Iterator[Violation]:
        for alert in view.evidence.alerts:
            answers = {one.status for one in alert.deliveries if one.status is not None}
            if alert.meant.understood and 400 in answers:
                yield self.violated(view, f"an alert of {alert.strategy} ({alert.meant.action}) was answered 400")
            if not alert.meant.understood and answers & {202}:
                yield self.violated(view, f"a body of {alert.strategy} that means nothing was accepted")
