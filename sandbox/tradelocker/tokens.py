"""Logins and JSON Web Tokens: a rotating pair per session, and why a token is refused."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.tradelocker.seeds import LOGINS, Login
from sandbox.tradelocker.switches import Switches

_MINUTE_MS = 60_000


class TokenError(Exception):
    """A token or a login that is refused; the text says why."""


class WrongShardError(TokenError):
    """A good token that belongs to another shard."""


@dataclass
class Session:
    """One login and what became of it: the ids of the pair in force, and whether the session has ended."""

    login: Login
    access_ids: set[str]
    refresh_ids: set[str]
    ended: bool = False


@dataclass(frozen=True)
class Pair:
    """What the two token routes answer."""

    access: str
    refresh: str
    expires_at_ms: int


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Tokens:
    """Issue, rotate, check and revoke tokens. Times are the caller's clock in epoch milliseconds."""

    def __init__(self, switches: Switches, seed: str, own_host: str) -> None:
        self._switches = switches
        self._key = hashlib.sha256(f"tradelocker sandbox {seed}".encode()).digest()
        self._issued = 0
        self._sessions: list[Session] = []
        self.own_host = own_host
        self.refuses_logins = False

    def log_in(self, email: str, password: str, server: str, now_ms: int) -> Pair:
        """Start a session; raise `TokenError` on wrong credentials."""
        login = self._find_login(email, password, server)
        if self._switches.on("login_evicts_session"):
            self.end_sessions(login)
        session = Session(login, set(), set())
        self._sessions.append(session)
        return self._issue(session, now_ms)

    def refresh(self, token: str, now_ms: int) -> Pair:
        """Rotate a session's pair; raise `TokenError` on a refresh token that is spent, expired or foreign."""
        if self.refuses_logins:
            raise TokenError("Token is no longer valid")
        claims = self._claims(token, "refresh", now_ms)
        session = self._session_of(claims, "refresh")
        if self._switches.on("old_refresh_token_dies"):
            session.refresh_ids.clear()
        if self._switches.on("old_access_token_dies"):
            session.access_ids.clear()
        return self._issue(session, now_ms)

    def user_of(self, token: str, now_ms: int) -> Login:
        """Return whose access token this is; raise `TokenError` (`WrongShardError`: its host claim is foreign)."""
        claims = self._claims(token, "access", now_ms)
        session = self._session_of(claims, "access")
        if claims.get("host") == "other.tradelocker.com":
            raise WrongShardError("JWT validation failed or server not found")
        return session.login

    def end_sessions(self, login: Login | None = None) -> None:
        """End every session of `login`, or of everybody: the tokens are refused from now on."""
        for session in self._sessions:
            if login is None or session.login is login:
                session.ended = True

    def expire_access(self) -> None:
        """Make every access token that is out invalid; refresh tokens go on working."""
        for session in self._sessions:
            session.access_ids.clear()

    def _find_login(self, email: str, password: str, server: str) -> Login:
        for login in LOGINS:
            names = (login.server, server)
            if self._switches["server_case"] == "any":
                names = (login.server.lower(), server.lower())
            if self.refuses_logins:
                break
            if login.email == email and login.password == password and names[0] == names[1]:
                return login
        raise TokenError("Invalid credentials")

    def _issue(self, session: Session, now_ms: int) -> Pair:
        self._issued += 1
        number = str(self._issued)
        session.access_ids.add(number)
        session.refresh_ids.add(number)
        access_exp = now_ms // 1000 + self._switches.number("access_token_minutes") * 60
        refresh_exp = now_ms // 1000 + self._switches.number("refresh_token_minutes") * 60
        return Pair(
            access=self._sign(session, "access", number, access_exp, now_ms),
            refresh=self._sign(session, "refresh", number, refresh_exp, now_ms),
            expires_at_ms=access_exp * 1000,
        )

    def _sign(self, session: Session, kind: str, number: str, exp: int, now_ms: int) -> str:
        claims: dict[str, object] = {
            "sub": f"{1000 + session.login.user_index}|{session.login.server}",
            "typ": kind,
            "jti": number,
            "iat": now_ms // 1000,
            "exp": exp,
        }
        host = self._host()
        if host is not None and kind == "access":
            claims["host"] = host
        head = _b64(b'{"alg":"HS256","typ":"JWT"}')
        body = _b64(json.dumps(claims, separators=(",", ":")).encode())
        return f"{head}.{body}.{self._signature(head, body)}"

    def _host(self) -> str | None:
        hosts = {"own": self.own_host, "absent": None, "demo": "demo.tradelocker.com"}
        return hosts.get(self._switches["host_claim"], "other.tradelocker.com")

    def _signature(self, head: str, body: str) -> str:
        return _b64(hmac.new(self._key, f"{head}.{body}".encode(), hashlib.sha256).digest())

    def _claims(self, token: str, kind: str, now_ms: int) -> Mapping[str, object]:
        head, _, rest = token.partition(".")
        body, _, signature = rest.partition(".")
        if not hmac.compare_digest(self._signature(head, body).encode(), signature.encode()):
            raise TokenError("Invalid token")
        claims: dict[str, object] = json.loads(_unb64(body))
        if claims["typ"] != kind:
            raise TokenError("Invalid token")
        if int(str(claims["exp"])) * 1000 <= now_ms:
            raise TokenError("Token has expired")
        return claims

    def _session_of(self, claims: Mapping[str, object], kind: str) -> Session:
        for session in self._sessions:
            ids = session.access_ids if kind == "access" else session.refresh_ids
            if claims["jti"] in ids and not session.ended:
                return session
        raise TokenError("Token is no longer valid")


def expire_date(pair: Pair) -> str:
    """Return the pair's `expireDate`: an ISO timestamp in UTC with milliseconds."""
    moment = datetime.fromtimestamp(pair.expires_at_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
