"""Who watches an account: a turn counter that only one bell can move on.

    asleep(alive_until in the past) -> awake(turn + 1)     woken by whoever has placed an order, or by the scheduler
    awake(turn)                     -> awake(turn + 1)     by the bell that carries this very turn; a copy of it fails
"""

from typing import Any

from orderbridge.storage import keys
from orderbridge.storage.items import marshal, unmarshal
from orderbridge.storage.transact import ConditionFailedError, call, query_all


class DynamoWatch:
    """`WatchStore` on the bridge's table."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def wake(self, account: str, now_ms: int, alive_until_ms: int) -> int | None:
        """Start a watch and give its turn, or None while one is awake."""
        return self._turn(
            account,
            "attribute_not_exists(pk) OR alive_until_ms < :now",
            {":now": now_ms, ":alive": alive_until_ms},
        )

    def take_turn(self, account: str, turn: int, alive_until_ms: int) -> int | None:
        """Take the turn that a bell carries and give the next one; None when it is not the current turn."""
        return self._turn(account, "turn = :turn", {":turn": turn, ":alive": alive_until_ms})

    def sleep(self, account: str, turn: int) -> None:
        """Let the watch end: the next order wakes it."""
        try:
            self._update(account, "SET alive_until_ms = :zero", "turn = :turn", {":zero": 0, ":turn": turn})
        except ConditionFailedError:
            return

    def lanes(self, account: str) -> list[str]:
        """List the lanes of the account that have something to watch."""
        items = query_all(
            self._client,
            TableName=self._table,
            IndexName=keys.INDEX,
            KeyConditionExpression="gpk = :watch",
            ExpressionAttributeValues=marshal({":watch": f"WATCH#{account}"}),
        )
        return [str(unmarshal({"gsk": item["gsk"]})["gsk"]) for item in items]

    def _turn(self, account: str, condition: str, values: dict[str, int]) -> int | None:
        try:
            reply = self._update(
                account, "SET alive_until_ms = :alive ADD turn :one", condition, {**values, ":one": 1}
            )
        except ConditionFailedError:
            return None
        return int(unmarshal(reply["Attributes"])["turn"])

    def _update(self, account: str, expression: str, condition: str, values: dict[str, int]) -> Any:
        return call(
            self._client.update_item,
            TableName=self._table,
            Key=marshal(keys.account_lease(account, "WATCH")),
            UpdateExpression=expression,
            ConditionExpression=condition,
            ExpressionAttributeValues=marshal(values),
            ReturnValues="ALL_NEW",
        )
