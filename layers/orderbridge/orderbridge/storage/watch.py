"""Who watches an account: a turn counter that only one bell can move on.

    asleep(alive_until in the past) -> awake(turn + 1)     woken by whoever has placed an order, or by the scheduler
    awake(turn)                     -> awake(turn + 1)     by the bell that carries this very turn; a copy of it fails
    awake(turn, asked_at)           -> asleep              unless somebody has asked for a watch since the pass began

Without the last condition a watch that has just found nothing would fall asleep over the order that is placed then:
whoever places it finds the watch awake and rings no bell.
"""

from typing import Any

from orderbridge.storage import keys
from orderbridge.storage.items import marshal, unmarshal
from orderbridge.storage.transact import ConditionFailedError, call, query_all

TRIES = 3


class DynamoWatch:
    """`WatchStore` on the bridge's table."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def wake(self, account: str, now_ms: int, alive_until_ms: int) -> int | None:
        """Start a watch and give its turn, or None while one is awake: that one is kept from falling asleep."""
        for _ in range(TRIES):
            turn = self._turn(
                account,
                "attribute_not_exists(pk) OR alive_until_ms < :now",
                {":now": now_ms, ":alive": alive_until_ms},
                ", asked_at_ms = :now",
            )
            if turn is not None or self._asked(account, now_ms):
                return turn
        return None

    def take_turn(self, account: str, turn: int, alive_until_ms: int) -> int | None:
        """Take the turn that a bell carries and give the next one; None when it is not the current turn."""
        return self._turn(account, "turn = :turn", {":turn": turn, ":alive": alive_until_ms})

    def sleep(self, account: str, turn: int, since_ms: int) -> bool:
        """Let the watch end, so that the next order wakes it; False when it was asked for at `since_ms` or later."""
        condition = "turn = :turn AND (attribute_not_exists(asked_at_ms) OR asked_at_ms < :since)"
        values = {":zero": 0, ":turn": turn, ":since": since_ms}
        try:
            self._update(account, "SET alive_until_ms = :zero", condition, values)
        except ConditionFailedError:
            return False
        return True

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

    def _asked(self, account: str, now_ms: int) -> bool:
        """Note that a watch is wanted; False when the one that was awake has fallen asleep meanwhile."""
        try:
            self._update(account, "SET asked_at_ms = :now", "alive_until_ms >= :now", {":now": now_ms})
        except ConditionFailedError:
            return False
        return True

    def _turn(self, account: str, condition: str, values: dict[str, int], noted: str = "") -> int | None:
        try:
            reply = self._update(
                account, f"SET alive_until_ms = :alive{noted} ADD turn :one", condition, {**values, ":one": 1}
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
