"""Alerts into the table, and the bells that make somebody look: at most two AWS calls an alert.

One transaction stores the dedup item, the alert and a job for each account:

    dedup item absent, or its window over   -> all stored                             accepted (or refused) now
    dedup item there, its alert is ours     -> a try before had succeeded             the same
    dedup item there                        -> nothing stored, bells rung again       the first receipt
    the same, by another body's field       -> stored as refused                      identity_conflict

Bells (messages of the doorbell queue): `{"lane": "account#root"}` for each lane with a job; `{"notices": true}` when a
notice was stored; for a duplicate that was suppressed also `{"notices": true, "tell": {code, sentence, strategy,
alert_id}}`, since storing that notice would be a third call. A bell that fails costs time only: the refresher's sweep
rings for what nobody looked at.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from orderbridge import codec
from orderbridge.alerts.alert import Alert, Refusal
from orderbridge.alerts.identity import Identity, conflict
from orderbridge.alerts.receipt import Answer, accepted, again, refused
from orderbridge.errors import StorageError
from orderbridge.storage import keys
from orderbridge.storage.in_time import ConditionError, DeniedError, InTime
from orderbridge.storage.items import Item, marshal, unmarshal
from orderbridge.storage.known_strategies import KnownStrategy
from orderbridge.strategy.symbols import lane_of, root_for

KEEP_S = 90 * 24 * 3600
DAY_S = 24 * 3600
BATCH = 10
"""SQS's limit."""
log = logging.getLogger(__name__)

Bell = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Incoming:
    """One authenticated delivery, read and identified."""

    alert_id: str
    strategy: KnownStrategy
    text: str
    read: Alert | Refusal
    identity: Identity
    received_at_ms: int
    storing_at_ms: int
    direct: bool = False

    @property
    def name(self) -> str:
        return self.strategy.settings.name

    @property
    def token(self) -> str:
        """The transaction's token: the same in each try, another one when a conflict makes it another transaction."""
        return f"{self.alert_id}{'f' if self.identity.by_field else 'b'}"


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a delivery, and whom to wake."""

    outcome: Literal["accepted", "refused", "duplicate"]
    alert_id: str
    answer: Answer
    bells: tuple[Bell, ...] = ()
    code: str = ""


class Intake:
    """Stores alerts and rings bells."""

    def __init__(self, dynamodb: Any, sqs: Any, table: str, queue_url: str) -> None:
        self._dynamodb = dynamodb
        self._sqs = sqs
        self._table = table
        self._queue_url = queue_url
        self._batches = True

    def take(self, incoming: Incoming, in_time: InTime) -> Taken:
        """Store an alert, or find that it was stored before. Raises `StorageError` when neither is certain."""
        items = _refused_items(incoming) if isinstance(incoming.read, Refusal) else _accepted_items(incoming)
        try:
            in_time.call(
                self._dynamodb.transact_write_items,
                TransactItems=[self._put_dedup(incoming, items), *(self._put(item) for item in items.others)],
                ClientRequestToken=incoming.token,
            )
        except ConditionError as failed:
            first = unmarshal(failed.old.get(0, {}))
            if not first:
                raise StorageError("the dedup item was not told") from failed
            if first["alert_id"] != incoming.alert_id:
                return self._met(incoming, first, in_time)
        return items.taken

    def ring(self, bells: Sequence[Bell], in_time: InTime) -> bool:
        """Ring bells; tell whether all were rung. What was stored is worked without a bell too, only later."""
        texts = [json.dumps(bell) for bell in bells]
        try:
            if len(texts) > 1 and self._batches:
                return self._ring_together(texts, in_time)
            for text in texts:
                in_time.call(self._sqs.send_message, QueueUrl=self._queue_url, MessageBody=text)
        except StorageError as error:
            log.warning("a bell was not rung; the sweep will look", extra={"reason": str(error)})
            return False
        return True

    def _ring_together(self, texts: Sequence[str], in_time: InTime) -> bool:
        """Ring several bells with one call for each ten.

        AWS asks `sqs:SendMessage` for a batch too; MiniStack asks for an action that AWS does not have and denies it.
        """
        failed = 0
        for start in range(0, len(texts), BATCH):
            entries = [{"Id": str(at), "MessageBody": text} for at, text in enumerate(texts[start : start + BATCH])]
            try:
                reply = in_time.call(self._sqs.send_message_batch, QueueUrl=self._queue_url, Entries=entries)
            except DeniedError:
                self._batches = False
                return self.ring([json.loads(text) for text in texts[start:]], in_time) and not failed
            failed += len(reply.get("Failed", ()))
        return not failed

    def _met(self, incoming: Incoming, first: Item, in_time: InTime) -> Taken:
        """Answer a delivery whose identity is taken."""
        if incoming.identity.by_field and first["body_hash"] != incoming.identity.body_hash:
            identity = replace(incoming.identity, key=f"b-{incoming.identity.body_hash}", by_field=False)
            refusal = conflict(incoming.strategy.settings.identity_field)
            return self.take(replace(incoming, identity=identity, read=refusal), in_time)
        answer = again(str(first["receipt"]))
        bells: list[Bell] = [{"lane": lane} for lane in json.loads(str(first["lanes"]))]
        if answer.status == 400:
            bells.append({"notices": True})
        elif not incoming.direct:
            bells.append({"notices": True, "tell": _told(incoming, str(first["alert_id"]))})
        return Taken("duplicate", str(first["alert_id"]), answer, tuple(bells))

    def _put_dedup(self, incoming: Incoming, items: "_Items") -> dict[str, Any]:
        identity = incoming.identity
        item: Item = {
            **keys.dedup(incoming.name, identity.key),
            "schema": keys.SCHEMA,
            "alert_id": incoming.alert_id,
            "body_hash": identity.body_hash,
            "window_until_ms": identity.window_until_ms,
            "receipt": items.taken.answer.body,
            "lanes": json.dumps(items.lanes),
            "expires_at": identity.window_until_ms // 1000 + DAY_S,
        }
        return {
            "Put": {
                "TableName": self._table,
                "Item": marshal(item),
                "ConditionExpression": "attribute_not_exists(pk) OR window_until_ms < :now",
                "ExpressionAttributeValues": marshal({":now": incoming.received_at_ms}),
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    def _put(self, item: Item) -> dict[str, Any]:
        return {"Put": {"TableName": self._table, "Item": marshal(item)}}


# ---- items


@dataclass(frozen=True, slots=True)
class _Items:
    """What is stored beside the dedup item, and what is answered then."""

    others: list[Item]
    lanes: list[str]
    taken: Taken


def _accepted_items(incoming: Incoming) -> _Items:
    alert = incoming.read
    assert isinstance(alert, Alert)
    settings = incoming.strategy.settings
    accounts = [route.account for route in settings.accounts]
    missing = [account for account in accounts if account not in incoming.strategy.brokers]
    if missing or not accounts:
        return _refused_items(replace(incoming, read=_unsettled(settings.name, missing)))
    data = codec.plain(alert)
    jobs = [_job_item(incoming, alert, data, at) for at in range(len(accounts))]
    lanes = list(dict.fromkeys(str(job["lane"]) for job in jobs))
    answer = accepted(incoming.alert_id, settings.name, alert, accounts, incoming.received_at_ms)
    item = _alert_item(incoming, "accepted", "stored", "Stored; it is being worked.", _text(data), len(jobs))
    item["lanes"] = json.dumps(lanes)  # where its jobs are, for whoever looks it up
    bells = tuple({"lane": lane} for lane in lanes)
    return _Items([item, *jobs], lanes, Taken("accepted", incoming.alert_id, answer, bells))


def _refused_items(incoming: Incoming) -> _Items:
    refusal = incoming.read
    assert isinstance(refusal, Refusal)
    sentence = f"{refusal.message} {refusal.hint}".strip()
    answer = refused(incoming.alert_id, refusal)
    items = [_alert_item(incoming, "refused", refusal.code, sentence, codec.dumps(refusal), 0)]
    bells: tuple[Bell, ...] = ()
    if not incoming.direct:
        told = f"An alert to {incoming.name} was refused and not traded. {sentence}"
        items.append(_notice_item(incoming, refusal.code, told))
        bells = ({"notices": True},)
    return _Items(items, [], Taken("refused", incoming.alert_id, answer, bells, refusal.code))


def _alert_item(incoming: Incoming, status: str, code: str, sentence: str, data: str, jobs: int) -> Item:
    return {
        **keys.alert(incoming.alert_id),
        "schema": keys.SCHEMA,
        "gpk": f"ALERTS#{incoming.name}",
        "gsk": incoming.alert_id,
        "alert_id": incoming.alert_id,
        "strategy": incoming.name,
        "status": status,
        "code": code,
        "sentence": sentence,
        "received_at_ms": incoming.received_at_ms,
        "source": "fire" if incoming.direct else "webhook",
        "body": incoming.text,
        "data": data,
        "jobs": jobs,
        "expires_at": incoming.received_at_ms // 1000 + KEEP_S,
    }


def _job_item(incoming: Incoming, alert: Alert, data: Any, at: int) -> Item:
    """Give the item that `storage.jobs.job_item` would give: importing `Job` would cost a third of the cold start."""
    settings, received = incoming.strategy.settings, incoming.received_at_ms
    route = settings.accounts[at]
    account = route.account
    root = root_for(alert, settings, route, incoming.strategy.brokers[account], received)
    lane = lane_of(account, root, account in incoming.strategy.whole_account_lanes)
    job_id = f"{incoming.alert_id}.{account}"
    job = {
        "job_id": job_id,
        "alert_id": incoming.alert_id,
        "strategy": settings.name,
        "account": account,
        "lane": lane,
        "root": root,
        "accepted_at_ms": received,
        "alert": data,
        "phases": {"received": received, "stored": incoming.storing_at_ms},
    }
    return {
        **keys.job(lane, received, job_id),
        "schema": keys.SCHEMA,
        "status": "QUEUED",
        "lane": lane,
        "data": _text(job),
        "gpk": "OPEN#JOB",
        "gsk": f"{received:013d}#{job_id}",
    }


def _notice_item(incoming: Incoming, code: str, sentence: str) -> Item:
    """Give the item that `storage.jobs.notice_item` would give."""
    notice_id, at_ms = f"{incoming.alert_id}.{code}", incoming.received_at_ms
    return {
        **keys.notice(notice_id),
        "schema": keys.SCHEMA,
        "gpk": "OPEN#NOTICE",
        "gsk": f"{at_ms:013d}#{notice_id}",
        "code": code,
        "sentence": sentence,
        "at_ms": at_ms,
        "expires_at": at_ms // 1000 + KEEP_S,
        "strategy": incoming.name,
        "alert_id": incoming.alert_id,
    }


def _told(incoming: Incoming, first_alert_id: str) -> dict[str, str]:
    sentence = f"An alert to {incoming.name} arrived again and was not traded a second time."
    return {"code": "duplicate", "sentence": sentence, "strategy": incoming.name, "alert_id": first_alert_id}


def _unsettled(strategy: str, missing: Sequence[str]) -> Refusal:
    about = f"{' and '.join(missing)} is not known to it" if missing else "it has no accounts"
    text = f"The strategy {strategy} cannot trade: {about}."
    return Refusal("settings_incomplete", "", text, "Run `orderbridge apply`.")


def _text(data: Any) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"))
