"""The OrderConfirmIDs that a user has spent, and what a second use of one does (a switch)."""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from sandbox.tradestation.refusals import bad_request
from sandbox.tradestation.switches import Switches

Reply = TypeVar("Reply")


@dataclass(frozen=True, slots=True)
class _Spent(Generic[Reply]):
    at_ms: int
    reply: Reply


class ConfirmIds(Generic[Reply]):
    """Remembers, for each user, which ids were used and with what reply."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self._made = 0
        self._offered: set[tuple[str, str]] = set()
        self._spent: dict[tuple[str, str], _Spent[Reply]] = {}

    def make(self, user: str) -> str:
        """Make an id as orderconfirm does: 22 characters of base64."""
        self._made += 1
        digest = hashlib.sha256(f"confirm {self._made}".encode()).digest()[:16]
        made = base64.b64encode(digest).decode().rstrip("=")
        self._offered.add((user, made))
        return made

    def check(self, user: str, ids: Iterable[str]) -> None:
        """Check the ids' origin and characters, and that a request uses none twice. Raises `HttpRefusal`."""
        seen: set[str] = set()
        for text in ids:
            if self._switches["confirm_id_characters"] == "no_plus_slash" and set(text) & set("+/"):
                raise bad_request("Invalid OrderConfirmID.")
            if self._switches["confirm_id_origin"] == "confirmed" and (user, text) not in self._offered:
                raise bad_request("Unknown OrderConfirmID.")
            if text in seen and self._switches["confirm_id_mode"] != "ignore":
                raise bad_request("Duplicate OrderConfirmID.")
            seen.add(text)

    def earlier(self, user: str, ids: Iterable[str], now_ms: int) -> Reply | None:
        """Give the reply of an earlier request that used one of the ids, unless that is ignored or forgotten."""
        if self._switches["confirm_id_mode"] == "ignore":
            return None
        memory_ms = self._switches.number("confirm_id_memory_ms")
        for text in ids:
            spent = self._spent.get((user, text))
            if spent is not None and now_ms - spent.at_ms < memory_ms:
                return spent.reply
        return None

    def spend(self, user: str, ids: Iterable[str], reply: Reply, now_ms: int) -> None:
        """Remember the ids of a request that was taken."""
        for text in ids:
            self._spent[user, text] = _Spent(now_ms, reply)
