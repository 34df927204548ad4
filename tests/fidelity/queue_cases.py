"""What the bridge asks of its queues and its topic, as numbered scripts."""

from typing import Any

from tests.fidelity.calling import Caller, Cases, refused

case = Cases("Q")
NOTHING: dict[str, Any] = {}
MD5 = {"one": "f97c5d29941bfb1b2fdab0874906ab82", "two": "b8a9f715dbb64fd5c56e7783c6820a61"}
INVALID = refused("InvalidParameterValue")


def sent(body: str) -> dict[str, Any]:
    return {"MessageId": "...", "MD5OfMessageBody": MD5[body]}


def received(*bodies: str, **attributes: str) -> dict[str, Any]:
    told = {"Attributes": attributes} if attributes else {}
    messages = [
        {"MessageId": "...", "ReceiptHandle": "...", "MD5OfBody": MD5[body], "Body": body, **told} for body in bodies
    ]
    return {"Messages": messages}


def counted(visible: int = 0, delayed: int = 0, hidden: int = 0) -> dict[str, Any]:
    numbers = {"": visible, "Delayed": delayed, "NotVisible": hidden}
    return {"Attributes": {f"ApproximateNumberOfMessages{name}": str(number) for name, number in numbers.items()}}


COUNTS = [f"ApproximateNumberOfMessages{name}" for name in ("", "Delayed", "NotVisible")]


@case(1, "a message is received once, with what Lambda's record needs, and is gone when deleted")
def _(aws: Caller) -> None:
    aws.bell("receive_message", NOTHING, WaitTimeSeconds=0)
    aws.bell("send_message", sent("one"), MessageBody="one")
    aws.bell("get_queue_attributes", counted(visible=1), AttributeNames=COUNTS)
    about = {
        "ApproximateReceiveCount": "1",
        "SentTimestamp": "...",
        "SenderId": "...",
        "ApproximateFirstReceiveTimestamp": "...",
    }
    answer = aws.bell("receive_message", received("one", **about), WaitTimeSeconds=0, AttributeNames=["All"])
    aws.bell("receive_message", NOTHING, WaitTimeSeconds=0)
    aws.bell("get_queue_attributes", counted(hidden=1), AttributeNames=COUNTS)
    handle = answer["Messages"][0]["ReceiptHandle"]
    aws.bell("delete_message", {}, ReceiptHandle=handle)
    aws.bell("delete_message", {}, ReceiptHandle=handle)
    aws.bell("get_queue_attributes", counted(), AttributeNames=COUNTS)


@case(2, "a batch is sent entry by entry")
def _(aws: Caller) -> None:
    entries = [{"Id": "0", "MessageBody": "one"}, {"Id": "1", "MessageBody": "two"}]
    gives = {"Successful": [{"Id": "0", **sent("one")}, {"Id": "1", **sent("two")}]}
    aws.bell("send_message_batch", gives, Entries=entries)
    answer = aws.bell("receive_message", ..., MaxNumberOfMessages=10, WaitTimeSeconds=0)
    aws.check(sorted(message["Body"] for message in answer["Messages"]) == ["one", "two"], "other bodies came")


@case(3, "a batch that is empty, too long or has an id twice is refused")
def _(aws: Caller) -> None:
    service = "AWS.SimpleQueueService"
    entry = {"Id": "0", "MessageBody": "one"}
    eleven = [entry | {"Id": str(at)} for at in range(11)]
    aws.bell("send_message_batch", refused(f"{service}.EmptyBatchRequest"), Entries=[])
    aws.bell("send_message_batch", refused(f"{service}.BatchEntryIdsNotDistinct"), Entries=[entry, entry])
    aws.bell("send_message_batch", refused(f"{service}.TooManyEntriesInBatchRequest"), Entries=eleven)
    aws.bell("send_message_batch", refused(f"{service}.InvalidBatchEntryId"), Entries=[entry | {"Id": "a b"}])
    aws.bell("receive_message", NOTHING, WaitTimeSeconds=0)


@case(4, "a message must have a body, and a delay of at most 900 s")
def _(aws: Caller) -> None:
    aws.bell("send_message", refused("MissingParameter"), MessageBody="")
    aws.bell("send_message", INVALID, MessageBody="one", DelaySeconds=901)
    aws.bell("send_message", INVALID, MessageBody="one", DelaySeconds=-1)
    aws.bell("send_message", sent("one"), MessageBody="one", DelaySeconds=900)
    aws.bell("get_queue_attributes", counted(delayed=1), AttributeNames=COUNTS)
    aws.bell("receive_message", NOTHING, WaitTimeSeconds=0)


@case(5, "a delayed message comes when its delay is over")
def _(aws: Caller) -> None:
    aws.bell("send_message", sent("one"), MessageBody="one", DelaySeconds=1)
    aws.bell("receive_message", NOTHING, WaitTimeSeconds=0)
    aws.bell("receive_message", received("one"), WaitTimeSeconds=3)


@case(6, "a message that was not deleted comes again, and its earlier handle deletes it no more")
def _(aws: Caller) -> None:
    aws.bell("send_message", sent("one"), MessageBody="one")
    first = aws.bell("receive_message", received("one"), VisibilityTimeout=1, WaitTimeSeconds=0)
    again = received("one", ApproximateReceiveCount="2")
    second = aws.bell("receive_message", again, WaitTimeSeconds=3, AttributeNames=["ApproximateReceiveCount"])
    aws.check(first["Messages"][0]["MessageId"] == second["Messages"][0]["MessageId"], "it has another id")
    aws.bell("delete_message", {}, ReceiptHandle=first["Messages"][0]["ReceiptHandle"])
    aws.bell("get_queue_attributes", counted(hidden=1), AttributeNames=COUNTS)
    aws.bell("delete_message", {}, ReceiptHandle=second["Messages"][0]["ReceiptHandle"])
    aws.bell("get_queue_attributes", counted(), AttributeNames=COUNTS)


@case(7, "a handle whose time-out has passed still deletes a message that nobody else has received")
def _(aws: Caller) -> None:
    aws.bell("send_message", sent("one"), MessageBody="one")
    first = aws.bell("receive_message", received("one"), VisibilityTimeout=0, WaitTimeSeconds=0)
    aws.bell("get_queue_attributes", counted(visible=1), AttributeNames=COUNTS)
    aws.bell("delete_message", {}, ReceiptHandle=first["Messages"][0]["ReceiptHandle"])
    aws.bell("receive_message", NOTHING, WaitTimeSeconds=0)


@case(8, "a message is hidden for longer, or at once no more")
def _(aws: Caller) -> None:
    aws.bell("send_message", sent("one"), MessageBody="one")
    first = aws.bell("receive_message", received("one"), WaitTimeSeconds=0)
    handle = {"ReceiptHandle": first["Messages"][0]["ReceiptHandle"]}
    aws.bell("change_message_visibility", {}, VisibilityTimeout=600, **handle)
    aws.bell("receive_message", NOTHING, WaitTimeSeconds=0)
    aws.bell("change_message_visibility", {}, VisibilityTimeout=0, **handle)
    second = aws.bell("receive_message", received("one"), WaitTimeSeconds=0)
    handle = {"ReceiptHandle": second["Messages"][0]["ReceiptHandle"]}
    aws.bell("change_message_visibility", INVALID, VisibilityTimeout=43_201, **handle)


@case(9, "a message that was received five times goes to the dead letters")
def _(aws: Caller) -> None:
    aws.bell("send_message", sent("one"), MessageBody="one")
    first: dict[str, Any] = {}
    for count in range(1, 6):
        about = {"ApproximateReceiveCount": str(count)}
        asked = {"AttributeNames": ["ApproximateReceiveCount"], "WaitTimeSeconds": 0}
        answer = aws.bell("receive_message", received("one", **about), **asked)
        first = first or answer["Messages"][0]
        handle = answer["Messages"][0]["ReceiptHandle"]
        aws.bell("change_message_visibility", {}, ReceiptHandle=handle, VisibilityTimeout=0)
    aws.bell("receive_message", NOTHING, WaitTimeSeconds=0)
    dead = aws.system.dead_letter_url
    moved = aws.queue(dead, "receive_message", received("one"), MaxNumberOfMessages=10, WaitTimeSeconds=0)
    aws.check(moved["Messages"][0]["MessageId"] == first["MessageId"], "it has another id")
    aws.queue(dead, "delete_message", {}, ReceiptHandle=moved["Messages"][0]["ReceiptHandle"])
    aws.queue(dead, "get_queue_attributes", counted(), AttributeNames=COUNTS)
    aws.bell("get_queue_attributes", counted(), AttributeNames=COUNTS)


@case(10, "a queue or a handle that is not there is said so")
def _(aws: Caller) -> None:
    missing = refused("AWS.SimpleQueueService.NonExistentQueue")
    url = aws.system.bell_url + "x"
    aws.queue(url, "send_message", missing, MessageBody="one")
    aws.queue(url, "receive_message", missing, WaitTimeSeconds=0)
    aws.queue(url, "delete_message", missing, ReceiptHandle="x")
    aws.bell("delete_message", refused("ReceiptHandleIsInvalid"), ReceiptHandle="no handle of ours")


@case(11, "no more messages come than were asked for")
def _(aws: Caller) -> None:
    for _ in range(3):
        aws.bell("send_message", sent("one"), MessageBody="one")
    aws.bell("receive_message", received("one"), WaitTimeSeconds=0)
    aws.bell("receive_message", received("one", "one"), MaxNumberOfMessages=10, WaitTimeSeconds=0)
    aws.bell("receive_message", INVALID, MaxNumberOfMessages=11, WaitTimeSeconds=0)


@case(12, "a notice is published under a subject that mail can carry")
def _(aws: Caller) -> None:
    def publish(gives: Any, subject: str, topic: str = aws.system.topic_arn) -> None:
        aws.call("sns", "publish", gives, TopicArn=topic, Subject=subject, Message="A sentence – with a dash.")

    publish({"MessageId": "..."}, "Orderbridge: duplicate")
    publish({"MessageId": "..."}, "x" * 100)
    for wrong in ("x" * 101, "two\nlines", "a – dash", ""):
        publish(refused("InvalidParameter"), wrong)
    publish(refused("NotFound"), "Orderbridge: duplicate", f"{aws.system.topic_arn}x")
