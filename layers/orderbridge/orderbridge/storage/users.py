"""The panel's users, and the broker accounts that came with a user's own broker login.

Settings' accounts are only named by users (`User.accounts`); they stay the settings file's. An account of a user's own
is an account item like any other, so that lanes, watches and looks work for it, but stands in a list of its own:
`apply` neither shows nor removes it, and its name has a dot, which no name in the file has.

    claim     absent -> user         in the transaction that writes the account: one broker account, one user
    subject   absent -> user         from the first sign-in at TradeStation on
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from orderbridge import codec
from orderbridge.broker_api.login.model import StoredUser, User
from orderbridge.broker_api.login.tokens import digest
from orderbridge.errors import ConflictError
from orderbridge.storage import keys
from orderbridge.storage.items import Scalar, marshal, unmarshal
from orderbridge.storage.releases import decoded
from orderbridge.storage.settings import account_item
from orderbridge.storage.transact import ConditionFailedError, call, query_all, transact
from orderbridge.strategy.settings import AccountSettings

USERS = "USERS"
OWN_ACCOUNTS = "SETTINGS#panel-account"
"""Partitions of the index `open`."""


class Users:
    """Users of one table. Every method raises `StorageError` when the table fails."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    # ---- reading

    def get(self, login: str) -> StoredUser | None:
        """Read one user, consistently; `login` in any case."""
        key = marshal(keys.panel_user(login.lower()))
        reply = call(self._client.get_item, TableName=self._table, Key=key, ConsistentRead=True)
        if "Item" not in reply:
            return None
        item = unmarshal(reply["Item"])
        return StoredUser(decoded(User, item), int(item["version"]))

    def all(self) -> dict[str, StoredUser]:
        """List the users, by login."""
        items = [unmarshal(item) for item in self._listed(USERS)]
        return {
            str(item["gsk"]): StoredUser(decoded(User, item), int(item["version"])) for item in items
        }

    def by_subject(self, subject: str) -> StoredUser | None:
        """Find the user whom TradeStation calls `subject`."""
        key = marshal(keys.subject(digest(subject)))
        reply = call(self._client.get_item, TableName=self._table, Key=key, ConsistentRead=True)
        found = self.get(str(unmarshal(reply["Item"])["login"])) if "Item" in reply else None
        return found if found is not None and found.value.tradestation_subject == subject else None

    def own_accounts(self) -> dict[str, AccountSettings]:
        """Read every user's own accounts, by name."""
        items = [unmarshal(item) for item in self._listed(OWN_ACCOUNTS)]
        return {str(item["gsk"]): decoded(AccountSettings, item) for item in items}

    def claimant(self, account: AccountSettings) -> str | None:
        """Give the user who brought this account of the broker along, None when nobody did."""
        key = marshal(keys.claim(account.broker, account.broker_account_id))
        reply = call(self._client.get_item, TableName=self._table, Key=key, ConsistentRead=True)
        return str(unmarshal(reply["Item"])["login"]) if "Item" in reply else None

    # ---- writing

    def put(self, user: User, replaces: int | None) -> StoredUser:
        """Write a user; `replaces` is the version that it was made from, None for a new one. Raises `ConflictError`."""
        try:
            transact(self._client, [self._user(user, replaces)])
        except ConditionFailedError:
            raise ConflictError(_conflict(user.login, replaces)) from None
        return StoredUser(user, (replaces or 0) + 1)

    def bind(self, found: StoredUser, subject: str) -> StoredUser:
        """Note who TradeStation says that the user is, for good. Raises `ConflictError`."""
        user = replace(found.value, tradestation_subject=subject)
        item: dict[str, Scalar] = {**keys.subject(digest(subject)), "schema": keys.SCHEMA, "login": user.login}
        mark = {
            "Put": {
                "TableName": self._table,
                "Item": marshal(item),
                "ConditionExpression": "attribute_not_exists(pk) OR login = :login",
                "ExpressionAttributeValues": marshal({":login": user.login}),
            }
        }
        try:
            transact(self._client, [self._user(user, found.version), mark])
        except ConditionFailedError:
            raise ConflictError(_conflict(user.login, found.version)) from None
        return StoredUser(user, found.version + 1)

    def give_accounts(self, found: StoredUser, connection: str, accounts: Sequence[AccountSettings]) -> StoredUser:
        """Give a user accounts of their own, whose login is `connection`.

        Raises `ConflictError` when one of them is another user's, or the user was changed meanwhile.
        """
        names = tuple(dict.fromkeys((*found.value.own_accounts, *(account.name for account in accounts))))
        user = replace(found.value, connection=connection, own_accounts=names)
        operations = [self._user(user, found.version)]
        for account in accounts:
            operations += [self._claim(user.login, account), self._own_account(account)]
        try:
            transact(self._client, operations)
        except ConditionFailedError:
            raise ConflictError(f"{user.login}: an account belongs to another user, or the user was changed") from None
        return StoredUser(user, found.version + 1)

    def confirm_live(self, account: AccountSettings, at_ms: int) -> AccountSettings:
        """Note that the account's own user has agreed to orders with real money."""
        confirmed = replace(account, live_confirmed_at_ms=at_ms)
        transact(self._client, [self._own_account(confirmed)])
        return confirmed

    def remove(self, found: StoredUser) -> None:
        """Remove a user with what is the user's own. Raises `ConflictError` when the user was changed meanwhile."""
        user = found.value
        own = {name: account for name, account in self.own_accounts().items() if name in user.own_accounts}
        operations: list[dict[str, Any]] = [
            {
                "Delete": {
                    "TableName": self._table,
                    "Key": marshal(keys.panel_user(user.login)),
                    "ConditionExpression": "version = :version",
                    "ExpressionAttributeValues": marshal({":version": found.version}),
                }
            }
        ]
        gone = [keys.subject(digest(user.tradestation_subject))] if user.tradestation_subject else []
        for account in own.values():
            gone += [keys.account(account.name), keys.claim(account.broker, account.broker_account_id)]
        operations += [{"Delete": {"TableName": self._table, "Key": marshal(key)}} for key in gone]
        try:
            transact(self._client, operations)
        except ConditionFailedError:
            raise ConflictError(_conflict(user.login, found.version)) from None

    # ---- items

    def _listed(self, partition: str) -> list[Any]:
        return query_all(
            self._client,
            TableName=self._table,
            IndexName=keys.INDEX,
            KeyConditionExpression="gpk = :partition",
            ExpressionAttributeValues=marshal({":partition": partition}),
        )

    def _user(self, user: User, replaces: int | None) -> dict[str, Any]:
        item: dict[str, Scalar] = {
            **keys.panel_user(user.login),
            "schema": keys.SCHEMA,
            "gpk": USERS,
            "gsk": user.login,
            "version": (replaces or 0) + 1,
            "data": codec.dumps(user),
        }
        put: dict[str, Any] = {"TableName": self._table, "Item": marshal(item)}
        if replaces is None:
            put["ConditionExpression"] = "attribute_not_exists(pk)"
        else:
            put["ConditionExpression"] = "version = :version"
            put["ExpressionAttributeValues"] = marshal({":version": replaces})
        return {"Put": put}

    def _claim(self, login: str, account: AccountSettings) -> dict[str, Any]:
        key = keys.claim(account.broker, account.broker_account_id)
        item: dict[str, Scalar] = {**key, "schema": keys.SCHEMA, "login": login, "account": account.name}
        return {
            "Put": {
                "TableName": self._table,
                "Item": marshal(item),
                "ConditionExpression": "attribute_not_exists(pk) OR login = :login",
                "ExpressionAttributeValues": marshal({":login": login}),
            }
        }

    def _own_account(self, account: AccountSettings) -> dict[str, Any]:
        item = account_item(account, 1) | {"gpk": OWN_ACCOUNTS}
        return {
            "Put": {
                "TableName": self._table,
                "Item": marshal(item),
                "ConditionExpression": "attribute_not_exists(pk) OR gpk = :own",
                "ExpressionAttributeValues": marshal({":own": OWN_ACCOUNTS}),
            }
        }


def _conflict(login: str, replaces: int | None) -> str:
    if replaces is None:
        return f"there is a user {login!r} already"
    return f"{login}: changed by somebody else meanwhile; nothing was written"
