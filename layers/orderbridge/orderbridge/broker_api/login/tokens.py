"""Tokens, codes and cookies: random texts, of which only the SHA-256 is kept.

token = id of its sign-in (22 characters, 128 bits) + secret (43 characters, 256 bits)

The id finds the one item that knows the token; the secret proves it. Both are random: neither tells anything.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable

from orderbridge.secret import Secret

RandomBytes = Callable[[int], bytes]

ID_BYTES, SECRET_BYTES = 16, 32
ID_LENGTH = 22
_TOKEN = re.compile(r"[A-Za-z0-9_-]{65}")


def new_id(random_bytes: RandomBytes) -> str:
    """Make an id that nobody can guess."""
    return _text(random_bytes(ID_BYTES))


def new_secret(random_bytes: RandomBytes) -> Secret:
    """Make a secret of 256 bits: a code, a cookie, a client's secret."""
    return Secret(_text(random_bytes(SECRET_BYTES)))


def new_token(sign_in: str, random_bytes: RandomBytes) -> Secret:
    """Make a token of the sign-in."""
    return Secret(sign_in + _text(random_bytes(SECRET_BYTES)))


def sign_in_of(token: str) -> str | None:
    """Give the id of the sign-in that a token names, None when it has not a token's form."""
    return token[:ID_LENGTH] if _TOKEN.fullmatch(token) else None


def digest(text: str) -> str:
    """Give what is kept of a token: 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def same(one: str, other: str) -> bool:
    """Compare two digests in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())


def among(found: str, kept: Iterable[str]) -> bool:
    """Tell whether a digest is one of `kept`, comparing with each of them."""
    matches = [same(found, one) for one in kept]
    return any(matches)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
