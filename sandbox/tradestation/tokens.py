"""Authorization codes, access tokens and refresh tokens of the simulated sign-in service."""

import base64
import hashlib
import json
from dataclasses import dataclass

from sandbox.tradestation.seeds import USERS, ApiKey
from sandbox.tradestation.switches import Switches

ACCESS_TOKEN_S = 1200
CODE_LIFE_MS = 600_000
ROTATING_LIFE_MS = 86_400_000
"""Absolute life of a rotating refresh token's line."""
IDENTITY_SCOPES = ("openid", "profile", "email", "offline_access")
API_SCOPES = ("MarketData", "ReadAccount", "Trade", "OptionSpreads", "Matrix")
_SEED_SCOPE = "openid offline_access profile MarketData ReadAccount Trade"


@dataclass(frozen=True, slots=True)
class Grant:
    """Who may do what, through which key."""

    user: str
    client_id: str
    scope: str
    callback: str = ""
    challenge: str = ""

    def allows(self, scope: str) -> bool:
        return scope in self.scope.split()


@dataclass(slots=True)
class _Dated:
    grant: Grant
    dies_ms: int
    born_ms: int = 0


class TokenError(ValueError):
    """A token request that is refused; the text is its error_description."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error


class Tokens:
    """Every token that was given out. They are made from a counter, so a run can be repeated; a sandbox only."""

    def __init__(self, switches: Switches, seed_client_id: str) -> None:
        self._switches = switches
        self._made = 0
        self._codes: dict[str, _Dated] = {}
        self._access: dict[str, _Dated] = {}
        self._refresh: dict[str, _Dated] = {
            user.refresh_token: _Dated(Grant(user.name, seed_client_id, _SEED_SCOPE), 2**62) for user in USERS
        }

    def new_code(self, grant: Grant, now_ms: int) -> str:
        """Give an authorization code for a signed-in user."""
        code = self._make("code")
        self._codes[code] = _Dated(grant, now_ms + CODE_LIFE_MS)
        return code

    def exchange_code(self, key: ApiKey, code: str, callback: str, verifier: str, now_ms: int) -> dict[str, object]:
        """Turn a code into tokens. Raises `TokenError`; a code is good for one try."""
        dated = self._codes.pop(code, None)
        if dated is None or dated.grant.client_id != key.client_id or now_ms >= dated.dies_ms:
            raise TokenError("invalid_grant", "Invalid authorization code")
        if dated.grant.callback != callback:
            raise TokenError("invalid_grant", "The redirect URI is wrong.")
        if dated.grant.challenge and _challenge(verifier) != dated.grant.challenge:
            raise TokenError("invalid_grant", "Failed to verify code verifier")
        reply = self._reply(dated.grant, dated.grant.scope, now_ms)
        if dated.grant.allows("offline_access"):
            reply["refresh_token"] = self._new_refresh(dated.grant, now_ms, now_ms)
        return reply

    def refresh(self, key: ApiKey, token: str, now_ms: int) -> dict[str, object]:
        """Give a new access token, and by switch a new refresh token. Raises `TokenError`."""
        dated = self._refresh.get(token)
        if dated is None or dated.grant.client_id != key.client_id or now_ms >= dated.dies_ms:
            raise TokenError("invalid_grant", "Unknown or invalid refresh token.")
        identity_only = self._switches["refresh_scope"] == "identity_only"
        scopes = [name for name in dated.grant.scope.split() if not identity_only or name in IDENTITY_SCOPES]
        reply = self._reply(dated.grant, " ".join(scopes), now_ms)
        if self._switches["refresh_token_rotates"] == "yes":
            reply["refresh_token"] = self._new_refresh(dated.grant, now_ms, dated.born_ms or now_ms)
            if self._switches["rotated_token_dies"] == "at_once":
                del self._refresh[token]
        return reply

    def revoke_all(self, client_id: str) -> None:
        """Revoke every refresh token of a key."""
        self._refresh = {token: dated for token, dated in self._refresh.items() if dated.grant.client_id != client_id}

    def grant_of(self, token: str, now_ms: int) -> Grant | None:
        """Give what an access token allows; None when it is unknown or over."""
        dated = self._access.get(token)
        return dated.grant if dated is not None and now_ms < dated.dies_ms else None

    def expire(self, kind: str, user: str | None) -> int:
        """End access tokens, refresh tokens or both, of one user or of all, and say how many."""
        ended = 0
        for name, store in (("access", self._access), ("refresh", self._refresh)):
            if kind not in (name, "all"):
                continue
            for token in [token for token, dated in store.items() if user in (None, dated.grant.user)]:
                del store[token]
                ended += 1
        return ended

    def _reply(self, grant: Grant, scope: str, now_ms: int) -> dict[str, object]:
        access = self._make("access")
        self._access[access] = _Dated(grant, now_ms + ACCESS_TOKEN_S * 1000)
        reply: dict[str, object] = {
            "access_token": access,
            "scope": scope,
            "expires_in": ACCESS_TOKEN_S,
            "token_type": "Bearer",
        }
        if grant.allows("openid"):
            reply["id_token"] = _id_token(grant, now_ms)
        return reply

    def _new_refresh(self, grant: Grant, now_ms: int, born_ms: int) -> str:
        token = self._make("refresh")
        dies_ms = 2**62
        if self._switches["refresh_token_rotates"] == "yes":
            life_ms = self._switches.number("rotation_minutes") * 60_000
            dies_ms = min(now_ms + life_ms, born_ms + ROTATING_LIFE_MS)
        self._refresh[token] = _Dated(grant, dies_ms, born_ms)
        return token

    def _make(self, kind: str) -> str:
        self._made += 1
        digest = hashlib.sha256(f"{kind} {self._made}".encode()).digest()
        return f"sim-{kind}-{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def _challenge(verifier: str) -> str:
    if not 43 <= len(verifier) <= 128:
        return ""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _id_token(grant: Grant, now_ms: int) -> str:
    claims = {"sub": f"auth0|{grant.user}", "aud": grant.client_id, "exp": now_ms // 1000 + ACCESS_TOKEN_S}
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."
