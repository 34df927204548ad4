"""Passwords: argon2id through argon2-cffi. Checking takes as long for a login that nobody has.

RFC 9106's second recommended setting (64 MiB, 3 passes) with one lane: a function of 1 GB has less than one processor.
"""

from functools import cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from orderbridge.secret import Secret

SHORTEST, LONGEST = 12, 256


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1, hash_len=32, salt_len=16, type=Type.ID)


@cache
def _nobodys() -> str:
    """A hash that no password fits, made the way that all are."""
    return _hasher().hash("nobody has this password, and its check is thrown away")


def wrong_with(password: Secret) -> str:
    """Say what keeps a text from being a password, empty when nothing does."""
    length = len(password.reveal())
    if length < SHORTEST:
        return f"the password needs at least {SHORTEST} characters"
    if length > LONGEST:
        return f"the password may have at most {LONGEST} characters"
    return ""


def hash_password(password: Secret) -> str:
    """Give what is kept of a password."""
    return _hasher().hash(password.reveal())


def verify(password_hash: str, password: Secret) -> bool:
    """Tell whether the password fits; an empty hash fits none, and takes as long."""
    if len(password.reveal()) > LONGEST:
        password = Secret("")
    try:
        fits = _hasher().verify(password_hash or _nobodys(), password.reveal())
    except (VerificationError, InvalidHashError):
        return False
    return fits and bool(password_hash)


def outdated(password_hash: str) -> bool:
    """Tell whether the hash was made with other costs than today's."""
    return _hasher().check_needs_rehash(password_hash)
