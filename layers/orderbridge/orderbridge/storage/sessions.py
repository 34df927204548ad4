"""Sign-ins, codes, browsers and errands of the panel. Keys and content hold digests of secrets, never a secret.

sign-in   absent -> version 1 -> version n + 1        change names the version it was made from
code      open   -> redeemed(sign-in)                 together with the sign-in's first version, or not at all
errand    open   -> gone                              whoever deletes it has it
"""

from typing import Any, TypeVar

from orderbridge import codec
from orderbridge.broker_api.login.model import Browser, Code, Errand, SignIn
from orderbridge.errors import ConflictError
from orderbridge.storage import keys
from orderbridge.storage.items import Item, Scalar, marshal, unmarshal
from orderbridge.storage.releases import decoded
from orderbridge.storage.transact import ConditionFailedError, call, transact

T = TypeVar("T")

CODE_KEPT_MS = 86_400_000
"""How long a code is known after its end, so that its reuse is noticed."""


class Sessions:
    """The panel's sessions in one table. Every method raises `StorageError` when the table fails."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    # ---- sign-ins

    def sign_in(self, sign_in_id: str) -> tuple[SignIn, int] | None:
        """Read a sign-in and its version, consistently."""
        item = self._get(keys.sign_in(sign_in_id))
        return None if item is None else (decoded(SignIn, item), int(item["version"]))

    def begin(self, sign_in: SignIn) -> None:
        """Store a new sign-in."""
        self._put(_sign_in_item(sign_in, 1))

    def change(self, sign_in: SignIn, version: int) -> None:
        """Store what a sign-in has become. Raises `ConflictError` when it has changed or ended meanwhile."""
        call(
            self._client.put_item,
            TableName=self._table,
            Item=marshal(_sign_in_item(sign_in, version + 1)),
            ConditionExpression="version = :version",
            ExpressionAttributeValues=marshal({":version": version}),
        )

    def end(self, sign_in_id: str) -> None:
        """End a sign-in: all of its tokens are unknown from now on."""
        self._delete(keys.sign_in(sign_in_id))

    # ---- codes

    def keep_code(self, digest: str, code: Code) -> None:
        """Store a code that is about to be given out."""
        self._put(_item(keys.code(digest), code, code.ends_ms + CODE_KEPT_MS))

    def code(self, digest: str) -> tuple[Code, bool] | None:
        """Read a code and whether it was redeemed, consistently."""
        item = self._get(keys.code(digest))
        return None if item is None else (decoded(Code, item), bool(item.get("redeemed", False)))

    def redeem(self, digest: str, sign_in: SignIn) -> bool:
        """Turn a code into its sign-in; False when somebody has redeemed it already."""
        try:
            transact(self._client, [self._mark_redeemed(digest), self._new(sign_in)])
        except ConditionFailedError:
            return False
        return True

    def spoil(self, digest: str) -> None:
        """Make a code worthless that was presented wrongly."""
        try:
            call(self._client.update_item, **self._mark_redeemed(digest)["Update"])
        except ConflictError:
            return

    def _mark_redeemed(self, digest: str) -> dict[str, Any]:
        return {
            "Update": {
                "TableName": self._table,
                "Key": marshal(keys.code(digest)),
                "UpdateExpression": "SET redeemed = :yes",
                "ConditionExpression": "attribute_exists(pk) AND attribute_not_exists(redeemed)",
                "ExpressionAttributeValues": marshal({":yes": True}),
            }
        }

    def _new(self, sign_in: SignIn) -> dict[str, Any]:
        return {
            "Put": {
                "TableName": self._table,
                "Item": marshal(_sign_in_item(sign_in, 1)),
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }

    # ---- browsers

    def browser(self, digest: str) -> Browser | None:
        """Read who has signed in in a browser, consistently."""
        return self._load(Browser, keys.browser(digest))

    def keep_browser(self, digest: str, browser: Browser) -> None:
        """Store who has signed in in a browser."""
        self._put(_item(keys.browser(digest), browser, browser.ends_ms))

    def forget_browser(self, digest: str) -> None:
        """Sign a browser out."""
        self._delete(keys.browser(digest))

    # ---- errands

    def keep_errand(self, digest: str, errand: Errand) -> None:
        """Store where a browser that is sent to TradeStation came from."""
        self._put(_item(keys.errand(digest), errand, errand.ends_ms))

    def take_errand(self, digest: str) -> Errand | None:
        """Give an errand once."""
        reply = call(
            self._client.delete_item, TableName=self._table, Key=marshal(keys.errand(digest)), ReturnValues="ALL_OLD"
        )
        item = unmarshal(reply.get("Attributes", {}))
        return decoded(Errand, item) if item else None

    # ---- items

    def _get(self, key: dict[str, str]) -> Item | None:
        reply = call(self._client.get_item, TableName=self._table, Key=marshal(key), ConsistentRead=True)
        return unmarshal(reply["Item"]) if "Item" in reply else None

    def _load(self, kind: type[T], key: dict[str, str]) -> T | None:
        item = self._get(key)
        return None if item is None else decoded(kind, item)

    def _put(self, item: dict[str, Scalar]) -> None:
        call(self._client.put_item, TableName=self._table, Item=marshal(item))

    def _delete(self, key: dict[str, str]) -> None:
        call(self._client.delete_item, TableName=self._table, Key=marshal(key))


def _item(key: dict[str, str], content: object, ends_ms: int) -> dict[str, Scalar]:
    return {**key, "schema": keys.SCHEMA, "data": codec.dumps(content), "expires_at": ends_ms // 1000 + 1}


def _sign_in_item(sign_in: SignIn, version: int) -> dict[str, Scalar]:
    return _item(keys.sign_in(sign_in.id), sign_in, sign_in.ends_ms) | {"version": version}
