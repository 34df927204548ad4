"""Hostile bodies cost little: memory is bounded by the body, work grows with it and not with its square.

Work is counted as lines of Python that are run (what C code does with them is held by `test_reading.py`), memory as the
peak beside the body itself.
"""

import base64
import json
import sys
import tracemalloc
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from orderbridge.alerts.alert import Refusal
from orderbridge.alerts.authentication import key_fits
from orderbridge.alerts.delivery import delivery_of
from orderbridge.alerts.reading import MAX_BODY_BYTES
from tests.fuzz.site import Site
from tests.unit.alerts.kit import read_text

LARGEST = 10 * 1024 * 1024
"""Of a body: API Gateway's limit."""
MOST_MEMORY = 3 * 1024 * 1024
HEAD = '{"ticker": "MSFT", "action": "buy", '

HOSTILE: dict[str, Callable[[int], str]] = {
    "brackets": lambda size: "[" * size,
    "objects": lambda size: '{"a":' * (size // 5),
    "brackets that close": lambda size: HEAD + '"extras": ' + "[" * (size // 2) + "]" * (size // 2) + "}",
    "hidden brackets": lambda size: '{“a": ' + "[" * (size // 2) + "]" * (size // 2) + ', “b": 1}',
    "digits": lambda size: HEAD + f'"quantity": {"9" * size}}}',
    "decimals": lambda size: HEAD + f'"quantity": 0.{"1" * size}}}',
    "digits as text": lambda size: HEAD + f'"quantity": "{"9" * size}"}}',
    "time": lambda size: HEAD + f'"time": "{"9" * size}"}}',
    "exponents": lambda size: "{" + ", ".join(f'"k{at}": 1e999999999' for at in range(size // 22)) + "}",
    "exponents in texts": lambda size: HEAD + '"comment": 1e999999999, "id": -1e-999999999, "exchange": 1e999999}',
    "names": lambda size: "{" + ", ".join(f'"k{at}": 1' for at in range(size // 12)) + "}",
    "near names": lambda size: "{" + ", ".join(f'"quantit{at}": 1' for at in range(size // 18)) + "}",
    "one name again": lambda size: HEAD + ", ".join(f'"quantity": {at}' for at in range(size // 18)) + "}",
    "one name's spellings": lambda size: (
        HEAD + ", ".join(f'"{"." * (at % 9)}price": 1' for at in range(size // 18)) + "}"
    ),
    "a text": lambda size: HEAD + f'"comment": "{"x" * size}"}}',
    "a name": lambda size: HEAD + f'"{"x" * size}": 1}}',
    "a placeholder": lambda size: HEAD + f'"quantity": "{{{{{"x" * size}"}}',
    "half characters": lambda size: HEAD + '"comment": "' + r"\ud800" * (size // 6) + '"}',
    "escapes": lambda size: HEAD + '"comment": "' + r"\u0000" * (size // 6) + '"}',
    "bare words": lambda size: (
        "{action: exit, ticker: X, extras: [" + ",".join(f"w{at}" for at in range(size // 6)) + "]}"
    ),
    "smart quotes": lambda size: "“" * (size // 3),
    "backslashes": lambda size: "[" * 9 + '"' + '\\"' * (size // 2),
    "open placeholders": lambda size: HEAD + '"a": ' + "{{" * (size // 2),
    "blanks": lambda size: HEAD + " " * size + '"quantity": 1}',
    "commas": lambda size: "{" + "," * size + "}",
    "nul": lambda size: "\0" * size,
    "dots": lambda size: HEAD + f'"quantity": 1{"." * size}0}}',
}


def steps(work: Callable[[], object]) -> int:
    """Count the lines of Python that `work` runs."""
    count = 0

    def trace(_: FrameType, event: str, __: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def peak(work: Callable[[], object]) -> int:
    """Give the most memory that `work` holds at once, in bytes."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture
def lookups(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Give what is asked of the simulated table."""
    asked: list[object] = []
    answer = site.table.get_item

    def counted(**arguments: Any) -> Any:
        asked.append(arguments["Key"])
        return answer(**arguments)

    monkeypatch.setattr(site.table, "get_item", counted)
    return asked


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_body_of_the_largest_size_that_is_read_costs_a_bounded_amount(name: str) -> None:
    raw = HOSTILE[name](MAX_BODY_BYTES - 120).encode()
    assert len(raw) <= MAX_BODY_BYTES
    read_text(raw)  # what is imported and compiled once does not count

    assert peak(lambda: read_text(raw)) < MOST_MEMORY
    assert steps(lambda: read_text(raw)) < 40 * MAX_BODY_BYTES


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_work_grows_no_faster_than_the_body(name: str) -> None:
    small, large = (HOSTILE[name](size).encode() for size in (3_500, 14_000))
    read_text(small)

    assert steps(lambda: read_text(large)) <= 6 * steps(lambda: read_text(small)) + 2_000


@pytest.mark.parametrize("name", ["brackets", "digits", "half characters", "nul"])
@pytest.mark.parametrize("size", [256 * 1024, LARGEST])
def test_body_far_too_large_is_refused_by_its_size_and_hardly_looked_at(name: str, size: int) -> None:
    raw = HOSTILE[name](size + 100).encode()

    read = read_text(raw)

    assert isinstance(read, Refusal)
    assert read.code == "body_too_large"
    assert peak(lambda: read_text(raw)) < 20 * MAX_BODY_BYTES
    assert steps(lambda: read_text(raw)) < 200


@pytest.mark.parametrize("as_base64", [False, True])
def test_largest_body_of_the_gateway_is_answered_and_little_of_it_stored(site: Site, as_base64: bool) -> None:
    text = "[" * LARGEST
    body = base64.b64encode(text.encode()).decode() if as_base64 else text
    event = {
        "pathParameters": {"strategy": "demo", "key": "a-key-that-nobody-may-see-0123456789"},
        "requestContext": {"identity": {"sourceIp": "52.89.214.238"}},
        "body": body,
        "isBase64Encoded": as_base64,
    }

    answer = site.deliver(event)

    assert (answer.status, answer.content["code"]) == (400, "body_too_large")
    assert all(len(json.dumps(item)) < 4 * MAX_BODY_BYTES for item in site.table.items.values())
    assert peak(lambda: delivery_of(event)) < 2 * len(body) + MAX_BODY_BYTES


def test_key_of_a_million_characters_is_compared_as_one_of_forty() -> None:
    stored = ["0" * 64]

    assert not key_fits("k" * 1_000_000, stored)
    assert steps(lambda: key_fits("k" * 1_000_000, stored)) == steps(lambda: key_fits("k" * 40, stored))


@pytest.mark.parametrize("size", [10, 64])
def test_name_that_a_strategy_can_have_is_looked_up(site: Site, lookups: list[object], size: int) -> None:
    assert site.post(b"{}", strategy="d" * size).status == 401
    assert lookups


@pytest.mark.parametrize(
    "strategy", ["d" * 65, "d" * 1_000_000, "demo/../demo", "demo\x00", "démo", "demo\n", " demo", ""]
)
def test_name_that_no_strategy_can_have_is_never_looked_up(site: Site, lookups: list[object], strategy: str) -> None:
    assert site.post(b"{}", strategy=strategy).status == 401
    assert not lookups
