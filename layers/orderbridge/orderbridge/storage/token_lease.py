"""The table's part of a broker login: who may refresh it, and what is known of it without reading the secret.

    take                      free or lapsed -> held(owner, epoch + 1, until_ms)
    extend                    held(mine)     -> held(mine, later)
    settle, refuse, release   held(mine)     -> free

Each names the epoch that it was given: for a worker that was fenced out meanwhile the condition fails.
"""

from dataclasses import dataclass
from typing import Any, Literal

from orderbridge.brokers.login import Login
from orderbridge.storage import keys
from orderbridge.storage.items import Item, Scalar, marshal, unmarshal
from orderbridge.storage.transact import ConditionFailedError, call, query_all

CONNECTIONS = "CONNECTIONS"
"""Partition of the index `open` that lists the connections."""


@dataclass(frozen=True, slots=True)
class Connection:
    """What the table knows of one login. Nothing in it is secret."""

    name: str
    broker: str = ""
    environment: str = ""
    status: Literal["good", "refused"] = "good"
    message: str = ""
    """The broker's words when it refused the refresh."""
    version: str = ""
    """Version of the secret that `obtained_at_ms` speaks of, or that was refused."""
    obtained_at_ms: int = 0
    access_expires_at_ms: int = 0
    refused_at_ms: int = 0
    renewals: int = 0
    """How often since `renewals_since_ms` a pair was renewed because the broker answered 401."""
    renewals_since_ms: int = 0


@dataclass(frozen=True, slots=True)
class Lease:
    """Proof of being the one who may refresh."""

    connection: Connection
    epoch: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class Taken:
    """Somebody else may refresh until then."""

    until_ms: int


class TokenLeases:
    """Token items of one table. Every method raises `StorageError` when the table fails."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def register(self, name: str, login: Login, version: str) -> None:
        """Note a login that a person has just connected, and forget that an older one was refused."""
        self._update(
            name,
            "SET broker = :broker, environment = :environment, #status = :good, version = :version, "
            "obtained_at_ms = :obtained, access_expires_at_ms = :expires, gpk = :connections, gsk = :name, "
            "#schema = :schema, until_ms = if_not_exists(until_ms, :zero), epoch = if_not_exists(epoch, :zero) "
            "REMOVE message, refused_at_ms, renewals, renewals_since_ms",
            {
                ":broker": login.broker,
                ":environment": login.environment,
                ":good": "good",
                ":version": version,
                ":obtained": login.obtained_at_ms,
                ":expires": login.access_expires_at_ms,
                ":connections": CONNECTIONS,
                ":name": name,
                ":schema": keys.SCHEMA,
                ":zero": 0,
            },
        )

    def connections(self) -> list[Connection]:
        """List what was connected, by name."""
        items = query_all(
            self._client,
            TableName=self._table,
            IndexName=keys.INDEX,
            KeyConditionExpression="gpk = :connections",
            ExpressionAttributeValues=marshal({":connections": CONNECTIONS}),
        )
        return [_connection(str(item["gsk"]), item) for item in map(unmarshal, items)]

    def read(self, name: str) -> Connection:
        """Read one connection, consistently; an unknown one is empty."""
        reply = call(self._client.get_item, TableName=self._table, Key=marshal(keys.token(name)), ConsistentRead=True)
        return _connection(name, unmarshal(reply.get("Item", {})))

    def forget(self, name: str) -> None:
        """Remove a connection's item."""
        call(self._client.delete_item, TableName=self._table, Key=marshal(keys.token(name)))

    def take(self, name: str, owner: str, now_ms: int, hold_ms: int) -> Lease | Taken:
        """Take the right to refresh if it is free or has lapsed; `owner` is another text at each call.

        The SDK repeats a request whose answer was lost, and then meets its own success: the owner tells.
        """
        try:
            item = self._update(
                name,
                "SET #owner = :owner, until_ms = :until, #schema = :schema ADD epoch :one",
                {":owner": owner, ":until": now_ms + hold_ms, ":now": now_ms, ":one": 1, ":schema": keys.SCHEMA},
                condition="attribute_not_exists(until_ms) OR until_ms < :now",
            )
        except ConditionFailedError as refused:
            item = unmarshal(refused.old.get(0, {}))
            if item.get("owner") != owner:
                return Taken(int(item.get("until_ms", now_ms)))
        return Lease(_connection(name, item), int(item["epoch"]), int(item["until_ms"]))

    def extend(self, lease: Lease, until_ms: int) -> Lease:
        """Hold longer. Raises `ConditionFailedError` when another worker has taken over."""
        self._held(lease, "SET until_ms = :until", {":until": until_ms})
        return Lease(lease.connection, lease.epoch, until_ms)

    def settle(self, lease: Lease, login: Login, version: str, renewals: tuple[int, int] | None = None) -> None:
        """Note the pair that the secret holds now, and free the lease; `renewals` is a count and since when."""
        values: dict[str, Scalar] = {
            ":good": "good",
            ":version": version,
            ":obtained": login.obtained_at_ms,
            ":expires": login.access_expires_at_ms,
            ":free": 0,
        }
        expression = (
            "SET #status = :good, version = :version, obtained_at_ms = :obtained, access_expires_at_ms = :expires, "
            "until_ms = :free"
        )
        if renewals is not None:
            expression += ", renewals = :renewals, renewals_since_ms = :since"
            values |= {":renewals": renewals[0], ":since": renewals[1]}
        self._held(lease, f"{expression} REMOVE message, refused_at_ms", values)

    def refuse(self, lease: Lease, version: str, message: str, now_ms: int) -> None:
        """Note that the broker refuses this version of the login for good, and free the lease."""
        self._held(
            lease,
            "SET #status = :refused, version = :version, message = :message, refused_at_ms = :now, until_ms = :free",
            {":refused": "refused", ":version": version, ":message": message[:300], ":now": now_ms, ":free": 0},
        )

    def release(self, lease: Lease) -> None:
        """Free the lease and leave the rest as it is."""
        self._held(lease, "SET until_ms = :free", {":free": 0})

    def _held(self, lease: Lease, expression: str, values: dict[str, Scalar]) -> None:
        self._update(lease.connection.name, expression, {**values, ":mine": lease.epoch}, condition="epoch = :mine")

    def _update(self, name: str, expression: str, values: dict[str, Scalar], condition: str = "") -> Item:
        names = {word: word[1:] for word in ("#owner", "#schema", "#status") if word in expression}
        arguments: dict[str, Any] = {
            "TableName": self._table,
            "Key": marshal(keys.token(name)),
            "UpdateExpression": expression,
            "ExpressionAttributeValues": marshal(values),
            "ReturnValues": "ALL_NEW",
        }
        if names:
            arguments["ExpressionAttributeNames"] = names
        if condition:
            arguments |= {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        return unmarshal(call(self._client.update_item, **arguments)["Attributes"])


def _connection(name: str, item: Item) -> Connection:
    return Connection(
        name=name,
        broker=str(item.get("broker", "")),
        environment=str(item.get("environment", "")),
        status="refused" if item.get("status") == "refused" else "good",
        message=str(item.get("message", "")),
        version=str(item.get("version", "")),
        obtained_at_ms=int(item.get("obtained_at_ms", 0)),
        access_expires_at_ms=int(item.get("access_expires_at_ms", 0)),
        refused_at_ms=int(item.get("refused_at_ms", 0)),
        renewals=int(item.get("renewals", 0)),
        renewals_since_ms=int(item.get("renewals_since_ms", 0)),
    )
