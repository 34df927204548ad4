"""Broker logins in Secrets Manager: one secret for each connection, named `<prefix>connections/<connection>`.

No exception raised here holds a cause: an SDK error can repeat the value that was sent. No message names more than the
connection. `VersionStage` is always given; without it moto, unlike AWS, can answer with an older version.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args, get_origin

from botocore.exceptions import BotoCoreError, ClientError

from orderbridge.brokers.login import Login
from orderbridge.errors import NewerReleaseError, StorageError
from orderbridge.secret import Secret

CURRENT = "AWSCURRENT"
SHAPE = 1
"""Version of the JSON's shape."""


class NotConnectedError(StorageError):
    """There is no login of that name: a person must connect it."""


@dataclass(frozen=True, slots=True)
class StoredLogin:
    """A login with the version of the secret that it was read from."""

    login: Login
    version: str


class LoginSecrets:
    """Reads and writes the logins of one stack."""

    def __init__(self, client: Any, prefix: str) -> None:
        """`client` is a Secrets Manager client; `prefix` ends in a slash (`orderbridge/my-stack/`)."""
        self._client = client
        self._prefix = prefix

    def name(self, connection: str) -> str:
        """Give the name of a connection's secret."""
        return f"{self._prefix}connections/{connection}"

    def read(self, connection: str) -> StoredLogin:
        """Read the current pair and its version. Raises `NotConnectedError`, `StorageError`."""
        reply = self._call(
            connection, self._client.get_secret_value, SecretId=self.name(connection), VersionStage=CURRENT
        )
        try:
            return StoredLogin(login_from_json(str(reply["SecretString"])), str(reply["VersionId"]))
        except (KeyError, TypeError, ValueError):
            raise StorageError(f"the secret of connection {connection!r} cannot be read as a login") from None

    def write(self, connection: str, login: Login, version: str) -> None:
        """Make `login` the current version; the one before stays as AWSPREVIOUS.

        `version` (32 to 64 characters) is the request's token: writing the same login under it again changes nothing,
        so a write whose answer was lost may be repeated.
        """
        self._call(
            connection,
            self._client.put_secret_value,
            SecretId=self.name(connection),
            SecretString=login_to_json(login),
            ClientRequestToken=version,
        )

    def create(self, connection: str, login: Login, version: str) -> None:
        """Store a login that a person has just made, whether or not the connection existed before."""
        try:
            self.write(connection, login, version)
        except NotConnectedError:
            self._call(
                connection,
                self._client.create_secret,
                Name=self.name(connection),
                Description="A broker login of Orderbridge",
                SecretString=login_to_json(login),
                ClientRequestToken=version,
            )

    def delete(self, connection: str, *, at_once: bool = False) -> None:
        """Schedule a login for deletion (7 days, in which AWS can restore it), or delete it for good."""
        how: dict[str, Any] = {"ForceDeleteWithoutRecovery": True} if at_once else {"RecoveryWindowInDays": 7}
        self._call(connection, self._client.delete_secret, SecretId=self.name(connection), **how)

    def _call(self, connection: str, operation: Callable[..., Any], **arguments: Any) -> Any:
        try:
            return operation(**arguments)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code == "ResourceNotFoundException":
                raise NotConnectedError(f"connection {connection!r} has no login; connect it first") from None
            raise StorageError(f"the secret of connection {connection!r} failed: {code}") from None
        except BotoCoreError as error:
            kind = type(error).__name__
            raise StorageError(f"the secret of connection {connection!r} failed: {kind}") from None


def login_to_json(login: Login) -> str:
    """Give a login as JSON text, secrets in the clear: for Secrets Manager alone."""
    values: dict[str, str | int | None] = {"shape": SHAPE}
    for field in fields(login):
        value = getattr(login, field.name)
        values[field.name] = value.reveal() if isinstance(value, Secret) else value
    return json.dumps(values, sort_keys=True, separators=(",", ":"))


def login_from_json(text: str) -> Login:
    """Read what `login_to_json` gave; a field that a later release added is passed over.

    Raises `NewerReleaseError`; `ValueError`, `KeyError` or `TypeError` when the text does not fit.
    """
    values = json.loads(text)
    if isinstance(values["shape"], int) and values["shape"] > SHAPE:
        raise NewerReleaseError(f"a login has shape {values['shape']}, and this release reads up to {SHAPE}")
    if values["shape"] != SHAPE:
        raise ValueError("unknown shape")
    return Login(
        **{field.name: _value(field.type, values[field.name]) for field in fields(Login) if field.name in values}
    )


def _value(kind: Any, value: object) -> Any:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    fits = value in get_args(kind) if get_origin(kind) is Literal else isinstance(value, kind)
    if not fits:
        raise TypeError("a field of the login has another type")
    return value
