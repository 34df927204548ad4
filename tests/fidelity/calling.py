"""Calls of AWS that are made of several systems alike, and their answers in one comparable form.

A case is a script of calls, each with the answer that AWS gives (its documentation's, or seen there). The simulated
AWS, moto and MiniStack must all give it; where one of them is known not to, `KNOWN_DIFFERENCES` has what it gives
instead and why, so that a change is noticed there too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

VARYING = {
    *("ARN", "CreatedDate", "DeletedDate", "DeletionDate", "MessageId", "QueueArn", "QueueUrl", "ReceiptHandle"),
    *("ApproximateFirstReceiveTimestamp", "SenderId", "SentTimestamp", "SequenceNumber", "TopicArn"),
}
"""What differs from run to run: only its presence is compared."""
LEFT_OUT = {
    *(
        "ResponseMetadata",
        "ConsumedCapacity",
        "ItemCollectionMetrics",
        "Message",
        "LastChangedDate",
        "LastAccessedDate",
        "Tags",
        "Description",
    ),
    *(
        "KmsKeyId",
        "RotationEnabled",
        "RotationLambdaARN",
        "RotationRules",
        "NextRotationDate",
        "SecretVersionsToStages",
    ),
    "ReplicationStatus",
}
"""What the bridge reads nowhere and some system leaves out or makes up."""
NONE_FAILED: tuple[str, list[Any]] = ("Failed", [])
"""Of a batch of which all was sent, AWS may or may not say that nothing failed."""


@dataclass(frozen=True)
class System:
    """One AWS, simulated in one way or another."""

    name: str
    clients: Mapping[str, Any]
    table: str
    bell_url: str
    dead_letter_url: str
    topic_arn: str
    secret_prefix: str
    wait: Callable[[str, float], None] = lambda _, __: None
    """Before a receive that waits: let virtual time pass until a message is due in this queue, or so many seconds."""


@dataclass
class Caller:
    """Makes the calls of one case; `tag` keeps its items apart from those of the others."""

    system: System
    tag: str
    differences: Mapping[int, Any] = field(default_factory=dict)
    """Number of the call -> the answer that this system is known to give instead."""
    wrong: list[str] = field(default_factory=list)
    made: int = 0

    def call(self, service: str, operation: str, gives: Any, **arguments: Any) -> Any:
        """Make a call, note when its answer is not `gives` (`...`: any answer will do), and return it unchanged."""
        self.made += 1
        try:
            answer = getattr(self.system.clients[service], operation)(**arguments)
        except ClientError as error:
            answer = told(error)
        except (KeyError, TypeError, ValueError) as error:  # moto's own, in place of a refusal
            answer = refused(repr(error))
        seen, wanted = plain(answer), self.differences.get(self.made, gives)
        if wanted is not ... and seen != wanted:
            self.wrong.append(f"call {self.made} ({operation}) gives {seen}, not {wanted}")
        if self.made in self.differences and seen == gives:
            self.wrong.append(f"call {self.made} ({operation}) gives what AWS does: it is no known difference any more")
        return answer

    def check(self, holds: bool, about: str) -> None:
        """Note when something does not hold that no single answer shows."""
        if not holds:
            self.wrong.append(f"after call {self.made}: {about}")

    # ---- the table

    def table(self, operation: str, gives: Any, **arguments: Any) -> Any:
        return self.call("dynamodb", operation, gives, TableName=self.system.table, **arguments)

    def transact(self, gives: Any, *operations: Mapping[str, Mapping[str, Any]], token: str = "") -> Any:
        """Write several items together; the table's name is filled in."""
        named = [{k: {"TableName": self.system.table, **v} for k, v in one.items()} for one in operations]
        more = {"ClientRequestToken": token} if token else {}
        return self.call("dynamodb", "transact_write_items", gives, TransactItems=named, **more)

    def key(self, pk: str, sk: str = "X") -> dict[str, dict[str, str]]:
        return {"pk": {"S": f"{self.tag}#{pk}"}, "sk": {"S": sk}}

    def item(self, pk: str, sk: str = "X", /, **attributes: str | int | bool) -> dict[str, Any]:
        """Give an item; its index partition, where it has one, is the case's own."""
        values = dict(attributes)
        if values.get("gpk"):
            values["gpk"] = f"{self.tag}#{values['gpk']}"
        return {**self.key(pk, sk), **marshalled(**values)}

    # ---- the bell queue

    def bell(self, operation: str, gives: Any, **arguments: Any) -> Any:
        return self.queue(self.system.bell_url, operation, gives, **arguments)

    def queue(self, url: str, operation: str, gives: Any, **arguments: Any) -> Any:
        if arguments.get("WaitTimeSeconds"):
            self.system.wait(url, arguments["WaitTimeSeconds"])
        return self.call("sqs", operation, gives, QueueUrl=url, **arguments)

    # ---- secrets

    def secret(self, operation: str, gives: Any, **arguments: Any) -> Any:
        """Call about the case's own secret."""
        name = "Name" if operation == "create_secret" else "SecretId"
        return self.call("secretsmanager", operation, gives, **{name: self.secret_name}, **arguments)

    @property
    def secret_name(self) -> str:
        return f"{self.system.secret_prefix}{self.tag}"


Script = Callable[[Caller], None]


@dataclass(frozen=True)
class Case:
    """One script, under a number that stays its own."""

    number: str
    title: str
    script: Script


class Cases:
    """A numbered list that scripts are added to."""

    def __init__(self, letter: str) -> None:
        self._letter = letter
        self.all: list[Case] = []

    def __call__(self, number: int, title: str) -> Callable[[Script], Script]:
        def add(script: Script) -> Script:
            self.all.append(Case(f"{self._letter}{number:02d}", title, script))
            return script

        return add


def marshalled(**attributes: str | int | bool) -> dict[str, Any]:
    """Give attribute values."""
    found: dict[str, Any] = {}
    for name, value in attributes.items():
        if isinstance(value, bool):
            found[name] = {"BOOL": value}
        else:
            found[name] = {"N": str(value)} if isinstance(value, int) else {"S": value}
    return found


def told(error: ClientError) -> dict[str, Any]:
    """Give an error as an answer: its code, and what the bridge reads beside it."""
    response: Any = error.response
    answer: dict[str, Any] = {"error": response["Error"]["Code"]}
    if "Item" in response:
        answer["item"] = response["Item"]
    reasons: Sequence[Mapping[str, Any]] = response.get("CancellationReasons", ())
    if reasons:
        answer["reasons"] = [
            (reason.get("Code", "None"), reason["Item"]) if reason.get("Item") else reason.get("Code", "None")
            for reason in reasons
        ]
    return answer


def plain(answer: Any) -> Any:
    """Give an answer without what varies."""
    if isinstance(answer, Mapping):
        kept = {name: value for name, value in answer.items() if name not in LEFT_OUT and (name, value) != NONE_FAILED}
        return {name: "..." if name in VARYING else plain(value) for name, value in kept.items()}
    if isinstance(answer, list):
        return [plain(one) for one in answer]
    return answer


def refused(code: str, **more: Any) -> dict[str, Any]:
    """Give the plain form of an error."""
    return {"error": code, **more}
