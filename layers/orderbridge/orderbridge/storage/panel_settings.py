"""The panel's settings: one item that `orderbridge apply` writes."""

from typing import Any

from orderbridge import codec
from orderbridge.broker_api.settings import PanelSettings
from orderbridge.storage import keys
from orderbridge.storage.items import Scalar, marshal, unmarshal
from orderbridge.storage.releases import decoded
from orderbridge.storage.transact import call


class PanelSettingsStore:
    """Reads and writes the panel's settings. Raises `StorageError`."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def read(self) -> PanelSettings:
        """Read the settings; none set is an empty panel."""
        key = marshal(keys.panel_settings())
        reply = call(self._client.get_item, TableName=self._table, Key=key, ConsistentRead=True)
        return decoded(PanelSettings, unmarshal(reply["Item"])) if "Item" in reply else PanelSettings()

    def write(self, settings: PanelSettings) -> None:
        """Replace the settings."""
        item: dict[str, Scalar] = {**keys.panel_settings(), "schema": keys.SCHEMA, "data": codec.dumps(settings)}
        call(self._client.put_item, TableName=self._table, Item=marshal(item))
