"""Keys and source addresses."""

import hashlib

import pytest

from orderbridge.alerts.authentication import Sources, key_fits

OLD, NEW = "first-key-with-enough-bits", "second-key-with-enough-bits"


def hashed(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def test_either_of_two_keys_fits() -> None:
    hashes = (hashed(OLD), hashed(NEW))

    assert key_fits(OLD, hashes)
    assert key_fits(NEW, hashes)
    assert not key_fits("another", hashes)


def test_third_hash_is_never_looked_at() -> None:
    assert not key_fits("third", (hashed(OLD), hashed(NEW), hashed("third")))


@pytest.mark.parametrize("hashes", [(), ("",), ("zz" * 32,), ("00" * 16,), ("00" * 32,), (hashed(""),)])
def test_missing_or_broken_hashes_let_nobody_in(hashes: tuple[str, ...]) -> None:
    assert not key_fits("", hashes)
    assert not key_fits("anything", hashes)


@pytest.mark.parametrize("key", ["ключ", "\ud800", "\0", "x" * 100_000])
def test_odd_keys_are_refused_and_raise_nothing(key: str) -> None:
    assert not key_fits(key, (hashed(OLD),))


def test_key_is_stored_as_a_hash_only() -> None:
    assert not key_fits(hashed(OLD), (hashed(OLD),))


# ---- addresses


def test_only_listed_addresses_and_ranges_are_allowed() -> None:
    sources = Sources("52.89.214.238, 10.1.0.0/16")

    assert sources.allow("52.89.214.238")
    assert sources.allow("10.1.200.3")
    assert not sources.allow("52.89.214.239")


def test_star_allows_all_and_nothing_allows_none() -> None:
    assert Sources("*").allow("203.0.113.9")
    assert not Sources("").allow("203.0.113.9")


@pytest.mark.parametrize("address", ["", "localhost", "52.89.214.238, 10.0.0.1", "::ffff:52.89.214.238"])
def test_text_that_is_no_listed_address_is_refused(address: str) -> None:
    assert not Sources("52.89.214.238").allow(address)


def test_list_that_cannot_be_read_stops_the_start() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        Sources("nonsense")
