"""The panel's book of each account: one item, compressed, replaced as a whole by version.

    book:  version n -> n + 1      condition: the version that was read (or none yet); who loses reads and folds again
"""

import logging
from typing import Any

from orderbridge import codec
from orderbridge.broker_api.book import PanelBook
from orderbridge.storage import keys
from orderbridge.storage.items import Item, marshal, unmarshal
from orderbridge.storage.packing import packed, unpacked
from orderbridge.storage.releases import check_schema
from orderbridge.storage.transact import ConditionFailedError, call

log = logging.getLogger(__name__)

MOST_KEPT = 100


class DynamoPanelBooks:
    """`BookStore` on the bridge's table. What was read is kept decoded, by its version."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table
        self._kept: dict[str, tuple[int, PanelBook]] = {}

    def read(self, account: str) -> tuple[PanelBook, int]:
        """Read the book with its version, consistently."""
        reply = call(
            self._client.get_item, TableName=self._table, Key=marshal(keys.panel_book(account)), ConsistentRead=True
        )
        item = unmarshal(reply.get("Item", {}))
        version = int(item.get("version", 0))
        if version == 0:
            return PanelBook(), 0
        kept = self._kept.get(account)
        if kept is None or kept[0] != version:
            kept = (version, _readable(account, item))
            self._keep(account, *kept)
        return kept[1], version

    def write(self, account: str, book: PanelBook, version: int) -> bool:
        """Write the book that replaces `version`."""
        condition = "attribute_not_exists(pk)" if version == 0 else "version = :old"
        values = marshal({":data": packed(codec.dumps(book)), ":new": version + 1, ":schema": keys.SCHEMA})
        if version:
            values |= marshal({":old": version})
        try:
            call(
                self._client.update_item,
                TableName=self._table,
                Key=marshal(keys.panel_book(account)),
                UpdateExpression="SET #data = :data, version = :new, #schema = :schema",
                ConditionExpression=condition,
                ExpressionAttributeNames={"#data": "data", "#schema": "schema"},
                ExpressionAttributeValues=values,
            )
        except ConditionFailedError:
            return False
        self._keep(account, version + 1, book)
        return True

    def _keep(self, account: str, version: int, book: PanelBook) -> None:
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[account] = (version, book)


def _readable(account: str, item: Item) -> PanelBook:
    """Read the book; one that cannot be read is folded anew from what the broker shows."""
    check_schema(item)
    try:
        return codec.loads(PanelBook, unpacked(str(item["data"])))
    except ValueError:
        log.exception("the panel's book cannot be read and is begun anew", extra={"account": account})
        return PanelBook()
