"""The registry: a dialect is a file and a line."""

import pytest

from orderbridge.alerts import dialects
from orderbridge.alerts.alert import Action, Alert, Refusal
from orderbridge.alerts.dialect import Context, Dialect
from orderbridge.alerts.reading import Body, read_body
from tests.unit.alerts.kit import NOW_MS, read_text


class Shout:
    """A dialect of text: `BUY MSFT`."""

    name = "shout"

    def recognises(self, body: Body) -> bool:
        return body.fields is None and body.text.startswith("BUY ")

    def read(self, body: Body, context: Context) -> Alert | Refusal:
        return Alert(Action.BUY, body.text.split()[1], notes=(str(context.received_at_ms),))


def test_another_dialect_is_asked_in_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    registered: tuple[Dialect, ...] = (Shout(), *dialects.DIALECTS)
    monkeypatch.setattr(dialects, "DIALECTS", registered)

    assert read_text("BUY MSFT") == Alert(Action.BUY, "MSFT", notes=(str(NOW_MS),))
    assert isinstance(read_text('{"ticker": "MSFT", "action": "buy"}'), Alert)


def test_body_that_no_dialect_recognises_is_refused_with_the_readers_reason() -> None:
    refused = read_text("BUY MSFT")

    assert refused == read_body(b"BUY MSFT").refusal
