"""Numbers as TradeStation writes them: strings, without an exponent and without zeros at the end."""

from decimal import Decimal


def plain(value: Decimal) -> str:
    """Give a number as text: 272.30 as "272.3", 0 as "0"."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def rounded(value: Decimal, places: int = 10) -> str:
    """Give a number with at most this many decimals."""
    return plain(round(value, places))
