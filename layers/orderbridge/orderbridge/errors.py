"""The exception tree.

    OrderbridgeError
    +-- StorageError                the table or a secret could not be read or written
    |   +-- ConflictError           a conditional write met another state than expected
    |   +-- NewerReleaseError       an item was written by a newer release in a shape that this one cannot read
    +-- SettingsError               settings that cannot be used; names file, line, field and mend
    +-- BrokerReadError             a read of the broker failed; nothing was changed
    |   +-- BrokerUnavailableError  time-out, reset, 5xx, unreadable reply
    |   +-- RateLimitedError        429 or an exhausted budget; carries `retry_after_ms`
    |   |   +-- ShareUsedError      the panel's own share is used up, which says nothing about the broker
    |   +-- LoginLostError          the broker refuses the login even after a refresh
    |   +-- ReadRefusedError        the broker refuses this read (400, 403, 404); carries `status`
    |   +-- UnknownSymbolError      no instrument of that name
    |   +-- AmbiguousSymbolError    more than one instrument; names them
    |   +-- NotSupportedError       the broker does not have it
    +-- AccessError                 the caller may not have what was asked for
    |   +-- NotSignedInError        no token, or one that is unknown, over or revoked
    |   +-- NotYoursError           not an account of this user; told as if there were none
    +-- DecisionError               a person's decision that what the broker or the ledger shows forbids

Outcomes of broker writes are values (`orderbridge.brokers.port`), refusals of alerts are values (`orderbridge.alerts`).
"""


class OrderbridgeError(Exception):
    """Base of all errors that the bridge raises on purpose."""


class StorageError(OrderbridgeError):
    """The table, the queue or a secret could not be read or written."""


class ConflictError(StorageError):
    """A conditional write met another state than the caller expected."""


class NewerReleaseError(StorageError):
    """An item was written by a newer release in a shape that this one cannot read. It is left as it is."""


class SettingsError(OrderbridgeError):
    """Settings that cannot be used."""


class BrokerReadError(OrderbridgeError):
    """A read of the broker failed; nothing was changed there."""


class BrokerUnavailableError(BrokerReadError):
    """Time-out, reset, 5xx, or a reply that cannot be read."""


class RateLimitedError(BrokerReadError):
    """The broker, or our own budget for it, refuses for now."""

    def __init__(self, message: str, retry_after_ms: int) -> None:
        super().__init__(message)
        self.retry_after_ms = retry_after_ms


class ShareUsedError(RateLimitedError):
    """The share of the budget that the caller may use is used up for now; the broker was not asked."""


class LoginLostError(BrokerReadError):
    """The broker refuses the login, also after a refresh: a person must connect again."""


class ReadRefusedError(BrokerReadError):
    """The broker refuses this very read: repeating it unchanged is no use."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"HTTP {status}: {message}" if message else f"HTTP {status}")
        self.status = status


class UnknownSymbolError(BrokerReadError):
    """The broker has no instrument of that name."""


class AmbiguousSymbolError(BrokerReadError):
    """More than one instrument fits the name."""

    def __init__(self, symbol: str, candidates: tuple[str, ...]) -> None:
        super().__init__(f"{symbol}: {' and '.join(candidates)} fit; name one in the symbol map")
        self.candidates = candidates


class NotSupportedError(BrokerReadError):
    """The broker does not have what was asked for."""


class DecisionError(OrderbridgeError):
    """A person's decision that what the broker or the ledger shows forbids; nothing was written."""


class AccessError(OrderbridgeError):
    """The caller may not have what was asked for."""


class NotSignedInError(AccessError):
    """There is no token, or it is unknown, over or revoked."""


class NotYoursError(AccessError):
    """The account is not among those of this user. The message says no more than that there is none of that name."""
