"""Simulated Secrets Manager behind the client's own methods: deterministic, in memory, in virtual time.

version:  put -> AWSCURRENT -> AWSPREVIOUS -> no stage      the label moves when another version becomes current
secret:   there -> marked for deletion -> gone              after its recovery window, or at once when forced
"""

# ruff: noqa: N803 - boto's own names
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.simulation.errors import client_error

CURRENT = "AWSCURRENT"
PREVIOUS = "AWSPREVIOUS"
MOST_BYTES = 65_536
KEPT_VERSIONS = 100
"""Beyond so many, versions without a stage are removed, unless they are younger than a day."""
MOST_VERSIONS = 144
"""With one write in 10 minutes a day's versions just fit; who writes more often runs into the limit in the end."""
DAY_MS = 86_400_000
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:"


@dataclass
class _Version:
    version_id: str
    text: str
    created_ms: int


@dataclass
class _Secret:
    name: str
    arn: str
    versions: dict[str, _Version] = field(default_factory=dict)
    stages: dict[str, str] = field(default_factory=dict)
    """Stage -> version id."""
    before: dict[str, str] = field(default_factory=dict)
    """The stages before the last write, which are read until `settled_ms`."""
    settled_ms: int = 0
    deleted_ms: int | None = None
    gone_ms: int | None = None

    def stages_of(self, version_id: str) -> list[str]:
        return sorted(stage for stage, of in self.stages.items() if of == version_id)


class SimulatedSecrets:
    """The secrets of one account."""

    def __init__(self, now_ms: Callable[[], int], lag_ms: Callable[[], int] = lambda: 0) -> None:
        """`lag_ms` is asked at each write: for so long a read may still give the stages as they were before it.

        AWS's pages promise neither that nor the contrary.
        """
        self._now_ms = now_ms
        self._lag_ms = lag_ms
        self._secrets: dict[str, _Secret] = {}
        self._count = 0

    # ---- the client's methods

    def create_secret(
        self,
        *,
        Name: str,
        SecretString: str,
        ClientRequestToken: str | None = None,
        Description: str = "",
    ) -> dict[str, Any]:
        operation = "CreateSecret"
        token = self._token(ClientRequestToken, operation)
        _check_text(SecretString, operation)
        there = self._known(Name)
        if there is not None and there.deleted_ms is not None:
            text = "You can't create this secret because a secret with this name is already scheduled for deletion."
            raise client_error(operation, "InvalidRequestException", text)
        if there is not None:
            same = there.versions.get(token)
            if same is None or same.text != SecretString:
                raise client_error(operation, "ResourceExistsException", f"A secret named {Name} exists already.")
            return {"ARN": there.arn, "Name": Name, "VersionId": token}
        secret = self._secrets[Name] = _Secret(Name, f"{ARN}{Name}-Sim{len(self._secrets):03d}")
        self._add(secret, token, SecretString)
        return {"ARN": secret.arn, "Name": Name, "VersionId": token}

    def put_secret_value(
        self,
        *,
        SecretId: str,
        SecretString: str,
        ClientRequestToken: str | None = None,
    ) -> dict[str, Any]:
        """Make a text the current version. The same text under the same token changes nothing, whatever its stage."""
        operation = "PutSecretValue"
        token = self._token(ClientRequestToken, operation)
        _check_text(SecretString, operation)
        secret = self._live(SecretId, operation)
        there = secret.versions.get(token)
        if there is not None and there.text != SecretString:
            text = "You can't use a ClientRequestToken again with another value."
            raise client_error(operation, "ResourceExistsException", text)
        if there is None:
            self._make_room(secret, operation)
            self._add(secret, token, SecretString)
        return {
            "ARN": secret.arn,
            "Name": secret.name,
            "VersionId": token,
            "VersionStages": secret.stages_of(token),
        }

    def get_secret_value(
        self,
        *,
        SecretId: str,
        VersionStage: str | None = None,
        VersionId: str | None = None,
    ) -> dict[str, Any]:
        operation = "GetSecretValue"
        secret = self._live(SecretId, operation)
        if VersionId is None:
            stage = VersionStage or CURRENT
            stages = secret.before if self._now_ms() < secret.settled_ms else secret.stages
            wanted, about = stages.get(stage), f"staging label: {stage}"
        else:
            wanted, about = VersionId, f"VersionId: {VersionId}"
        version = secret.versions.get(wanted) if wanted is not None else None
        if version is None:
            text = f"Secrets Manager can't find the specified secret value for {about}"
            raise client_error(operation, "ResourceNotFoundException", text)
        if VersionId is not None and VersionStage is not None and secret.stages.get(VersionStage) != wanted:
            text = "You provided a VersionStage that is not associated to the provided VersionId."
            raise client_error(operation, "InvalidRequestException", text)
        return {
            "ARN": secret.arn,
            "Name": secret.name,
            "VersionId": version.version_id,
            "SecretString": version.text,
            "VersionStages": secret.stages_of(version.version_id),
            "CreatedDate": _moment(version.created_ms),
        }

    def delete_secret(
        self,
        *,
        SecretId: str,
        RecoveryWindowInDays: int | None = None,
        ForceDeleteWithoutRecovery: bool = False,
    ) -> dict[str, Any]:
        operation, now_ms = "DeleteSecret", self._now_ms()
        if ForceDeleteWithoutRecovery and RecoveryWindowInDays is not None:
            text = "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays."
            raise client_error(operation, "InvalidParameterException", text)
        days = 30 if RecoveryWindowInDays is None else RecoveryWindowInDays
        if not 7 <= days <= 30:
            text = "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive)."
            raise client_error(operation, "InvalidParameterException", text)
        if ForceDeleteWithoutRecovery:
            secret = self._known(SecretId)  # of one that is not there AWS says nothing
            if secret is not None:
                del self._secrets[secret.name]
            return {"Name": SecretId, "DeletionDate": _moment(now_ms)}
        secret = self._live(SecretId, operation)
        secret.deleted_ms, secret.gone_ms = now_ms, now_ms + days * DAY_MS
        return {"ARN": secret.arn, "Name": secret.name, "DeletionDate": _moment(secret.gone_ms)}

    # ---- for the invariants

    def texts(self, name: str) -> dict[str, str]:
        """Give what a secret holds now, by stage; nothing when it is not there."""
        secret = self._known(name)
        if secret is None:
            return {}
        return {stage: secret.versions[version_id].text for stage, version_id in sorted(secret.stages.items())}

    def names(self) -> Sequence[str]:
        """Give the names of all secrets."""
        return sorted(self._secrets)

    # ---- inside

    def _known(self, secret_id: str) -> _Secret | None:
        """Find a secret by name or ARN; one whose recovery window has passed is gone."""
        secret = self._secrets.get(secret_id)
        if secret is None:
            secret = next((one for one in self._secrets.values() if one.arn == secret_id), None)
        if secret is not None and secret.gone_ms is not None and secret.gone_ms <= self._now_ms():
            del self._secrets[secret.name]
            return None
        return secret

    def _live(self, secret_id: str, operation: str) -> _Secret:
        secret = self._known(secret_id)
        if secret is None:
            raise _not_found(operation)
        if secret.deleted_ms is not None:
            text = "You can't perform this operation on the secret because it was marked for deletion."
            raise client_error(operation, "InvalidRequestException", text)
        return secret

    def _token(self, token: str | None, operation: str) -> str:
        if token is None:  # the SDK fills one in
            self._count += 1
            return f"{self._count:08x}-5ec2-4000-8000-{self._count:012x}"
        if not 32 <= len(token) <= 64:
            text = "ClientRequestToken must be 32-64 characters long."
            raise client_error(operation, "InvalidParameterException", text)
        return token

    def _add(self, secret: _Secret, version_id: str, text: str) -> None:
        secret.versions[version_id] = _Version(version_id, text, self._now_ms())
        if secret.stages:
            secret.before, secret.settled_ms = dict(secret.stages), self._now_ms() + self._lag_ms()
        if CURRENT in secret.stages:
            secret.stages[PREVIOUS] = secret.stages[CURRENT]
        secret.stages[CURRENT] = version_id

    def _make_room(self, secret: _Secret, operation: str) -> None:
        """Forget old versions as AWS does, and refuse another one when too many are too young for that."""
        old_ms, staged = self._now_ms() - DAY_MS, set(secret.stages.values())
        for version in list(secret.versions.values()):
            if len(secret.versions) < KEPT_VERSIONS:
                return
            if version.created_ms <= old_ms and version.version_id not in staged:
                del secret.versions[version.version_id]
        if len(secret.versions) > MOST_VERSIONS:
            raise client_error(operation, "LimitExceededException", "The secret has too many versions.")


def _check_text(text: str, operation: str) -> None:
    if not 1 <= len(text.encode()) <= MOST_BYTES:
        raise client_error(operation, "ValidationException", "The secret's length is out of bounds.")


def _moment(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)


def _not_found(operation: str) -> Exception:
    text = "Secrets Manager can't find the specified secret."
    return client_error(operation, "ResourceNotFoundException", text)
