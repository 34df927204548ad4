"""A handful of phrases is told apart; everything else is shown and called `other`."""

import pytest

from orderbridge.brokers.tradelocker.refusals import refusal_code


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("Account not found!", "not_found"),
        ("Order not found", "not_found"),
        ("Order has already been filled", "not_found"),
        ("Position is closed", "not_found"),
        ("Trading session is closed", "closed"),
        ("Market closed", "closed"),
        ("Not enough margin", "funds"),
        ("Insufficient funds", "funds"),
        ("Invalid quantity", "invalid"),
        ("Quantity must be a multiple of lot step", "invalid"),
        ("Wrong TIF for market order", "invalid"),
        ("strategyId is too long", "invalid"),
        ("strategyId already used", "duplicate"),
        ("Trading is disabled for this account", "not_allowed"),
        ("Too many requests", "rate_limited"),
        ("Something else", "other"),
        ("", "other"),
    ],
)
def test_words_of_a_refusal_give_its_code(words: str, code: str) -> None:
    assert refusal_code(200, words) == code


@pytest.mark.parametrize(("status", "code"), [(400, "invalid"), (403, "not_allowed"), (404, "not_found")])
def test_status_decides_where_the_words_say_nothing(status: int, code: str) -> None:
    assert refusal_code(status, "nope") == code
    assert refusal_code(status, "Not enough margin") == "funds"
