"""Who may send an alert: the holder of a strategy's key, from an address that is allowed. Pure."""

import hashlib
import hmac
import ipaddress
from collections.abc import Sequence

SLOTS = 2
"""Two keys are valid at once, so that one can be exchanged without losing an alert."""

_NO_KEY = b"\0" * 32

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def key_fits(key: str, key_hashes: Sequence[str]) -> bool:
    """Tell whether a key is one of at most two stored ones, given as hexadecimal SHA-256.

    The same work is done for a strategy without keys; `compare_digest` on bytes neither leaks nor raises.
    """
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
    slots = [_digest(text) for text in key_hashes[:SLOTS]]
    slots += [_NO_KEY] * (SLOTS - len(slots))
    fits = [hmac.compare_digest(digest, slot) for slot in slots]
    return bool(key) and any(fits)


def _digest(text: str) -> bytes:
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        return _NO_KEY
    return digest if len(digest) == len(_NO_KEY) else _NO_KEY


class Sources:
    """The addresses that may send alerts."""

    def __init__(self, text: str) -> None:
        """Take addresses and ranges separated by commas; `*` allows all, nothing allows none.

        Raises `ValueError` for what is neither an address nor a range.
        """
        parts = [part.strip() for part in text.split(",") if part.strip()]
        self._all = "*" in parts
        self._networks = tuple(ipaddress.ip_network(part, strict=False) for part in parts if part != "*")

    def allow(self, address: str) -> bool:
        """Tell whether an address is allowed. It must be the gateway's own word, never a header's."""
        if self._all:
            return True
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)
