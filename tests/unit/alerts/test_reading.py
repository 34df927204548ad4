"""From bytes to fields."""

import json
import time
from decimal import Decimal

import pytest

from orderbridge.alerts.reading import MAX_BODY_BYTES, Body, read_body


def fields_of(body: Body) -> dict[str, object]:
    assert body.fields is not None, body.refusal
    return dict(body.fields)


def code_of(body: Body) -> str:
    assert body.refusal is not None
    assert body.fields is None
    return body.refusal.code


def test_numbers_arrive_exactly_as_they_were_written() -> None:
    body = read_body(b'{"a": 0.10, "b": 1e2, "c": 12345678901234567890}')

    assert fields_of(body) == {"a": Decimal("0.10"), "b": Decimal("1e2"), "c": Decimal(12345678901234567890)}
    assert str(fields_of(body)["a"]) == "0.10"


def test_byte_order_mark_is_passed_over() -> None:
    assert fields_of(read_body(b'\xef\xbb\xbf{"a": "b"}')) == {"a": "b"}


def test_bytes_that_are_not_utf8_are_replaced_and_said() -> None:
    body = read_body(b'{"comment": "caf\xe9"}')

    assert fields_of(body) == {"comment": "caf\ufffd"}
    assert "not UTF-8" in body.notes[0]


def test_half_a_character_is_replaced_so_that_it_can_be_stored() -> None:
    body = read_body(rb'{"comment": "\ud83d", "\udc00x": 1}')

    json.dumps(fields_of(body), default=str).encode()
    assert fields_of(body) == {"comment": "\ufffd", "\ufffdx": Decimal(1)}


def test_body_of_the_largest_size_is_read_and_one_byte_more_is_refused() -> None:
    frame = len(b'{"a": ""}')
    largest = b'{"a": "' + b"x" * (MAX_BODY_BYTES - frame) + b'"}'

    assert len(fields_of(read_body(largest))["a"]) == MAX_BODY_BYTES - frame  # type: ignore[arg-type]
    assert code_of(read_body(largest + b" ")) == "body_too_large"


@pytest.mark.parametrize("raw", [b"", b"  \n", b"\xef\xbb\xbf"])
def test_empty_body_is_refused_as_empty(raw: bytes) -> None:
    assert code_of(read_body(raw)) == "empty_body"


@pytest.mark.parametrize("raw", [b"[1, 2]", b'"text"', b"12", b"null", b"true"])
def test_json_that_is_no_object_is_refused(raw: bytes) -> None:
    assert code_of(read_body(raw)) == "not_an_object"


@pytest.mark.parametrize(
    "raw",
    [b"[" * 9_000, b'{"a":' * 3_000, b'{"a": [[[[[[[[1]]]]]]]]}', b"{" * 16_000],
    ids=["brackets", "objects", "one too deep", "braces"],
)
def test_deep_nesting_is_refused_without_reading_it(raw: bytes) -> None:
    assert code_of(read_body(raw)) == "nested_too_deeply"


def test_brackets_inside_texts_are_no_nesting() -> None:
    assert fields_of(read_body(b'{"comment": "[[[[[[[[[[[["}')) == {"comment": "[" * 12}


def test_endless_number_becomes_text_so_that_its_field_can_be_named() -> None:
    body = read_body(b'{"quantity": ' + b"9" * 5_000 + b"}")

    value = fields_of(body)["quantity"]
    assert isinstance(value, str)
    assert value.startswith("999")


def test_field_given_twice_with_different_values_is_remembered_by_name() -> None:
    body = read_body(b'{"quantity": 1, "quantity": 2}')

    assert body.repeated == ("quantity",)
    assert fields_of(body) == {"quantity": Decimal(1)}


def test_field_given_twice_with_one_value_is_no_matter() -> None:
    assert read_body(b'{"quantity": 1, "quantity": 1.0}').repeated == ()


def test_text_that_is_no_json_is_refused_with_the_place() -> None:
    body = read_body(b"BUY MSFT 5")

    assert code_of(body) == "not_json"
    assert body.refusal is not None
    assert "column" in body.refusal.message
    assert body.text == "BUY MSFT 5"


# ---- mending


@pytest.mark.parametrize(
    ("raw", "fields", "said"),
    [
        ("{“a”: “b”}", {"a": "b"}, "Typographic quotes"),
        ('{"a": "b",}', {"a": "b"}, "trailing comma"),
        ('{"a": [1, 2, ], }', {"a": [Decimal(1), Decimal(2)]}, "trailing comma"),
        ('{"a": NaN}', {"a": "NaN"}, "NaN stood without quotes"),
        ('{"a": NaN,}', {"a": "NaN"}, "NaN stood without quotes"),
        ('{"a": -Infinity}', {"a": "-Infinity"}, "-Infinity stood without quotes"),
        ('{"a": }', {"a": ""}, "missing value"),
        ('{"a": , "b": 1}', {"a": "", "b": Decimal(1)}, "missing value"),
        ('{"a":\u00a01}', {"a": Decimal(1)}, "Unusual spaces"),
        ('{"a": "b\nc"}', {"a": "b\nc"}, "Line breaks"),
        ('{"a": BTCUSDT, "b": true}', {"a": "BTCUSDT", "b": True}, "BTCUSDT stood without quotes"),
        ('{a: 1}', {"a": Decimal(1)}, "a stood without quotes"),
        ('{"a": 2026-03-04T04:00:00Z}', {"a": "2026-03-04T04:00:00Z"}, "stood without quotes"),
        ('{"a": {{close * 1.06}}, "b": 1}', {"a": "{{close * 1.06}}", "b": Decimal(1)}, "{{"),
    ],
)  # fmt: skip
def test_nearly_right_json_is_mended_and_that_is_said(raw: str, fields: dict[str, object], said: str) -> None:
    body = read_body(raw.encode())

    assert fields_of(body) == fields
    assert said in "\n".join(body.notes)


def test_right_json_is_not_touched_even_where_it_looks_like_a_slip() -> None:
    text = '{"comment": "say “hi”, {{x}}: NaN ,} \\" \\u00e9"}'

    body = read_body(text.encode())

    assert fields_of(body) == json.loads(text)
    assert body.notes == ()


def test_mended_message_keeps_texts_with_typographic_quotes_inside_plain_ones() -> None:
    body = read_body('{"comment": "say “hi”", "a": 1,}'.encode())

    assert fields_of(body)["comment"] == "say “hi”"


@pytest.mark.parametrize("raw", ['{"a" 1}', '{"a": 1}{"b": 2}', '{"a": "b', '{"a": 1 "b": 2}', "{}}", '{"a": "b"c"}'])
def test_message_that_mending_would_have_to_guess_at_is_refused(raw: str) -> None:
    assert code_of(read_body(raw.encode())) == "not_json"


@pytest.mark.parametrize("unit", ['"\\"', "“", "{{", '"', '["', ": ", ",", "\\", '“"', '\\"'])
@pytest.mark.parametrize("before", ["", "[" * 9 + '"'])
def test_hostile_repetition_is_answered_quickly(before: str, unit: str) -> None:
    started = time.process_time()
    read_body((before + unit * MAX_BODY_BYTES).encode()[:MAX_BODY_BYTES])

    assert time.process_time() - started < 0.5
