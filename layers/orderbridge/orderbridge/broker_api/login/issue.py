"""Make the tokens of each flow.

TradingView calls 15 to 30 minutes optimal for an access token and refreshes it before its end; the password flow's
token is never refreshed, so it lasts for a day. `expires_in` feeds a browser timer: 60 s at least, 24.8 days at most.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from orderbridge.broker_api.login.model import Flow, Pair, SignIn, User
from orderbridge.broker_api.login.tokens import RandomBytes, digest, new_id, new_token
from orderbridge.secret import NO_SECRET, Secret

MINUTE_MS = 60_000
ACCESS_MS: Mapping[Flow, int] = {
    "password": 24 * 60 * MINUTE_MS,
    "code": 30 * MINUTE_MS,
    "implicit": 30 * MINUTE_MS,
    "server": 20 * MINUTE_MS,
}
REFRESH_MS = 30 * 24 * 60 * MINUTE_MS
"""From each refresh anew."""


@dataclass(frozen=True, slots=True)
class Issued:
    """Tokens to hand out, this once."""

    access_token: Secret = field(repr=False)
    access_ends_ms: int
    pair: Pair
    refresh_token: Secret = field(default=NO_SECRET, repr=False)

    def expires_in(self, now_ms: int) -> int:
        """Give the access token's life in whole seconds."""
        return (self.access_ends_ms - now_ms) // 1000

    def answer(self, now_ms: int, token_type: str = "bearer") -> dict[str, object]:  # noqa: S107 - RFC 6749's word
        """Give the token endpoint's JSON (RFC 6749, 5.1)."""
        told: dict[str, object] = {
            "access_token": self.access_token.reveal(),
            "token_type": token_type,
            "expires_in": self.expires_in(now_ms),
        }
        if self.refresh_token:
            told["refresh_token"] = self.refresh_token.reveal()
            told["refresh_token_expires_in"] = (self.pair.refresh_ends_ms - now_ms) // 1000
        return told


def issue(flow: Flow, sign_in_id: str, now_ms: int, random_bytes: RandomBytes) -> Issued:
    """Make the next tokens of a sign-in; the code flow's come with a refresh token."""
    access = new_token(sign_in_id, random_bytes)
    refresh = new_token(sign_in_id, random_bytes) if flow == "code" else NO_SECRET
    pair = Pair(
        access_hash=digest(access.reveal()),
        access_ends_ms=now_ms + ACCESS_MS[flow],
        refresh_hash=digest(refresh.reveal()) if refresh else "",
        refresh_ends_ms=now_ms + REFRESH_MS if refresh else 0,
    )
    return Issued(access, pair.access_ends_ms, pair, refresh)


def begin(
    flow: Flow,
    now_ms: int,
    random_bytes: RandomBytes,
    *,
    user: User | None = None,
    client_id: str = "",
    sign_in_id: str = "",
) -> tuple[SignIn, Issued]:
    """Make a sign-in with its first tokens; the caller stores it before it hands them out."""
    chosen = sign_in_id or new_id(random_bytes)
    issued = issue(flow, chosen, now_ms, random_bytes)
    sign_in = SignIn(
        id=chosen,
        flow=flow,
        started_at_ms=now_ms,
        current=issued.pair,
        client_id=client_id,
        user=user.login if user else "",
        generation=user.generation if user else "",
    )
    return sign_in, issued
