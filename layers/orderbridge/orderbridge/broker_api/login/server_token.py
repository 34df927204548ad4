"""The servers' JWT flow: TradingView's data servers sign an assertion with a certificate that we have on file.

| part | must be |
|---|---|
| header `alg` | RS256, whatever the header says |
| header `x5t` (or `x5t#S256`) | a certificate of the client's, in hexadecimal (TradingView) or base64url (RFC 7515) |
| `iss` | the client's id |
| `sub` | the client's user id |
| `aud` | our token URL |
| `spurl` | the client's app URL |
| `exp` | in the future, by a day at most |

Each request gets another token (TradingView compares ten in a row).
"""

import base64
import binascii
from datetime import UTC, datetime
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.types import Options

from orderbridge.broker_api.gateway import Answer, Request
from orderbridge.broker_api.login.endpoint import Form, GrantRefusedError, json_answer, proved, read_form, refusal
from orderbridge.broker_api.login.issue import begin
from orderbridge.broker_api.login.model import Certificate, ServerClient
from orderbridge.broker_api.login.ports import ClientStore, NowMs, SessionStore
from orderbridge.broker_api.login.tokens import RandomBytes, same

LONGEST_LIFE_S = 86_400
SKEW_S = 30
LONGEST_ASSERTION = 8192
SMALLEST_KEY_BITS = 2048
OPTIONS: Options = {
    "require": ["iss", "sub", "aud", "exp"],
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}
"""PyJWT looks at the machine's clock; the times are held to ours instead."""


def read_certificate(pem: str) -> Certificate:
    """Read a PEM certificate with an RSA key. Raises ValueError saying what is wrong with it."""
    certificate = x509.load_pem_x509_certificate(pem.encode())
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey) or key.key_size < SMALLEST_KEY_BITS:
        raise ValueError(f"the certificate needs an RSA key of {SMALLEST_KEY_BITS} bits or more")
    return Certificate(
        pem=pem,
        sha1=certificate.fingerprint(hashes.SHA1()).hex(),  # noqa: S303 - x5t is SHA-1 (RFC 7515); it only selects
        sha256=certificate.fingerprint(hashes.SHA256()).hex(),
    )


class ServerTokenEndpoint:
    """Answers `POST /authorize/token`. Raises `StorageError` when the table fails."""

    def __init__(self, clients: ClientStore, sessions: SessionStore, now_ms: NowMs, random_bytes: RandomBytes) -> None:
        self._clients = clients
        self._sessions = sessions
        self._now_ms = now_ms
        self._random_bytes = random_bytes

    def answer(self, request: Request) -> Answer:
        """Answer one token request."""
        try:
            form = read_form(request)
            client = self._client(form)
            if not same(form.need("grant_type"), client.grant_type):
                raise GrantRefusedError("unsupported_grant_type", "this grant_type is not the client's")
            check_assertion(form.need("assertion"), client, self._now_ms())
        except GrantRefusedError as error:
            return refusal(error)
        now_ms = self._now_ms()
        sign_in, issued = begin("server", now_ms, self._random_bytes, client_id=client.client_id)
        self._sessions.begin(sign_in)
        return json_answer(200, issued.answer(now_ms, "Bearer"))

    def _client(self, form: Form) -> ServerClient:
        client = self._clients.get(form.need("client_id"))
        if not proved(client, form.need("client_secret")) or not isinstance(client, ServerClient):
            raise GrantRefusedError("invalid_client", "the client is unknown or its secret is wrong")
        return client


def check_assertion(assertion: str, client: ServerClient, now_ms: int) -> None:
    """Hold an assertion to the table above. Raises `GrantRefusedError`."""
    invalid = GrantRefusedError("invalid_grant", "the assertion is not valid")
    if len(assertion) > LONGEST_ASSERTION:
        raise invalid
    try:
        header = jwt.get_unverified_header(assertion)
        key = _key(header, client, now_ms)
        claims: dict[str, Any] = jwt.decode(
            assertion,
            key,
            algorithms=["RS256"],
            options=OPTIONS,
            audience=client.token_url,
            issuer=client.client_id,
            subject=client.user_id,
        )
    except (jwt.PyJWTError, RecursionError, TypeError, ValueError):
        raise invalid from None
    _check_times(claims, now_ms)
    spurl = claims.get("spurl")
    if not isinstance(spurl, str) or not same(spurl, client.app_url):
        raise invalid


def _check_times(claims: dict[str, Any], now_ms: int) -> None:
    """Hold the times to our own clock, which tests can set."""
    now_s = now_ms // 1000
    ends_s = _number(claims["exp"])
    starts_s = _number(claims.get("nbf", now_s))
    if not now_s - SKEW_S < ends_s <= now_s + LONGEST_LIFE_S or starts_s > now_s + SKEW_S:
        raise GrantRefusedError("invalid_grant", "the assertion is over, too long, or not valid yet")


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise GrantRefusedError("invalid_grant", "the assertion is not valid")
    return value


def _key(header: dict[str, Any], client: ServerClient, now_ms: int) -> RSAPublicKey:
    """Give the public key that the header's thumbprint names, from what we have on file only."""
    named = [
        certificate
        for certificate in client.certificates
        if (header.get("x5t") is None or _names(header["x5t"], certificate.sha1))
        and (header.get("x5t#S256") is None or _names(header["x5t#S256"], certificate.sha256))
    ]
    if not named or (header.get("x5t") is None and header.get("x5t#S256") is None):
        raise GrantRefusedError("invalid_grant", "the assertion names no certificate on file (x5t)")
    certificate = x509.load_pem_x509_certificate(named[0].pem.encode())
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise GrantRefusedError("invalid_grant", "the certificate is over or not valid yet")
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise GrantRefusedError("invalid_grant", "the certificate has no RSA key")
    return key


def _names(thumbprint: object, hexadecimal: str) -> bool:
    """Compare a thumbprint in its customary writings: hex, base64url of the bytes, base64url of the hex."""
    if not isinstance(thumbprint, str):
        return False
    if same(thumbprint.lower().replace(":", ""), hexadecimal):
        return True
    try:
        raw = base64.urlsafe_b64decode(thumbprint + "=" * (-len(thumbprint) % 4))
    except (binascii.Error, ValueError):
        return False
    return same(raw.hex(), hexadecimal) or raw.lower() == hexadecimal.encode()
