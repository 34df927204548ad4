"""Planted bugs of mechanics at the bridge's doors: what is taken in twice, lost, or answered too early; and tokens."""

from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

from orderbridge.alerts import identity as identities
from orderbridge.alerts.identity import Identity
from orderbridge.errors import StorageError
from orderbridge.storage import intake
from orderbridge.storage.intake import Intake
from orderbridge.storage.items import marshal
from orderbridge.storage.tokens import TokenKeeper
from tests.simulation.bugs.patcher import Patcher


def dedup_by_time_only(patch: Patcher) -> None:
    """Whatever comes within ten seconds of an alert is taken for its resend."""

    def twin(original: Any) -> Any:
        def by_body(strategy: str, raw: bytes, read: Any, received_at_ms: int, test: bool = False) -> Identity:
            whole: Identity = original(strategy, raw, read, received_at_ms, test)
            return replace(whole, key=f"t-{received_at_ms // 10_000}")

        return by_body

    patch.function(identities, "by_body", twin)


def dedup_window_shorter_than_the_resends(patch: Patcher) -> None:
    patch.function(identities, "LONG_WINDOW_MS", lambda _: 2_000)
    patch.function(identities, "SHORT_WINDOW_MS", lambda _: 2_000)


def dedup_deleted_on_failure(patch: Patcher) -> None:
    """A call whose answer was lost is taken for a failure, and the record that would stop its resend is deleted."""

    def twin(original: Any) -> Any:
        def take(self: Intake, incoming: Any, in_time: Any) -> Any:
            try:
                return original(self, incoming, in_time)
            except StorageError:
                key = {"pk": f"DEDUP#{incoming.name}#{incoming.identity.key}", "sk": "DEDUP"}
                in_time.call(
                    self._dynamodb.transact_write_items,
                    TransactItems=[{"Delete": {"TableName": self._table, "Key": marshal(dict(key))}}],
                    ClientRequestToken=f"{incoming.alert_id}d",
                )
                raise

        return take

    patch.method(Intake, "take", twin)


def jobs_stored_before_the_dedup_record(patch: Patcher) -> None:
    """Two calls where one transaction belongs: what fails between them is stored twice."""

    def twin(original: Any) -> Any:
        def take(self: Intake, incoming: Any, in_time: Any) -> Any:
            client, self._dynamodb = self._dynamodb, _InTwo(self._dynamodb)
            try:
                return original(self, incoming, in_time)
            finally:
                self._dynamodb = client

        return take

    patch.method(Intake, "take", twin)


class _InTwo:
    def __init__(self, client: Any) -> None:
        self._client = client

    def transact_write_items(self, TransactItems: Any, ClientRequestToken: str) -> Any:  # noqa: N803 - boto's names
        dedup, *others = TransactItems
        if others:
            self._client.transact_write_items(TransactItems=others, ClientRequestToken=f"{ClientRequestToken}j")
        return self._client.transact_write_items(TransactItems=[dedup], ClientRequestToken=ClientRequestToken)


def answered_though_not_stored(patch: Patcher) -> None:
    def twin(original: Any) -> Any:
        def take(self: Intake, incoming: Any, in_time: Any) -> Any:
            try:
                return original(self, incoming, in_time)
            except StorageError:
                return intake._accepted_items(incoming).taken

        return take

    patch.method(Intake, "take", twin)


def failed_condition_taken_for_stored(patch: Patcher) -> None:
    """A duplicate is answered as if it were new: with a receipt of its own."""

    def twin(original: Any) -> Any:
        def take(self: Intake, incoming: Any, in_time: Any) -> Any:
            taken = original(self, incoming, in_time)
            return intake._accepted_items(incoming).taken if taken.outcome == "duplicate" else taken

        return take

    patch.method(Intake, "take", twin)


def one_job_for_all_accounts(patch: Patcher) -> None:
    def twin(original: Any) -> Any:
        def accepted(incoming: Any) -> Any:
            items = original(incoming)
            jobs = [item for item in items.others if str(item["sk"]).startswith("JOB#")]
            return replace(items, others=[item for item in items.others if item not in jobs[1:]])

        return accepted

    patch.function(intake, "_accepted_items", twin)


def rotated_token_not_stored(patch: Patcher) -> None:
    """The new pair is used at once, and kept in memory alone."""

    def twin(original: Any) -> Any:
        def store(self: TokenKeeper, lease: Any, pair: Any, renewals: Any) -> Any:
            secrets, self._secrets = self._secrets, _Forgetful()  # type: ignore[assignment]
            try:
                return original(self, lease, pair, renewals)
            finally:
                self._secrets = secrets

        return store

    patch.method(TokenKeeper, "_store", twin)


class _Forgetful:
    def write(self, connection: str, login: Any, version: str) -> None:
        del connection, login, version


def old_pair_written_back(patch: Patcher) -> None:
    """After the exchange the secret gets the pair that was just exchanged away."""

    def twin(original: Any) -> Any:
        def store(self: TokenKeeper, lease: Any, pair: Any, renewals: Any) -> Any:
            old = self._known
            if old is not None:
                pair = replace(pair, login=replace(pair.login, refresh_token=old.login.refresh_token))
            return original(self, lease, pair, renewals)

        return store

    patch.method(TokenKeeper, "_store", twin)


def own_pair_exchanged(patch: Patcher) -> None:
    """What the secret holds is read and not believed: a process exchanges its own last pair."""

    def twin(original: Any) -> Any:
        own: WeakKeyDictionary[TokenKeeper, Any] = WeakKeyDictionary()

        def exchange(self: TokenKeeper, lease: Any, stored: Any, deadline: Any, after_401: bool) -> Any:
            own[self] = original(self, lease, own.get(self, stored), deadline, after_401)
            return own[self]

        return exchange

    patch.method(TokenKeeper, "_exchange", twin)
