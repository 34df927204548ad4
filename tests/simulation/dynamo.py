"""A simulated DynamoDB table behind the client's own methods: deterministic, in memory, in virtual time.

It knows what the bridge uses and refuses the rest. `tests/fidelity` holds it to moto's and MiniStack's answers. What
AWS leaves open is as unhelpful here as AWS may be: reads of the index, and reads that do not ask for consistency, show
a write only after a while; lapsed items stay for a while.
"""

# ruff: noqa: N803 - boto's own names
import heapq
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.simulation.attributes import ExpressionError, Item, copied, measured
from tests.simulation.changes import MOST_ITEM_BYTES, Change, check_references, given, invalid, key_of
from tests.simulation.errors import NotSimulatedError, client_error
from tests.simulation.expressions import Condition, KeyCondition, condition, key_condition
from tests.simulation.rows import Key, LaggingIndex, Row, Rows

INDEX = "open"
INDEX_KEYS = ("gpk", "gsk")
EXPIRY = "expires_at"
MOST_OPERATIONS = 100
MOST_TRANSACTION_BYTES = 4 * 1024 * 1024
MOST_PAGE_BYTES = 1024 * 1024
TOKEN_MS = 600_000
"""How long a finished transaction is known by its token."""
LAG_MS = 30

Observer = Callable[[Key, Item | None, Item | None], None]
"""Told of each change: the key, the item before and after. Nobody may change these items."""


@dataclass(frozen=True, slots=True)
class Lags:
    """How long it takes what AWS does in the background; asked anew at every write."""

    index_ms: Callable[[], int] = lambda: LAG_MS
    read_ms: Callable[[], int] = lambda: LAG_MS
    """For how long a read that does not ask for consistency gives the item as it was before its last write."""
    expiry_ms: Callable[[], int] = lambda: 3_600_000
    """From an item's lapse to its removal; AWS says some days."""


AT_ONCE = Lags(lambda: 0, lambda: 0, lambda: 0)


class SimulatedTable:
    """One table with keys `pk`, `sk` and the index `open` (`gpk`, `gsk`)."""

    def __init__(self, now_ms: Callable[[], int], name: str = "bridge", lags: Lags | None = None) -> None:
        self._now_ms = now_ms
        self._name = name
        self.table_id = "00000000-0000-4000-8000-000000000001"
        """AWS makes another one for each table, one that is restored from a backup included."""
        self.created_at_ms = now_ms()
        self._lags = lags or Lags()
        self.items: dict[Key, Item] = {}
        self.observers: list[Observer] = []
        self._sizes: dict[Key, int] = {}
        self._rows = Rows()
        self._index = LaggingIndex(now_ms, self._lags.index_ms, *INDEX_KEYS)
        self._before: dict[Key, tuple[int, Item | None]] = {}
        """Key -> until when a stale read may give this image."""
        self._stale: deque[tuple[int, Key]] = deque()
        self._lapsing: list[tuple[int, Key]] = []
        self._tokens: dict[str, tuple[int, str]] = {}

    def backup(self) -> dict[Key, Item]:
        """Give a copy of every item: no stored item is ever changed, so the copy may share them."""
        return dict(self.items)

    def restore(self, items: Mapping[Key, Item]) -> None:
        """Become another table that holds a copy, as AWS restores: with another id, made now, nothing under way."""
        self.table_id = f"{self.table_id[:-1]}{int(self.table_id[-1]) + 1}"
        self.created_at_ms = self._now_ms()
        self.items, self._sizes, self._rows = {}, {}, Rows()
        self._index = LaggingIndex(self._now_ms, lambda: 0, *INDEX_KEYS)
        self._before, self._stale, self._lapsing, self._tokens = {}, deque(), [], {}
        for key, item in sorted(items.items()):
            self.items[key] = item
            self._sizes[key] = measured(item)
            self._rows.add(key[0], (key[1], key))
            self._index.follow(key, None, item)
            if EXPIRY in item:
                heapq.heappush(self._lapsing, (_lapses_ms(item, 0) + self._lags.expiry_ms(), key))
        self._index.lag_ms = self._lags.index_ms

    # ---- the client's methods

    def describe_table(self, *, TableName: str) -> dict[str, Any]:
        self._begin(TableName, "DescribeTable")
        created = datetime.fromtimestamp(self.created_at_ms / 1000, UTC)
        arn = f"arn:aws:dynamodb:us-east-1:000000000000:table/{self._name}"
        return {"Table": {"TableId": self.table_id, "TableArn": arn, "CreationDateTime": created}}

    def get_item(self, *, TableName: str, Key: Mapping[str, Any], ConsistentRead: bool = False) -> dict[str, Any]:
        self._begin(TableName, "GetItem")
        key = key_of(Key, "GetItem")
        until_ms, before = self._before.get(key, (0, None))
        stale = not ConsistentRead and self._now_ms() < until_ms
        item = before if stale else self.items.get(key)
        return {"Item": copied(item)} if item is not None else {}

    def put_item(
        self, *, TableName: str, Item: Mapping[str, Any], ReturnValues: str = "NONE", **arguments: Any
    ) -> dict[str, Any]:
        self._begin(TableName, "PutItem")
        old, _ = self._single({"Put": {"Item": Item, **arguments}}, "PutItem")
        return _returned(ReturnValues, ALL_OLD=old)

    def update_item(
        self, *, TableName: str, Key: Mapping[str, Any], ReturnValues: str = "NONE", **arguments: Any
    ) -> dict[str, Any]:
        self._begin(TableName, "UpdateItem")
        old, new = self._single({"Update": {"Key": Key, **arguments}}, "UpdateItem")
        return _returned(ReturnValues, ALL_OLD=old, ALL_NEW=new)

    def delete_item(
        self, *, TableName: str, Key: Mapping[str, Any], ReturnValues: str = "NONE", **arguments: Any
    ) -> dict[str, Any]:
        self._begin(TableName, "DeleteItem")
        old, _ = self._single({"Delete": {"Key": Key, **arguments}}, "DeleteItem")
        return _returned(ReturnValues, ALL_OLD=old)

    def transact_write_items(
        self, *, TransactItems: Sequence[Mapping[str, Any]], ClientRequestToken: str | None = None
    ) -> dict[str, Any]:
        name = "TransactWriteItems"
        if not 1 <= len(TransactItems) <= MOST_OPERATIONS:
            raise invalid(name, f"Member must have length less than or equal to {MOST_OPERATIONS}")
        changes = [Change.read(operation, name) for operation in TransactItems]
        for operation in TransactItems:
            ((_, arguments),) = operation.items()
            self._begin(arguments["TableName"], name)
        if len({change.key for change in changes}) != len(changes):
            raise invalid(name, "Transaction request cannot include multiple operations on one item")
        asked = repr(TransactItems) if ClientRequestToken is not None else ""
        if ClientRequestToken is not None and self._done_before(ClientRequestToken, asked):
            return {}
        tried = [self._tried(change) for change in changes]
        reasons = [reason for reason, _ in tried]
        if any(reason["Code"] != "None" for reason in reasons):
            codes = ", ".join(str(reason["Code"]) for reason in reasons)
            text = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
            raise client_error(name, "TransactionCanceledException", text, CancellationReasons=reasons)
        large = len(tried) > MOST_TRANSACTION_BYTES // MOST_ITEM_BYTES
        if large and sum(measured(new) for _, new in tried if new is not None) > MOST_TRANSACTION_BYTES:
            raise invalid(name, "The items of the transaction are larger than 4 MB together")
        for change, (_, new) in zip(changes, tried, strict=True):
            if change.kind != "ConditionCheck":
                self._store(change.key, new)
        if ClientRequestToken is not None:
            self._tokens[ClientRequestToken] = (self._now_ms() + TOKEN_MS, asked)
        return {}

    def query(
        self,
        *,
        TableName: str,
        KeyConditionExpression: str,
        IndexName: str | None = None,
        FilterExpression: str | None = None,
        ConsistentRead: bool = False,
        ScanIndexForward: bool = True,
        Limit: int | None = None,
        ExclusiveStartKey: Mapping[str, Any] | None = None,
        **arguments: Any,
    ) -> dict[str, Any]:
        self._begin(TableName, "Query")
        names, values = given(arguments, "Query")
        if set(arguments) - {"ExpressionAttributeNames", "ExpressionAttributeValues"}:
            raise NotSimulatedError(f"Query with {sorted(arguments)}")
        try:
            wanted = key_condition(KeyConditionExpression)
            kept = None if FilterExpression is None else condition(FilterExpression)
            check_references([wanted.refers, *([] if kept is None else [kept.refers])], names, values, "Query")
            rows, images = self._chosen(IndexName, ConsistentRead, wanted, names, values)
        except ExpressionError as error:
            raise invalid("Query", str(error)) from error
        if not ScanIndexForward:
            rows.reverse()
        if ExclusiveStartKey is not None:
            last = _row(ExclusiveStartKey, IndexName)
            rows = [row for row in rows if (row > last if ScanIndexForward else row < last)]
        return self._page(rows, images, kept, names, values, Limit, IndexName)

    def scan(self, *, TableName: str, ConsistentRead: bool = True) -> dict[str, Any]:
        """Give every item as it stands, on one page: the bridge never scans, tests do."""
        self._begin(TableName, "Scan")
        return {"Items": [copied(self.items[key]) for key in sorted(self.items)]}

    # ---- writing

    def _begin(self, table: str, operation: str) -> None:
        if table != self._name:
            text = f"Requested resource not found: Table: {table} not found"
            raise client_error(operation, "ResourceNotFoundException", text)
        now_ms = self._now_ms()
        while self._stale and self._stale[0][0] <= now_ms:
            _, key = self._stale.popleft()
            if key in self._before and self._before[key][0] <= now_ms:
                del self._before[key]
        while self._lapsing and self._lapsing[0][0] <= now_ms:
            _, key = heapq.heappop(self._lapsing)
            if _lapses_ms(self.items.get(key), now_ms + 1) <= now_ms:
                self._store(key, None)

    def _single(self, operation: Mapping[str, Any], name: str) -> tuple[Item | None, Item | None]:
        """Carry out one write; give the item before and after."""
        change = Change.read(operation, name)
        old = self.items.get(change.key)
        try:
            if not change.holds(old):
                extra: dict[str, Any] = {"Item": copied(old)} if change.tells_old and old is not None else {}
                text = "The conditional request failed"
                raise client_error(name, "ConditionalCheckFailedException", text, **extra)
            new = change.result(old, name)
        except ExpressionError as error:
            raise invalid(name, str(error)) from error
        self._store(change.key, new)
        return old, new

    def _tried(self, change: Change) -> tuple[dict[str, Any], Item | None]:
        """Try one operation of a transaction; give its reason for the cancellation, and what it would leave."""
        old = self.items.get(change.key)
        try:
            if change.holds(old):
                return {"Code": "None"}, change.result(old, "TransactWriteItems")
        except ExpressionError as error:
            return {"Code": "ValidationError", "Message": str(error)}, None
        reason = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
        return reason | ({"Item": copied(old)} if change.tells_old and old is not None else {}), None

    def _done_before(self, token: str, asked: str) -> bool:
        """Tell whether the very transaction was carried out under this token. Raises when another one was."""
        until_ms, done = self._tokens.get(token, (0, ""))
        if until_ms <= self._now_ms():
            self._tokens.pop(token, None)
            return False
        if done != asked:
            text = "The request uses the token of another one"
            raise client_error("TransactWriteItems", "IdempotentParameterMismatchException", text)
        return True

    def _store(self, key: Key, new: Item | None) -> None:
        now_ms, old = self._now_ms(), self.items.pop(key, None)
        if new is None:
            if old is None:
                return
            self._rows.remove(key[0], (key[1], key))
        else:
            if old is None:
                self._rows.add(key[0], (key[1], key))
            self.items[key] = new
            self._sizes[key] = measured(new)
            if EXPIRY in new:
                lapses_ms = _lapses_ms(new, 0) + self._lags.expiry_ms()
                heapq.heappush(self._lapsing, (lapses_ms, key))
        stale_ms = now_ms + self._lags.read_ms()
        if stale_ms > now_ms:
            self._before[key] = (stale_ms, old)
            self._stale.append((stale_ms, key))
        self._index.follow(key, old, new)
        for observer in self.observers:
            observer(key, old, new)

    # ---- reading

    def _chosen(
        self,
        index: str | None,
        consistent: bool,
        wanted: KeyCondition,
        names: Mapping[str, str],
        values: Mapping[str, Any],
    ) -> tuple[list[Row], Mapping[Key, Item]]:
        """Give the rows that a key condition chooses, and the items that they lead to."""
        if index not in (None, INDEX):
            raise invalid("Query", f"The table does not have the specified index: {index}")
        if index is None and not consistent:
            raise NotSimulatedError("a query of the table that need not be consistent")
        if index is not None and consistent:
            raise invalid("Query", "Consistent reads are not supported on global secondary indexes")
        name, token = wanted.partition
        sort_name, compare, tokens = wanted.sort or ("", "", ())
        asked = [names.get(name, name), *([names.get(sort_name, sort_name)] if sort_name else [])]
        if asked != list(("pk", "sk") if index is None else INDEX_KEYS)[: len(asked)]:
            raise invalid("Query", f"Query condition missed key schema element; it names {asked}")
        texts = [values[one].get("S") for one in (token, *tokens)]
        if not all(isinstance(text, str) for text in texts):
            raise invalid("Query", "Condition parameter type does not match schema type")
        if index is None:
            return self._rows.chosen(texts[0], compare, tuple(texts[1:])), self.items
        self._index.settle()
        return self._index.rows.chosen(texts[0], compare, tuple(texts[1:])), self._index.images

    def _page(
        self,
        rows: Sequence[Row],
        images: Mapping[Key, Item],
        kept: Condition | None,
        names: Mapping[str, str],
        values: Mapping[str, Any],
        limit: int | None,
        index: str | None,
    ) -> dict[str, Any]:
        """Read rows until the limit or a page's size is reached; the filter comes after both."""
        found, size, scanned, full = list[Item](), 0, 0, False
        holds, sizes = None if kept is None else kept.holds, self._sizes
        for _, key in rows:
            item = images[key]
            scanned += 1
            size += sizes.get(key, 0)
            if holds is None or holds(item, names, values):
                found.append(copied(item))
            if size >= MOST_PAGE_BYTES or scanned == limit:
                full = True
                break
        page: dict[str, Any] = {"Items": found, "Count": len(found), "ScannedCount": scanned}
        if full:
            last = images[rows[scanned - 1][1]]
            page["LastEvaluatedKey"] = {name: dict(last[name]) for name in _key_names(index)}
        return page


def _key_names(index: str | None) -> tuple[str, ...]:
    return ("pk", "sk") if index is None else ("pk", "sk", *INDEX_KEYS)


def _row(start: Mapping[str, Any], index: str | None) -> Row:
    """Read where a query is to go on."""
    if set(start) != set(_key_names(index)):
        raise invalid("Query", "The provided starting key is invalid")
    return start["sk" if index is None else "gsk"]["S"], (start["pk"]["S"], start["sk"]["S"])


def _lapses_ms(item: Item | None, otherwise_ms: int) -> int:
    return otherwise_ms if item is None or EXPIRY not in item else int(item[EXPIRY]["N"]) * 1000


def _returned(wanted: str, **known: Item | None) -> dict[str, Any]:
    if wanted == "NONE":
        return {}
    if wanted not in known:
        raise NotSimulatedError(f"ReturnValues {wanted}")
    item = known[wanted]
    return {"Attributes": copied(item)} if item is not None else {}
