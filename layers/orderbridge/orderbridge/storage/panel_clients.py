"""Who may ask for tokens: TradingView's environments and its data servers, as the command line has noted them.

Every OAuth client and server is an item of its own; of a secret the item has the SHA-256.
"""

from typing import Any

from orderbridge import codec
from orderbridge.broker_api.login.model import Client, OAuthClient, ServerClient
from orderbridge.storage import keys
from orderbridge.storage.items import Item, Scalar, marshal, unmarshal
from orderbridge.storage.releases import decoded
from orderbridge.storage.transact import call, query_all

CLIENTS = "CLIENTS"
"""Partition of the index `open` that lists them."""


class PanelClients:
    """Client items of one table. Every method raises `StorageError` when the table fails."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def get(self, client_id: str) -> Client | None:
        """Read one client, consistently."""
        key = marshal(keys.panel_client(client_id))
        reply = call(self._client.get_item, TableName=self._table, Key=key, ConsistentRead=True)
        return _client(unmarshal(reply["Item"])) if "Item" in reply else None

    def all(self) -> list[Client]:
        """List the clients, by id."""
        items = query_all(
            self._client,
            TableName=self._table,
            IndexName=keys.INDEX,
            KeyConditionExpression="gpk = :clients",
            ExpressionAttributeValues=marshal({":clients": CLIENTS}),
        )
        return [_client(unmarshal(item)) for item in items]

    def put(self, client: Client) -> None:
        """Store a client, whether or not it was there before."""
        item: dict[str, Scalar] = {
            **keys.panel_client(client.client_id),
            "schema": keys.SCHEMA,
            "gpk": CLIENTS,
            "gsk": client.client_id,
            "kind": client.kind,
            "data": codec.dumps(client),
        }
        call(self._client.put_item, TableName=self._table, Item=marshal(item))

    def remove(self, client_id: str) -> None:
        """Remove a client: it gets no more tokens, and within seconds what it has is worth nothing."""
        call(self._client.delete_item, TableName=self._table, Key=marshal(keys.panel_client(client_id)))


def _client(item: Item) -> Client:
    kind = ServerClient if item["kind"] == "server" else OAuthClient
    client: Client = decoded(kind, item)
    return client
