"""Messages that no person means: each is read or refused at little cost, and none is half obeyed."""

import json
import tracemalloc
from decimal import Decimal

import pytest

from orderbridge.alerts.alert import Alert, Refusal
from orderbridge.alerts.reading import MAX_REPAIRS, read_body
from tests.unit.alerts.kit import alert, read_text, refusal, told

EXIT = '{"ticker": "MSFT", "action": "exit"'
ENTRY = '{"ticker": "MSFT", "action": "buy"'


def refused(text: str) -> Refusal:
    read = read_text(text)
    assert isinstance(read, Refusal), read
    return read


def understood(text: str) -> Alert:
    read = read_text(text)
    assert isinstance(read, Alert), read
    return read


# ---- numbers


@pytest.mark.parametrize(
    "number", ["1e9999999999999999999", "1e1000000", "1e999999", "1E+100", "1e-999999999", "-1e100", "9" * 5000]
)
@pytest.mark.parametrize("field", ["quantity", "position_size", "market_position_size", "price"])
def test_number_beyond_all_meaning_is_no_number_and_named(field: str, number: str) -> None:
    read = read_text(f'{ENTRY}, "{field}": {number}}}')

    if field == "price":  # a reference only
        assert isinstance(read, Alert)
        assert read.price is None
        assert "price" in told(read)
    else:
        assert isinstance(read, Refusal)
        assert (read.code, read.field) == ("not_a_number", field)


@pytest.mark.parametrize("field", ["comment", "id", "interval", "exchange"])
def test_endless_number_in_a_text_is_not_written_out(field: str) -> None:
    tracemalloc.start()
    understood(f'{ENTRY}, "{field}": 1e999999999}}')
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 100_000


@pytest.mark.parametrize("number", ["1e999999999", "1e100", "5", "9" * 40])
def test_number_is_no_symbol(number: str) -> None:
    assert refused(f'{{"action": "buy", "ticker": {number}}}').field == "ticker"


@pytest.mark.parametrize("number", ["0.10", "1e2", "12345678901234", "0.000000000001", "1E+3", "100"])
def test_number_is_kept_to_the_digit(number: str) -> None:
    said = understood(f'{ENTRY}, "quantity": {number}}}').quantity

    assert said is not None
    assert said.as_tuple() == Decimal(number).as_tuple()


# ---- twice


def test_exit_that_says_two_actions_is_refused_by_name() -> None:
    read = refused(EXIT + ', "action": "buy"}')

    assert (read.code, read.field) == ("repeated_field", "action")


def test_exit_of_two_different_parts_is_refused_by_name() -> None:
    read = refused(EXIT + ', "quantity": 1, "quantity": 2}')

    assert (read.code, read.field) == ("repeated_field", "quantity")


def test_exit_to_flat_needs_no_quantity_and_is_taken_with_two() -> None:
    read = understood('{"ticker": "MSFT", "action": "sell", "market_position": "flat", "quantity": 1, "quantity": 2}')

    assert read.quantity is None
    assert "quantity" in told(read)


def test_exit_is_taken_with_what_its_extras_say_twice() -> None:
    read = understood(EXIT + ', "extras": {"ticker": "A", "ticker": "B", "action": 1, "action": 2}}')

    assert read.symbol == "MSFT"
    assert "twice" in told(read)


def test_stop_given_twice_inside_its_object_refuses_the_entry() -> None:
    read = refused(ENTRY + ', "stopLoss": {"stopPrice": 1, "stopPrice": 2}}')

    assert (read.code, read.field) == ("repeated_field", "stopPrice")


@pytest.mark.parametrize("pair", [("1", "true"), ("0", "false"), ('{"percent": 1}', '{"percent": true}')])
def test_one_and_true_are_different_values(pair: tuple[str, str]) -> None:
    first, second = pair

    assert refused(f'{ENTRY}, "quantity": {first}, "quantity": {second}}}').code == "repeated_field"
    assert refused(f'{ENTRY}, "takeProfit": {first}, "take_profit": {second}}}').code == "repeated_field"


def test_half_a_character_twice_is_one_value() -> None:
    assert read_body(rb'{"comment": "\ud83d", "comment": "\ud83d"}').repeated == ()


# ---- symbols


@pytest.mark.parametrize(
    "ticker", ["CME_MINI:ES1!-CME_MINI:NQ1!", "NASDAQ:AAPL/NASDAQ:MSFT", "buy 5 of: MSFT", "A:B:MSFT", "NASDAQ:"]
)
def test_spread_or_sentence_is_not_traded_as_its_last_part(ticker: str) -> None:
    read = refusal(action="buy", ticker=ticker)

    assert (read.code, read.field) == ("not_understood", "ticker")


def test_series_without_a_value_is_no_symbol_and_the_stock_of_that_name_is() -> None:
    assert refused('{"action": "buy", "ticker": NaN}').field == "ticker"
    assert alert(action="buy", ticker="NAN").symbol == "NAN"


# ---- shapes


def test_brackets_hidden_behind_quotes_out_of_order_are_too_deep() -> None:
    hidden = '{“extras": ' + "[" * 4_000 + "]" * 4_000 + ', “comment": 1, "action": "buy", "ticker": "X"}'

    assert refused(hidden).code == "nested_too_deeply"


def test_thousands_of_unknown_fields_cost_no_thousands_of_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def count(word: str, *_: object, **__: object) -> list[str]:
        asked.append(word)
        return []

    monkeypatch.setattr("difflib.get_close_matches", count)

    assert refused(json.dumps({f"k{number}": 1 for number in range(1_300)})).code == "unknown_field"
    assert len(asked) <= 20


def test_thousands_of_slips_leave_few_notes() -> None:
    words = ",".join(f"a{number}" for number in range(2_500))

    read = understood(f"{{ticker: MSFT, action: exit, extras: [{words}]}}")

    assert len(read.notes) <= MAX_REPAIRS + 2
    assert "more slips" in told(read)


@pytest.mark.parametrize("filler", [" ", "\u00a0", "\x1c", "."])
def test_name_of_any_length_is_told_shortened(filler: str) -> None:
    name = "takePro" + filler * 5_000 + "fit"

    read = understood(f'{EXIT}, "{name}": 1}}')

    assert 0 < len(told(read)) < 500


def test_refusal_shows_nothing_that_steers_a_screen() -> None:
    read = refusal(action="\x1b[2Jbuy\u202e\x00")

    assert read.message.isprintable()
    assert "buy" in read.message


@pytest.mark.parametrize("name", ["", " ", "\u2003"])
def test_field_without_a_name_is_named_all_the_same(name: str) -> None:
    read = refused(json.dumps({"ticker": "MSFT", "action": "buy", name: 1}))

    assert (read.code, read.field) == ("unknown_field", '""')
