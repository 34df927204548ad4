"""How one sign-in's tokens follow each other. Pure.

    current(A0, R0)                       A0 is good
      R0 -> child(A1, R1)                 A0 and A1 are good: TradingView may not have got A1 yet
      R0 -> child(A2, R2)                 the answer was lost, or two asked: both children are good
      A1 or R1 is used                    current(A1, R1): A0, R0, A2 and R2 are over
      R0 or R2 again                      two hold what one was given: everything ends (RFC 9700, 4.14.2)

An access token that is over is only refused: a second tab may still have it.
"""

from dataclasses import dataclass, replace
from typing import Literal

from orderbridge.broker_api.login.model import Pair, SignIn
from orderbridge.broker_api.login.tokens import same

MOST_CHILDREN = 10
"""Answers that may be under way at once; of more, the oldest are over."""


@dataclass(frozen=True, slots=True)
class RefreshRefused:
    """No new pair. `reused` tells that the token was good once: the sign-in must end."""

    reused: bool


def use_access(sign_in: SignIn, found: str, now_ms: int) -> SignIn | None:
    """Give the sign-in after this access token (its digest) was used, None when the token is not good."""
    pair = _pair(sign_in, found, "access")
    if pair is None or now_ms >= pair.access_ends_ms:
        return None
    return _confirmed(sign_in, pair)


def use_refresh(sign_in: SignIn, found: str, new: Pair, now_ms: int) -> SignIn | RefreshRefused:
    """Give the sign-in with `new` as a child, for this refresh token (its digest)."""
    pair = _pair(sign_in, found, "refresh")
    if pair is None:
        return RefreshRefused(reused=True)
    if now_ms >= pair.refresh_ends_ms:
        return RefreshRefused(reused=False)
    confirmed = _confirmed(sign_in, pair)
    return replace(confirmed, children=(*confirmed.children, new)[-MOST_CHILDREN:])


def _confirmed(sign_in: SignIn, used: Pair) -> SignIn:
    return sign_in if used is sign_in.current else replace(sign_in, current=used, children=())


def _pair(sign_in: SignIn, found: str, kind: Literal["access", "refresh"]) -> Pair | None:
    """Find the pair of a digest; every one is compared, whatever is found."""
    pairs = (sign_in.current, *sign_in.children)
    matching = [pair for pair in pairs if same(found, pair.access_hash if kind == "access" else pair.refresh_hash)]
    return matching[0] if matching else None
