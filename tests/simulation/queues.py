"""Simulated standard SQS queues behind the client's own methods: deterministic, in memory, in virtual time.

message:  delayed -> visible -> in flight(receipt, until) -> deleted       receive: visible -> in flight, count + 1
                                in flight -> visible                       its time-out passes, or is set to 0
                     visible -> a dead letter                              received more often than the queue allows

Messages come in the order in which they have become visible. That AWS promises no order, and may deliver twice, is the
kernel's to draw: `order` and `deliver_again` are there for it. What the bridge does not use is refused.
"""

# ruff: noqa: N803 - boto's own names
import hashlib
import heapq
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.errors import NotSimulatedError, client_error
from tests.simulation.queue_limits import MOST_BATCHED, MOST_HIDDEN_S, wrong_batch, wrong_message

REGION = "us-east-1"
OWNER = "123456789012"
SENDER = "AROAEXAMPLE:orderbridge"
KNOWN_ATTRIBUTES = {
    "DelaySeconds",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
}


@dataclass
class _Message:
    number: int
    message_id: str
    body: str
    sent_ms: int
    expires_ms: int
    visible_ms: int
    turn: int = 0
    """Counts its becoming visible or hidden: a heap entry of an earlier turn is void."""
    received: int = 0
    first_received_ms: int | None = None
    receipt: str = ""
    source_arn: str = ""


@dataclass
class _Queue:
    name: str
    arn: str
    visibility_ms: int
    retention_ms: int
    delay_ms: int
    attributes: dict[str, str]
    most_received: int | None = None
    dead_letters: "_Queue | None" = None
    messages: dict[str, _Message] = field(default_factory=dict)
    due: list[tuple[int, int, str, int]] = field(default_factory=list)
    """A heap of (visible at, number, message id, turn)."""

    def put(self, message: _Message) -> None:
        """Take a message in, or back, under its `visible_ms`."""
        self.messages[message.message_id] = message
        message.turn += 1
        heapq.heappush(self.due, (message.visible_ms, message.number, message.message_id, message.turn))

    def next(self) -> _Message | None:
        """Give the message that is visible next, dropping void entries on the way."""
        while self.due:
            _, _, message_id, turn = self.due[0]
            message = self.messages.get(message_id)
            if message is not None and message.turn == turn:
                return message
            heapq.heappop(self.due)
        return None


class SimulatedQueues:
    """The queues of one account."""

    def __init__(self, now_ms: Callable[[], int], order: Callable[[int], int] | None = None) -> None:
        """`order(n)` gives which of `n` visible messages comes next (0 is the one visible longest); None: always 0."""
        self._now_ms = now_ms
        self._order = order
        self._queues: dict[str, _Queue] = {}
        self._count = 0

    # ---- the client's methods

    def create_queue(self, *, QueueName: str, Attributes: Mapping[str, str] | None = None) -> dict[str, Any]:
        attributes = dict(Attributes or {})
        if set(attributes) - KNOWN_ATTRIBUTES:
            raise NotSimulatedError(f"queue attributes {sorted(set(attributes) - KNOWN_ATTRIBUTES)}")
        queue = _Queue(
            QueueName,
            f"arn:aws:sqs:{REGION}:{OWNER}:{QueueName}",
            int(attributes.get("VisibilityTimeout", 30)) * 1000,
            int(attributes.get("MessageRetentionPeriod", 345_600)) * 1000,
            int(attributes.get("DelaySeconds", 0)) * 1000,
            attributes,
        )
        if "RedrivePolicy" in attributes:
            policy = json.loads(attributes["RedrivePolicy"])
            queue.most_received = int(policy["maxReceiveCount"])
            (queue.dead_letters,) = [q for q in self._queues.values() if q.arn == policy["deadLetterTargetArn"]]
        url = f"https://sqs.{REGION}.amazonaws.com/{OWNER}/{QueueName}"
        self._queues[url] = queue
        return {"QueueUrl": url}

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: Sequence[str]) -> dict[str, Any]:
        queue, now_ms = self._queue(QueueUrl, "GetQueueAttributes"), self._now_ms()
        delayed = hidden = 0
        for message in queue.messages.values():
            if message.visible_ms > now_ms:
                delayed += message.received == 0
                hidden += message.received > 0
        told = {
            **queue.attributes,
            "QueueArn": queue.arn,
            "ApproximateNumberOfMessages": str(len(queue.messages) - delayed - hidden),
            "ApproximateNumberOfMessagesDelayed": str(delayed),
            "ApproximateNumberOfMessagesNotVisible": str(hidden),
        }
        names = list(told) if "All" in AttributeNames else AttributeNames
        return {"Attributes": {name: told[name] for name in names}}

    def send_message(self, *, QueueUrl: str, MessageBody: str, DelaySeconds: int | None = None) -> dict[str, Any]:
        queue = self._queue(QueueUrl, "SendMessage")
        wrong = wrong_message(MessageBody, DelaySeconds)
        if wrong is not None:
            raise client_error("SendMessage", *wrong)
        return self._send(queue, MessageBody, DelaySeconds)

    def send_message_batch(self, *, QueueUrl: str, Entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        queue = self._queue(QueueUrl, "SendMessageBatch")
        wrong = wrong_batch(Entries)
        if wrong is not None:
            raise client_error("SendMessageBatch", *wrong)
        good: list[dict[str, Any]] = []
        bad: list[dict[str, Any]] = []
        for entry in Entries:
            unknown = set(entry) - {"Id", "MessageBody", "DelaySeconds"}
            if unknown:
                raise NotSimulatedError(f"batch entry fields {sorted(unknown)}")
            refused = wrong_message(entry["MessageBody"], entry.get("DelaySeconds"))
            if refused is None:
                sent = self._send(queue, entry["MessageBody"], entry.get("DelaySeconds"))
                good.append({"Id": entry["Id"], **sent})
            else:
                bad.append({"Id": entry["Id"], "SenderFault": True, "Code": refused[0], "Message": refused[1]})
        return {name: found for name, found in (("Successful", good), ("Failed", bad)) if found}

    def receive_message(
        self,
        *,
        QueueUrl: str,
        MaxNumberOfMessages: int = 1,
        WaitTimeSeconds: int | None = None,  # the kernel waits
        VisibilityTimeout: int | None = None,
        AttributeNames: Sequence[str] = (),
        MessageSystemAttributeNames: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Receive what is visible now; nobody waits in here."""
        queue = self._queue(QueueUrl, "ReceiveMessage")
        if not 1 <= MaxNumberOfMessages <= MOST_BATCHED:
            text = f"Value {MaxNumberOfMessages} for parameter MaxNumberOfMessages is invalid."
            raise client_error("ReceiveMessage", "InvalidParameterValue", text)
        hidden_ms = queue.visibility_ms if VisibilityTimeout is None else VisibilityTimeout * 1000
        names = {*AttributeNames, *MessageSystemAttributeNames}
        visible, found = self._visible(queue, MaxNumberOfMessages), list[dict[str, Any]]()
        while visible and len(found) < MaxNumberOfMessages:
            message = visible.pop(0 if self._order is None else self._order(len(visible)))
            found.append(self._take(queue, message, hidden_ms, names))
        for message in visible:
            queue.put(message)
        return {"Messages": found} if found else {}

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> dict[str, Any]:
        """Delete what was received; with a handle from an earlier receive nothing happens, and the call succeeds."""
        queue = self._queue(QueueUrl, "DeleteMessage")
        message_id = _message_id(ReceiptHandle, "DeleteMessage")
        message = queue.messages.get(message_id)
        if message is not None and message.receipt == ReceiptHandle:
            del queue.messages[message_id]
        return {}

    def change_message_visibility(
        self,
        *,
        QueueUrl: str,
        ReceiptHandle: str,
        VisibilityTimeout: int,
    ) -> dict[str, Any]:
        queue, name = self._queue(QueueUrl, "ChangeMessageVisibility"), "ChangeMessageVisibility"
        if not 0 <= VisibilityTimeout <= MOST_HIDDEN_S:
            text = f"Value {VisibilityTimeout} for parameter VisibilityTimeout is invalid."
            raise client_error(name, "InvalidParameterValue", text)
        message = queue.messages.get(_message_id(ReceiptHandle, name))
        if message is None or message.receipt != ReceiptHandle:
            text = "Message does not exist or is not available for visibility timeout change."
            raise client_error(name, "InvalidParameterValue", text)
        if message.visible_ms <= self._now_ms():
            raise client_error(name, "MessageNotInflight", "The message referred to is not in flight.")
        message.visible_ms = self._now_ms() + VisibilityTimeout * 1000
        queue.put(message)
        return {}

    # ---- for the kernel

    def next_due_ms(self, queue_url: str) -> int | None:
        """Give when a message can next be received: a moment that may be past, None when the queue is empty."""
        message = self._queue(queue_url, "ReceiveMessage").next()
        return None if message is None else message.visible_ms

    def deliver_again(self, queue_url: str, message: Mapping[str, Any]) -> None:
        """Let what was received become visible once more, be it in flight or deleted: SQS keeps copies."""
        queue, message_id = self._queue(queue_url, "ReceiveMessage"), str(message["MessageId"])
        kept = queue.messages.get(message_id)
        if kept is None:
            kept = self._message(queue, str(message["Body"]), message_id)
        kept.visible_ms = self._now_ms()
        queue.put(kept)

    def bodies(self, queue_url: str) -> list[str]:
        """Give the bodies of all messages, those that are hidden or delayed too, in no certain order."""
        return [message.body for message in self._queue(queue_url, "ReceiveMessage").messages.values()]

    def arn(self, queue_url: str) -> str:
        """Give a queue's name in Lambda's event records."""
        return self._queue(queue_url, "GetQueueAttributes").arn

    # ---- inside

    def _queue(self, url: str, operation: str) -> _Queue:
        if url not in self._queues:
            text = "The specified queue does not exist."
            raise client_error(operation, "AWS.SimpleQueueService.NonExistentQueue", text)
        return self._queues[url]

    def _message(self, queue: _Queue, body: str, message_id: str = "") -> _Message:
        now_ms = self._now_ms()
        self._count += 1
        name = message_id or f"{self._count:08x}-5715-4000-8000-{self._count:012x}"
        return _Message(self._count, name, body, now_ms, now_ms + queue.retention_ms, now_ms)

    def _send(self, queue: _Queue, body: str, delay_s: int | None) -> dict[str, Any]:
        message = self._message(queue, body)
        message.visible_ms += queue.delay_ms if delay_s is None else delay_s * 1000
        queue.put(message)
        return {"MessageId": message.message_id, "MD5OfMessageBody": _md5(body)}

    def _visible(self, queue: _Queue, wanted: int) -> list[_Message]:
        """Take what is visible off the heap; what is too old is forgotten, what was received too often moved."""
        now_ms, found = self._now_ms(), list[_Message]()
        while self._order is not None or len(found) < wanted:
            message = queue.next()
            if message is None or message.visible_ms > now_ms:
                break
            heapq.heappop(queue.due)
            if message.expires_ms <= now_ms:
                del queue.messages[message.message_id]
            elif queue.most_received is not None and message.received >= queue.most_received:
                self._bury(queue, message)
            else:
                found.append(message)
        return found

    def _bury(self, queue: _Queue, message: _Message) -> None:
        """Move a message to the dead letters. It keeps its id and its age: retention counts from the first sending."""
        assert queue.dead_letters is not None
        del queue.messages[message.message_id]
        message.source_arn, message.receipt = queue.arn, ""
        message.expires_ms = message.sent_ms + queue.dead_letters.retention_ms
        message.visible_ms = self._now_ms()
        queue.dead_letters.put(message)

    def _take(self, queue: _Queue, message: _Message, hidden_ms: int, names: set[str]) -> dict[str, Any]:
        now_ms = self._now_ms()
        message.received += 1
        message.first_received_ms = now_ms if message.first_received_ms is None else message.first_received_ms
        message.receipt = f"{message.message_id}#{message.received}"
        message.visible_ms = now_ms + hidden_ms
        queue.put(message)
        told = {
            "MessageId": message.message_id,
            "ReceiptHandle": message.receipt,
            "MD5OfBody": _md5(message.body),
            "Body": message.body,
        }
        attributes = _attributes(message)
        chosen = attributes if "All" in names else {name: attributes[name] for name in names if name in attributes}
        return {**told, "Attributes": chosen} if chosen else told


def event_record(message: Mapping[str, Any], arn: str) -> dict[str, Any]:
    """Give the record of a received message (with all its attributes) in the event that Lambda's poller makes."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message["Attributes"]),
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": REGION,
    }


def _attributes(message: _Message) -> dict[str, str]:
    told = {
        "ApproximateFirstReceiveTimestamp": str(message.first_received_ms),
        "ApproximateReceiveCount": str(message.received),
        "SenderId": SENDER,
        "SentTimestamp": str(message.sent_ms),
    }
    return told | ({"DeadLetterQueueSourceArn": message.source_arn} if message.source_arn else {})


def _message_id(receipt: str, operation: str) -> str:
    message_id, mark, _ = receipt.partition("#")
    if not mark:
        raise client_error(operation, "ReceiptHandleIsInvalid", "The input receipt handle is not valid.")
    return message_id


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
