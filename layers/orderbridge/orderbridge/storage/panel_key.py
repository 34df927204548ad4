"""The TradeStation API key through which people sign in on our login page: one secret, `<prefix>panel/tradestation`.

As in `orderbridge.storage.secrets`, no exception raised here holds a cause or more than the secret's name.
"""

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from orderbridge.broker_api.login.tradestation import ApiKey
from orderbridge.brokers.login import Login
from orderbridge.errors import StorageError
from orderbridge.secret import NO_SECRET, Secret
from orderbridge.storage.secrets import CURRENT, SHAPE


class PanelKey:
    """Reads and writes the API key of one stack."""

    def __init__(self, client: Any, prefix: str) -> None:
        """`client` is a Secrets Manager client; `prefix` ends in a slash (`orderbridge/my-stack/`)."""
        self._client = client
        self.name = f"{prefix}panel/tradestation"

    def read(self) -> ApiKey | None:
        """Read the key, None when there is none. Raises `StorageError`."""
        try:
            reply = self._call(self._client.get_secret_value, SecretId=self.name, VersionStage=CURRENT)
        except LookupError:
            return None
        try:
            return _key(json.loads(reply["SecretString"]))
        except (KeyError, TypeError, ValueError):
            raise StorageError(f"the secret {self.name} cannot be read as an API key") from None

    def write(self, key: ApiKey) -> None:
        """Store the key, whether or not there was one. Raises `StorageError`."""
        text = json.dumps(
            {
                "shape": SHAPE,
                "client_id": key.blank.client_id,
                "client_secret": key.blank.client_secret.reveal(),
                "environment": key.blank.environment,
                "base_url": key.blank.base_url,
                "auth_url": key.blank.auth_url,
                "callback": key.callback,
            }
        )
        try:
            self._call(self._client.put_secret_value, SecretId=self.name, SecretString=text)
        except LookupError:
            about = "The TradeStation API key of Orderbridge's login page"
            self._call(self._client.create_secret, Name=self.name, Description=about, SecretString=text)

    def remove(self) -> None:
        """Delete the key for good: whoever set it has it. Raises `StorageError`."""
        try:
            self._call(self._client.delete_secret, SecretId=self.name, ForceDeleteWithoutRecovery=True)
        except LookupError:
            return

    def _call(self, operation: Any, **arguments: Any) -> Any:
        """Make one call. Raises LookupError when the secret is not there."""
        try:
            return operation(**arguments)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code == "ResourceNotFoundException":
                raise LookupError from None
            raise StorageError(f"the secret {self.name} failed: {code}") from None
        except BotoCoreError as error:
            raise StorageError(f"the secret {self.name} failed: {type(error).__name__}") from None


def _key(values: dict[str, Any]) -> ApiKey:
    if values["shape"] != SHAPE or values["environment"] not in ("sim", "live"):
        raise ValueError("unknown shape")
    blank = Login(
        broker="tradestation",
        environment="live" if values["environment"] == "live" else "sim",
        base_url=str(values["base_url"]),
        auth_url=str(values["auth_url"]),
        refresh_token=NO_SECRET,
        access_token=NO_SECRET,
        access_expires_at_ms=0,
        obtained_at_ms=0,
        client_id=str(values["client_id"]),
        client_secret=Secret(str(values["client_secret"])),
    )
    return ApiKey(blank, str(values["callback"]))
