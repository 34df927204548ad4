"""Scripts drawn at random are answered by the simulated AWS as moto answers them."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fidelity import systems
from tests.fidelity.calling import Caller, System, marshalled, plain, refused

pytestmark = pytest.mark.race

STAGES = ("AWSCURRENT", "AWSPREVIOUS")
RUNS = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
_number = itertools.count(1)
"""Each script has items, messages and secrets of its own: the systems stay the same throughout a test."""

CONDITIONS = (
    "",
    "attribute_not_exists(pk)",
    "attribute_exists(pk)",
    "attribute_exists(gpk)",
    "attribute_not_exists(n) OR n < :i",
    "n = :i",
    "n <> :i AND attribute_exists(t)",
    "NOT (n >= :i) OR t = :w",
    "begins_with(t, :w)",
    "contains(t, :w)",
    "n BETWEEN :low AND :high",
    "attribute_not_exists(n) AND (attribute_exists(t) OR t <> :w)",
)
UPDATES = (
    "SET n = :i",
    "SET n = if_not_exists(n, :i), t = :w",
    "SET n = n + :i",
    "SET t = :w ADD n :i",
    "ADD n :i REMOVE t",
    "REMOVE gpk, gsk",
    "SET gpk = :open, gsk = :w",
    "SET n = if_not_exists(n, :low) - :i REMOVE t, gsk",
)

keys = st.tuples(st.sampled_from("AB"), st.sampled_from(("1", "2", "20", "3")))
words = st.sampled_from(("a", "ab", "b", "é"))
numbers = st.integers(-2, 3)
items = st.fixed_dictionaries(
    {}, optional={"n": numbers, "t": words, "flag": st.booleans(), "gpk": st.just("OPEN"), "gsk": words}
)
conditions = st.fixed_dictionaries(
    {"condition": st.sampled_from(CONDITIONS), "i": numbers, "w": words, "old": st.booleans()}
)
single = st.one_of(
    st.tuples(st.just("Put"), keys, items, conditions),
    st.tuples(st.just("Update"), keys, st.sampled_from(UPDATES), conditions),
    st.tuples(st.just("Delete"), keys, st.just(""), conditions),
)
checks = st.tuples(
    st.just("ConditionCheck"), keys, st.just(""), conditions.filter(lambda drawn: bool(drawn["condition"]))
)
transactions = st.lists(st.one_of(single, checks), min_size=1, max_size=4, unique_by=lambda drawn: drawn[1])
queries = st.fixed_dictionaries(
    {
        "range": st.sampled_from(("", "sk = :w", "sk < :w", "sk >= :w", "begins_with(sk, :w)", "sk BETWEEN :w AND :v")),
        "w": st.sampled_from(("1", "2")),
        "filter": st.sampled_from(("", "attribute_exists(n)", "t = :t")),
        "limit": st.sampled_from((None, 1, 2)),
        "forward": st.booleans(),
    }
)
table_steps = st.one_of(
    st.tuples(st.just("single"), single),
    st.tuples(st.just("transact"), transactions),
    st.tuples(st.just("query"), st.sampled_from("AB"), queries),
    st.tuples(st.just("index"), st.booleans(), st.sampled_from((None, 1, 2))),
    st.tuples(st.just("get"), keys),
)
queue_steps = st.one_of(
    st.tuples(st.just("send"), words),
    st.tuples(st.just("batch"), st.lists(words, min_size=1, max_size=3)),
    st.tuples(st.just("receive"), st.just(0)),
    st.tuples(st.sampled_from(("delete", "show", "hide")), st.integers(0, 5)),
)
tokens = st.integers(0, 3).map(lambda at: f"{at:0>32}")
secret_steps = st.one_of(
    st.tuples(st.just("create"), st.just("c" * 32), words),
    st.tuples(st.just("put"), tokens, words),
    st.tuples(st.just("get"), st.sampled_from(("", *STAGES)), st.sampled_from(("", "1"))),
    st.tuples(st.just("delete"), st.just(""), st.just("")),
)


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[System, System]]:
    with systems.moto() as moto:
        yield systems.simulated(), moto


@RUNS
@given(script=st.lists(table_steps, min_size=4, max_size=14))
def test_table_answers_a_drawn_script_as_moto_does(pair: tuple[System, System], script: list[Any]) -> None:
    _hold_alike(pair, script, _table_step)


@RUNS
@given(script=st.lists(queue_steps, min_size=6, max_size=12))
def test_queue_answers_a_drawn_script_as_moto_does(pair: tuple[System, System], script: list[Any]) -> None:
    handles: dict[str, dict[str, str]] = {}
    name = f"q{next(_number)}"
    fresh = (systems.with_fresh_queues(pair[0], name), systems.with_fresh_queues(pair[1], name))

    def step(aws: Caller, drawn: tuple[Any, ...]) -> Any:
        return _queue_step(aws, drawn, handles.setdefault(aws.system.name, {}))

    _hold_alike(fresh, [*script, ("dead", 0)], step)


@RUNS
@given(script=st.lists(secret_steps, min_size=3, max_size=12))
def test_secret_answers_a_drawn_script_as_moto_does(pair: tuple[System, System], script: list[Any]) -> None:
    _hold_alike(pair, script, _secret_step)


def _hold_alike(pair: tuple[System, System], script: list[Any], step: Any) -> None:
    tag = f"{next(_number):06d}"
    simulated, moto = (Caller(system, tag) for system in pair)
    for at, drawn in enumerate(script):
        ours, theirs = step(simulated, drawn), step(moto, drawn)
        assert ours == theirs, f"step {at}: {drawn}"


# ---- the table


def _table_step(aws: Caller, drawn: tuple[Any, ...]) -> Any:
    match drawn:
        case "single", (kind, _, _, _) as operation:
            arguments = _operation(aws, operation)
            returns = {"Put": "NONE", "Update": "ALL_NEW", "Delete": "ALL_OLD"}[kind]
            return plain(aws.table(f"{kind.lower()}_item", ..., ReturnValues=returns, **arguments))
        case "transact", operations:
            answer = plain(aws.transact(..., *({one[0]: _operation(aws, one)} for one in operations)))
            misfit = "ValidationError" in answer.get("reasons", ())
            return refused("ValidationException") if misfit else answer  # moto refuses the request as a whole
        case "query", pk, wanted:
            return _pages(aws, _query(aws, pk, wanted))
        case "index", forward, limit:
            values = marshalled(**{":open": f"{aws.tag}#OPEN"})
            about = {"IndexName": "open", "KeyConditionExpression": "gpk = :open", "ScanIndexForward": forward}
            more = {} if limit is None else {"Limit": limit}
            pages = _pages(aws, {**about, **more, "ExpressionAttributeValues": values})
            return _by_sort_key(pages)
        case "get", (pk, sk):
            return plain(aws.table("get_item", ..., Key=aws.key(pk, sk), ConsistentRead=True))
    raise AssertionError(drawn)


def _operation(aws: Caller, drawn: tuple[Any, ...]) -> dict[str, Any]:
    kind, (pk, sk), what, about = drawn
    arguments: dict[str, Any] = {"Item": aws.item(pk, sk, **what)} if kind == "Put" else {"Key": aws.key(pk, sk)}
    text = about["condition"]
    if kind == "Update":
        arguments["UpdateExpression"] = what
        text += f" {what}"
    if about["condition"]:
        arguments["ConditionExpression"] = about["condition"]
        if about["old"]:
            arguments["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    given = {":i": about["i"], ":w": about["w"], ":low": -1, ":high": 1, ":open": f"{aws.tag}#OPEN"}
    used = {name: value for name, value in given.items() if name in text.replace(")", " ").replace(",", " ").split()}
    return arguments | ({"ExpressionAttributeValues": marshalled(**used)} if used else {})


def _query(aws: Caller, pk: str, wanted: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, str] = {":p": f"{aws.tag}#{pk}"}
    arguments: dict[str, Any] = {"KeyConditionExpression": "pk = :p", "ConsistentRead": True}
    arguments["ScanIndexForward"] = wanted["forward"]
    if wanted["range"]:
        arguments["KeyConditionExpression"] += f" AND {wanted['range']}"
        values[":w"] = wanted["w"]
        values |= {":v": "20"} if ":v" in wanted["range"] else dict[str, str]()
    if wanted["filter"]:
        arguments["FilterExpression"] = wanted["filter"]
        values |= {":t": "ab"} if ":t" in wanted["filter"] else dict[str, str]()
    if wanted["limit"] is not None:
        arguments["Limit"] = wanted["limit"]
    return arguments | {"ExpressionAttributeValues": marshalled(**values)}


def _pages(aws: Caller, query: dict[str, Any]) -> list[Any]:
    """Read all pages; where one ends just at the last item, AWS and the simulated one give an empty page more."""
    pages: list[Any] = []
    start: dict[str, Any] = {}
    while True:
        page = aws.table("query", ..., **query, **start)
        pages.append(plain(page)["Items"] if "Items" in page else page)
        if "LastEvaluatedKey" not in page:
            return [item for page in pages for item in page]
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _by_sort_key(items: list[Any]) -> list[Any]:
    """Make the order the same where AWS promises none: among items with one sort key."""
    runs = [list(run) for _, run in itertools.groupby(items, key=lambda item: item["gsk"]["S"])]
    return [sorted(run, key=repr) for run in runs]


# ---- queues and secrets


def _queue_step(aws: Caller, drawn: tuple[Any, ...], handles: dict[str, str]) -> Any:
    """Make one call; bodies are numbered, so that a handle is known by what it is for in both systems."""
    match drawn:
        case "send", word:
            aws.bell("send_message", ..., MessageBody=_body(aws, word))
        case "batch", texts:
            entries = [{"Id": str(at), "MessageBody": _body(aws, word, at)} for at, word in enumerate(texts)]
            aws.bell("send_message_batch", ..., Entries=entries)
        case "receive", _:
            asked: dict[str, Any] = {
                "AttributeNames": ["ApproximateReceiveCount"],
                "MaxNumberOfMessages": 10,
                "WaitTimeSeconds": 0,
            }
            messages = aws.bell("receive_message", ..., **asked).get("Messages", [])
            handles |= {message["Body"]: message["ReceiptHandle"] for message in messages}
            return sorted((m["Body"], m["Attributes"]["ApproximateReceiveCount"]) for m in messages)
        case "dead", _:
            where = {"MaxNumberOfMessages": 10, "WaitTimeSeconds": 0}
            dead = aws.queue(aws.system.dead_letter_url, "receive_message", ..., **where).get("Messages", [])
            return sorted(message["Body"] for message in dead)
        case how, at if len(handles) > at:
            body = sorted(handles)[at]
            if how == "delete":
                return body, aws.bell("delete_message", ..., ReceiptHandle=handles.pop(body)).get("error")
            seconds = {"show": 0, "hide": 600}[how]
            about: dict[str, Any] = {"ReceiptHandle": handles[body], "VisibilityTimeout": seconds}
            if how == "show":
                del handles[body]
            return body, aws.bell("change_message_visibility", ..., **about).get("error")
    return _counts(aws)


def _body(aws: Caller, word: str, at: int = 0) -> str:
    return f"{word} {aws.tag} {aws.made} {at}"


def _counts(aws: Caller) -> Any:
    names = [f"ApproximateNumberOfMessages{name}" for name in ("", "Delayed", "NotVisible")]
    return plain(aws.bell("get_queue_attributes", ..., AttributeNames=names))


def _secret_step(aws: Caller, drawn: tuple[str, str, str]) -> Any:
    match drawn:
        case "create", token, text:
            return aws.secret("create_secret", ..., SecretString=text, ClientRequestToken=token).get("error")
        case "put", token, text:
            return plain(aws.secret("put_secret_value", ..., SecretString=text, ClientRequestToken=token))
        case "get", stage, version:
            about = {"VersionStage": stage} if stage else {"VersionId": f"{version:0>32}"} if version else {}
            return plain(aws.secret("get_secret_value", ..., **about))
    return plain(aws.secret("delete_secret", ..., ForceDeleteWithoutRecovery=True)).get("error")
