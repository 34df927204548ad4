"""What the bridge asks of its table, as numbered scripts."""

import re
from typing import Any

from tests.fidelity.calling import Caller, Cases, marshalled, refused

case = Cases("T")
ABSENT = "attribute_not_exists(pk)"
INVALID = refused("ValidationException")
FAILED = refused("ConditionalCheckFailedException")
CANCELLED = "TransactionCanceledException"
KB = 1024


@case(1, "an item that was put is read whole, a missing one not at all")
def _(aws: Caller) -> None:
    item = aws.item("A", speech="x", count=-12, flag=True, empty="")
    aws.table("get_item", {}, Key=aws.key("A"), ConsistentRead=True)
    aws.table("put_item", {}, Item=item)
    aws.table("get_item", {"Item": item}, Key=aws.key("A"), ConsistentRead=True)
    aws.table("put_item", {}, Item=aws.item("A", other="y"))
    aws.table("get_item", {"Item": aws.item("A", other="y")}, Key=aws.key("A"), ConsistentRead=True)


@case(2, "a conditional put that is refused tells the old item when asked to")
def _(aws: Caller) -> None:
    first, second = aws.item("A", owner="first"), aws.item("A", owner="second")
    asked = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    aws.table("put_item", {}, Item=first, ConditionExpression=ABSENT)
    aws.table("put_item", refused(FAILED["error"], item=first), Item=second, ConditionExpression=ABSENT, **asked)
    aws.table("put_item", FAILED, Item=second, ConditionExpression=ABSENT)
    aws.table("put_item", FAILED, Item=aws.item("B"), ConditionExpression="attribute_exists(pk)", **asked)
    aws.table("get_item", {}, Key=aws.key("B"), ConsistentRead=True)


@case(3, "an update makes a missing item, counts and takes away")
def _(aws: Caller) -> None:
    made = aws.item("A", epoch=1, until_ms=50)
    taking: dict[str, Any] = {
        "Key": aws.key("A"),
        "UpdateExpression": "SET until_ms = :until ADD epoch :one",
        "ConditionExpression": "attribute_not_exists(pk) OR until_ms < :now",
        "ReturnValues": "ALL_NEW",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    for until, now, gives in (
        (50, 0, {"Attributes": made}),
        (60, 50, refused(FAILED["error"], item=made)),
        (70, 51, {"Attributes": aws.item("A", epoch=2, until_ms=70)}),
    ):
        values = marshalled(**{":until": until, ":one": 1, ":now": now})
        aws.table("update_item", gives, ExpressionAttributeValues=values, **taking)
    removed = {"Key": aws.key("A"), "UpdateExpression": "REMOVE until_ms, nothing", "ReturnValues": "ALL_OLD"}
    aws.table("update_item", {"Attributes": aws.item("A", epoch=2, until_ms=70)}, **removed)
    aws.table("get_item", {"Item": aws.item("A", epoch=2)}, Key=aws.key("A"), ConsistentRead=True)
    aws.table("update_item", {}, Key=aws.key("B"), UpdateExpression="REMOVE nothing")
    aws.table("get_item", {"Item": aws.item("B")}, Key=aws.key("B"), ConsistentRead=True)


@case(4, "an update reads every operand from the item as it was")
def _(aws: Caller) -> None:
    aws.table("put_item", {}, Item=aws.item("A", a=1, b=2))
    for expression, values, after in (
        ("SET a = b, b = a", {}, {"a": 2, "b": 1}),
        ("SET a = a + :n, c = if_not_exists(c, :n), d = if_not_exists(a, :n)", {":n": 5}, {"a": 7, "c": 5, "d": 2}),
        ("SET a = a - :n REMOVE c, d ADD b :m, e :m", {":n": 10, ":m": 3}, {"a": -3, "b": 4, "e": 3}),
        ("SET a = if_not_exists(zz, :n) + :n REMOVE b, e", {":n": 4}, {"a": 8}),
    ):
        more = {"ExpressionAttributeValues": marshalled(**values)} if values else {}
        left = {"b": 1} if "c" in after else {}
        gives = {"Attributes": aws.item("A", **{**left, **after})}
        aws.table("update_item", gives, Key=aws.key("A"), UpdateExpression=expression, ReturnValues="ALL_NEW", **more)


@case(5, "an update that cannot be carried out changes nothing")
def _(aws: Caller) -> None:
    aws.table("put_item", {}, Item=aws.item("A", speech="x", n=1))
    for expression, values in (
        ("SET n = nowhere", {}),
        ("SET n = nowhere + :n", {":n": 1}),
        ("SET n = speech + :n", {":n": 1}),
        ("ADD speech :n", {":n": 1}),
        ("SET n = :n, n = :n", {":n": 1}),
        ("SET n = :n REMOVE n", {":n": 1}),
        ("SET pk = :n", {":n": "y"}),
        ("SET n = :n SET speech = :n", {":n": 1}),
        ("SET n :n", {":n": 1}),
    ):
        more = {"ExpressionAttributeValues": marshalled(**values)} if values else {}
        aws.table("update_item", INVALID, Key=aws.key("A"), UpdateExpression=expression, **more)
    aws.table("get_item", {"Item": aws.item("A", speech="x", n=1)}, Key=aws.key("A"), ConsistentRead=True)


@case(6, "names and values are used, known and not reserved, or the request is refused")
def _(aws: Caller) -> None:
    one = marshalled(**{":n": 1})
    for arguments in (
        {"UpdateExpression": "SET n = :m", "ExpressionAttributeValues": one},
        {"UpdateExpression": "SET n = :n", "ExpressionAttributeValues": one | marshalled(**{":m": 2})},
        {"UpdateExpression": "SET #n = :n", "ExpressionAttributeValues": one},
        {"UpdateExpression": "SET n = :n", "ExpressionAttributeValues": one, "ExpressionAttributeNames": {"#n": "n"}},
        {"UpdateExpression": "SET n = :n", "ExpressionAttributeValues": one, "ExpressionAttributeNames": {}},
        {"UpdateExpression": "REMOVE n", "ExpressionAttributeValues": {}},
        {"UpdateExpression": "SET status = :n", "ExpressionAttributeValues": one},
        {"UpdateExpression": "SET n = :n", "ExpressionAttributeValues": one, "ConditionExpression": "owner = :n"},
        {"UpdateExpression": "SET n = :n", "ExpressionAttributeValues": one, "ConditionExpression": "n = "},
        {"UpdateExpression": "SET n = :n", "ExpressionAttributeValues": one, "ConditionExpression": ""},
    ):
        aws.table("update_item", INVALID, Key=aws.key("A"), **arguments)
    used = {"UpdateExpression": "SET #s = :n", "ExpressionAttributeNames": {"#s": "status"}}
    aws.table("update_item", {}, Key=aws.key("A"), ExpressionAttributeValues=one, **used)
    aws.table("get_item", {"Item": aws.item("A", status=1)}, Key=aws.key("A"), ConsistentRead=True)


@case(7, "a delete gives what it took, and minds its condition")
def _(aws: Caller) -> None:
    item = aws.item("A", version=1)
    aws.table("delete_item", {}, Key=aws.key("A"), ReturnValues="ALL_OLD")
    aws.table("put_item", {}, Item=item)
    wrong = {"ConditionExpression": "version = :v", "ExpressionAttributeValues": marshalled(**{":v": 2})}
    aws.table("delete_item", FAILED, Key=aws.key("A"), **wrong)
    aws.table("delete_item", {"Attributes": item}, Key=aws.key("A"), ReturnValues="ALL_OLD")
    aws.table("delete_item", {}, Key=aws.key("A"), ReturnValues="ALL_OLD")
    aws.table("delete_item", FAILED, Key=aws.key("A"), **wrong)


@case(8, "conditions hold or fail as their words say")
def _(aws: Caller) -> None:
    aws.table("put_item", {}, Item=aws.item("A", n=5, speech="hello", flag=True, low="a"))
    values: dict[str, str | int | bool] = {
        ":4": 4,
        ":5": 5,
        ":05": 50,
        ":s5": "5",
        ":hello": "hello",
        ":he": "he",
        ":ell": "ell",
        ":yes": True,
    }
    for condition, holds in (
        ("n = :5", True),
        ("n = :s5", False),
        ("n <> :s5", True),
        ("n > :4 AND n < :05", True),
        ("n >= :5 AND n <= :5", True),
        ("speech > :he", True),
        ("speech < :s5", False),
        ("nowhere = :5", False),
        ("nowhere <> :5", True),
        ("nowhere < :5", False),
        ("n < :he", False),
        ("flag = :yes", True),
        ("n BETWEEN :4 AND :5", True),
        ("n BETWEEN :4 AND :4", False),
        ("begins_with(speech, :he)", True),
        ("begins_with(speech, :ell)", False),
        ("begins_with(nowhere, :he)", False),
        ("contains(speech, :ell)", True),
        ("contains(speech, :s5)", False),
        ("contains(n, :s5)", False),
        ("attribute_exists(n) AND attribute_not_exists(nowhere)", True),
        ("NOT n = :5", False),
        ("NOT n = :4 AND n = :5", True),
        ("n = :4 AND n = :4 OR n = :5", True),
        ("n = :4 AND (n = :4 OR n = :5)", False),
        ("n = :5 OR n = :4 AND n = :4", True),
        ("low < speech", True),
    ):
        used = {name: value for name, value in values.items() if name in re.findall(r":\w+", condition)}
        more = {"ExpressionAttributeValues": marshalled(**used)} if used else {}
        update = {"UpdateExpression": "REMOVE nothing", "ConditionExpression": condition}
        aws.table("update_item", {} if holds else FAILED, Key=aws.key("A"), **update, **more)
    swapped = {"UpdateExpression": "REMOVE nothing", "ConditionExpression": "n BETWEEN :5 AND :4"}
    bounds = {"ExpressionAttributeValues": marshalled(**{":4": 4, ":5": 5})}
    aws.table("update_item", INVALID, Key=aws.key("A"), **swapped, **bounds)


@case(9, "a transaction is carried out whole or not at all, and says why")
def _(aws: Caller) -> None:
    halted = aws.item("SWITCH", blocks="all")
    aws.table("put_item", {}, Item=halted)
    check: dict[str, Any] = {
        "Key": aws.key("SWITCH"),
        "ConditionExpression": "attribute_not_exists(pk) OR blocks <> :all",
        "ExpressionAttributeValues": marshalled(**{":all": "all"}),
    }
    put = {"Put": {"Item": aws.item("A"), "ConditionExpression": ABSENT}}
    told = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    aws.transact(refused(CANCELLED, reasons=["None", "ConditionalCheckFailed"]), put, {"ConditionCheck": check})
    aws.transact(
        refused(CANCELLED, reasons=["None", ("ConditionalCheckFailed", halted)]),
        put,
        {"ConditionCheck": check | told},
    )
    aws.table("get_item", {}, Key=aws.key("A"), ConsistentRead=True)
    aws.table("delete_item", {}, Key=aws.key("SWITCH"))
    counted = {
        "Key": aws.key("B"),
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": marshalled(**{":one": 1}),
    }
    aws.transact({}, put, {"ConditionCheck": check | told}, {"Update": counted}, {"Delete": {"Key": aws.key("C")}})
    aws.table("get_item", {"Item": aws.item("A")}, Key=aws.key("A"), ConsistentRead=True)
    aws.table("get_item", {"Item": aws.item("B", n=1)}, Key=aws.key("B"), ConsistentRead=True)
    aws.table("get_item", {}, Key=aws.key("SWITCH"), ConsistentRead=True)
    aws.transact(
        refused(CANCELLED, reasons=["ConditionalCheckFailed", "None", "ConditionalCheckFailed"]),
        put,
        {"Update": counted},
        {"Delete": {"Key": aws.key("C"), "ConditionExpression": "attribute_exists(pk)"}},
    )
    aws.table("get_item", {"Item": aws.item("B", n=1)}, Key=aws.key("B"), ConsistentRead=True)


@case(10, "a transaction that is repeated under its token counts once")
def _(aws: Caller) -> None:
    counted = {
        "Update": {
            "Key": aws.key("A"),
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": marshalled(**{":one": 1}),
        }
    }
    put = {"Put": {"Item": aws.item("B"), "ConditionExpression": ABSENT}}
    first, second = f"{aws.tag:a>36}", f"{aws.tag:b>36}"
    aws.transact({}, counted, put, token=first)
    aws.transact({}, counted, put, token=first)
    aws.table("get_item", {"Item": aws.item("A", n=1)}, Key=aws.key("A"), ConsistentRead=True)
    aws.transact(refused("IdempotentParameterMismatchException"), counted, token=first)
    aws.transact(refused(CANCELLED, reasons=["None", "ConditionalCheckFailed"]), counted, put, token=second)
    aws.table("get_item", {"Item": aws.item("A", n=1)}, Key=aws.key("A"), ConsistentRead=True)
    aws.table("delete_item", {}, Key=aws.key("B"))
    aws.transact({}, counted, put, token=second)
    aws.table("get_item", {"Item": aws.item("A", n=2)}, Key=aws.key("A"), ConsistentRead=True)


@case(11, "a transaction with two operations on an item, or with too many, is refused")
def _(aws: Caller) -> None:
    put = {"Put": {"Item": aws.item("A")}}
    check = {"ConditionCheck": {"Key": aws.key("A"), "ConditionExpression": ABSENT}}
    aws.transact(INVALID, put, check)
    aws.transact(INVALID, *({"Put": {"Item": aws.item("A", str(at))}} for at in range(101)))
    aws.transact({}, *({"Put": {"Item": aws.item("A", str(at))}} for at in range(100)))
    aws.table("get_item", {"Item": aws.item("A", "99")}, Key=aws.key("A", "99"), ConsistentRead=True)


@case(12, "an operation that does not fit its item cancels the transaction")
def _(aws: Caller) -> None:
    wrong = {"Key": aws.key("A"), "UpdateExpression": "SET n = nowhere"}
    aws.transact(
        refused(CANCELLED, reasons=["None", "ValidationError"]), {"Put": {"Item": aws.item("B")}}, {"Update": wrong}
    )
    aws.table("get_item", {}, Key=aws.key("B"), ConsistentRead=True)


@case(13, "an item has at most 400 KB")
def _(aws: Caller) -> None:
    bare = sum(len(name) for name in ("pk", "sk", "speech")) + len(f"{aws.tag}#A") + len("X")
    fits = aws.item("A", speech="x" * (400 * KB - bare))
    aws.table("put_item", {}, Item=fits)
    aws.table("put_item", INVALID, Item=aws.item("A", speech="x" * (400 * KB - bare + 1)))
    longer = {"UpdateExpression": "SET b = :b", "ExpressionAttributeValues": marshalled(**{":b": True})}
    aws.table("update_item", INVALID, Key=aws.key("A"), **longer)


@case(14, "a partition is read in order, by the sort key's beginning or bounds")
def _(aws: Caller) -> None:
    for sk in ("JOB#2#b", "JOB#10#a", "STATE", "JOB#2#a", "COMMAND#x"):
        aws.table("put_item", {}, Item=aws.item("L", sk, mark=sk))
    for condition, values, found in (
        ("pk = :p", {}, ["COMMAND#x", "JOB#10#a", "JOB#2#a", "JOB#2#b", "STATE"]),
        ("pk = :p AND begins_with(sk, :a)", {":a": "JOB#"}, ["JOB#10#a", "JOB#2#a", "JOB#2#b"]),
        ("pk = :p AND sk BETWEEN :a AND :b", {":a": "JOB#2", ":b": "JOB#9"}, ["JOB#2#a", "JOB#2#b"]),
        ("pk = :p AND sk = :a", {":a": "STATE"}, ["STATE"]),
        ("pk = :p AND sk < :a", {":a": "JOB#2#a"}, ["COMMAND#x", "JOB#10#a"]),
        ("pk = :p AND sk <= :a", {":a": "JOB#2#a"}, ["COMMAND#x", "JOB#10#a", "JOB#2#a"]),
        ("pk = :p AND sk > :a", {":a": "JOB#2#a"}, ["JOB#2#b", "STATE"]),
        ("pk = :p AND sk >= :a", {":a": "JOB#2#a"}, ["JOB#2#a", "JOB#2#b", "STATE"]),
        ("pk = :p AND begins_with(sk, :a)", {":a": "PLAN#"}, []),
    ):
        asked = marshalled(**{":p": f"{aws.tag}#L", **values})
        gives = {"Items": [aws.item("L", sk, mark=sk) for sk in found], "Count": len(found), "ScannedCount": len(found)}
        query = {"KeyConditionExpression": condition, "ExpressionAttributeValues": asked}
        aws.table("query", gives, ConsistentRead=True, **query)
    swapped = {"KeyConditionExpression": "pk = :p AND sk BETWEEN :b AND :a"}
    bounds = {"ExpressionAttributeValues": marshalled(**{":p": f"{aws.tag}#L", ":a": "A", ":b": "B"})}
    aws.table("query", INVALID, ConsistentRead=True, **swapped, **bounds)
    wrong = {"KeyConditionExpression": "pk = :p AND mark = :p"}
    aws.table("query", INVALID, ConsistentRead=True, ExpressionAttributeValues=marshalled(**{":p": "x"}), **wrong)


@case(15, "a filter comes after the limit, and pages go on where the last one ended")
def _(aws: Caller) -> None:
    for at in range(7):
        aws.table("put_item", {}, Item=aws.item("L", str(at), **({"odd": True} if at % 2 else {})))
    query: dict[str, Any] = {
        "KeyConditionExpression": "pk = :p",
        "FilterExpression": "attribute_exists(odd)",
        "ExpressionAttributeValues": marshalled(**{":p": f"{aws.tag}#L"}),
        "ConsistentRead": True,
        "Limit": 3,
    }
    for forward, pages in ((True, [(0, 1, 2), (3, 4, 5), (6,)]), (False, [(6, 5, 4), (3, 2, 1), (0,)])):
        start: dict[str, Any] = {}
        for page in pages:
            items = [aws.item("L", str(at), odd=True) for at in page if at % 2]
            gives = {"Items": items, "Count": len(items), "ScannedCount": len(page)}
            if len(page) == 3:
                gives["LastEvaluatedKey"] = aws.key("L", str(page[-1]))
            aws.table("query", gives, ScanIndexForward=forward, **query, **start)
            start = {"ExclusiveStartKey": aws.key("L", str(page[-1]))}


@case(16, "a page has about a megabyte")
def _(aws: Caller) -> None:
    for at in range(5):
        aws.table("put_item", {}, Item=aws.item("L", str(at), speech="x" * 300 * KB))
    query: dict[str, Any] = {
        "KeyConditionExpression": "pk = :p",
        "ExpressionAttributeValues": marshalled(**{":p": f"{aws.tag}#L"}),
        "ConsistentRead": True,
    }
    first = aws.table("query", ..., **query)
    last = aws.key("L", str(len(first["Items"]) - 1))
    aws.check(len(first["Items"]) in (3, 4), "the page is smaller or larger")
    aws.check(first.get("LastEvaluatedKey") == last, "where to go on is another place")
    second = aws.table("query", ..., ExclusiveStartKey=last, **query)
    aws.check(len(first["Items"]) + len(second["Items"]) == 5, "pages overlap or leave something out")
    aws.check("LastEvaluatedKey" not in second, "there is said to be more")


@case(17, "the index lists what has its keys, in order, and follows changes")
def _(aws: Caller) -> None:
    for pk, gsk in (("A", "2"), ("B", "1"), ("C", "3")):
        aws.table("put_item", {}, Item=aws.item(pk, gpk="OPEN", gsk=gsk))
    aws.table("put_item", {}, Item=aws.item("D"))
    query: dict[str, Any] = {"IndexName": "open", "KeyConditionExpression": "gpk = :p"}
    open_items = {"ExpressionAttributeValues": marshalled(**{":p": f"{aws.tag}#OPEN"})}

    def listed(*rows: tuple[str, str], **more: Any) -> dict[str, Any]:
        items = [aws.item(pk, gpk="OPEN", gsk=gsk) for pk, gsk in rows]
        return {"Items": items, "Count": len(items), "ScannedCount": len(items), **more}

    aws.table("query", listed(("B", "1"), ("A", "2"), ("C", "3")), **query, **open_items)
    aws.table("query", listed(("C", "3"), ("A", "2"), ("B", "1")), ScanIndexForward=False, **query, **open_items)
    last = {"LastEvaluatedKey": aws.item("A", gpk="OPEN", gsk="2")}
    aws.table("query", listed(("B", "1"), ("A", "2"), **last), Limit=2, **query, **open_items)
    start = {"ExclusiveStartKey": last["LastEvaluatedKey"]}
    aws.table("query", listed(("C", "3")), Limit=2, **query, **open_items, **start)
    aws.table("update_item", {}, Key=aws.key("C"), UpdateExpression="REMOVE gpk, gsk")
    moved = {"UpdateExpression": "SET gsk = :s", "ExpressionAttributeValues": marshalled(**{":s": "0"})}
    aws.table("update_item", {}, Key=aws.key("A"), **moved)
    aws.table("query", listed(("A", "0"), ("B", "1")), **query, **open_items)
    before = {"ExpressionAttributeValues": marshalled(**{":p": f"{aws.tag}#OPEN", ":b": "1"})}
    due = query | {"KeyConditionExpression": "gpk = :p AND gsk < :b"}
    aws.table("query", listed(("A", "0")), **due, **before)
    aws.table("delete_item", {}, Key=aws.key("B"))
    aws.table("query", listed(("A", "0")), **query, **open_items)
    aws.table("query", INVALID, ConsistentRead=True, **query, **open_items)
    aws.table("query", INVALID, **(query | {"IndexName": "other"}), **open_items)


@case(18, "keys are texts that are not empty, in the table and in the index")
def _(aws: Caller) -> None:
    aws.table("put_item", INVALID, Item={"pk": {"S": ""}, "sk": {"S": "X"}})
    aws.table("put_item", INVALID, Item={"pk": {"S": aws.tag}})
    aws.table("put_item", INVALID, Item={"pk": {"N": "1"}, "sk": {"S": "X"}})
    aws.table("put_item", INVALID, Item=aws.item("A", gpk="OPEN", gsk=1))
    aws.table("put_item", INVALID, Item=aws.item("A", gpk="OPEN", gsk=""))
    aws.table("get_item", INVALID, Key={"pk": {"S": aws.tag}})
    aws.table("get_item", INVALID, Key=aws.item("A", more="x"))
    number = {"UpdateExpression": "SET gsk = :n", "ExpressionAttributeValues": marshalled(**{":n": 1})}
    aws.table("update_item", INVALID, Key=aws.key("A"), **number)
    aws.table("put_item", {}, Item=aws.item("A", gpk="OPEN"))
    query: dict[str, Any] = {
        "IndexName": "open",
        "KeyConditionExpression": "gpk = :p",
        "ExpressionAttributeValues": marshalled(**{":p": f"{aws.tag}#OPEN"}),
    }
    aws.table("query", {"Items": [], "Count": 0, "ScannedCount": 0}, **query)


@case(19, "a table that is not there is not found")
def _(aws: Caller) -> None:
    missing = refused("ResourceNotFoundException")
    aws.call("dynamodb", "get_item", missing, TableName="no-such-table", Key=aws.key("A"))
    aws.call("dynamodb", "put_item", missing, TableName="no-such-table", Item=aws.item("A"))
    put = {"Put": {"TableName": "no-such-table", "Item": aws.item("A")}}
    aws.call("dynamodb", "transact_write_items", missing, TransactItems=[put])


@case(20, "a table says which one it is, and when it was made")
def _(aws: Caller) -> None:
    described = [aws.table("describe_table", ...)["Table"] for _ in range(2)]
    aws.check(described[0].get("TableId") == described[1].get("TableId") != "", "its id changes")
    aws.check(described[0]["CreationDateTime"] == described[1]["CreationDateTime"], "its age changes")
    aws.check(described[0]["CreationDateTime"].tzinfo is not None, "its age has no zone")
