"""The documents and samples that people copy from say what the bridge reads."""

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest

from orderbridge.alerts.alert import Action, Alert, Refusal, Target
from orderbridge.alerts.delivery import delivery_of
from orderbridge.alerts.vocabulary import FIELDS
from orderbridge.model import Direction, OrderType
from tests.unit.alerts.kit import FIRED, FIRED_MS, read_text, told

ROOT = Path(__file__).resolve().parents[3]
SAMPLES = sorted((ROOT / "events" / "alerts").glob("*.json"))
DOCUMENT = (ROOT / "docs" / "alerts.md").read_text()
RENDERED = {
    "exchange": "CME_MINI",
    "ticker": "MES1!",
    "strategy.order.action": "buy",
    "strategy.order.contracts": "2",
    "strategy.market_position": "long",
    "strategy.market_position_size": "1",
    "strategy.prev_market_position": "short",
    "strategy.prev_market_position_size": "1",
    "close": "6000.25",
    "timenow": FIRED,
    "interval": "15",
    "strategy.order.id": "Long",
    "strategy.order.comment": "Breakout",
}


def rendered(text: str) -> str:
    """Fill placeholders as TradingView does."""
    return re.sub(r"\{\{([a-z_.]+)\}\}", lambda match: RENDERED.get(match[1], match[0]), text)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_each_sample_alert_is_read_as_its_name_says(path: Path) -> None:
    text = path.read_text().replace("{{timenow}}", FIRED)

    read = read_text(text)

    if "unfilled-placeholder" in path.stem:
        assert isinstance(read, Refusal)
        assert read.code == "unfilled_placeholder"
        return
    assert isinstance(read, Alert), read
    assert read.notes == ()
    words = {"buy": Action.BUY, "stale": Action.BUY, "exit": Action.EXIT, "short": Action.SELL, "cancel": Action.CANCEL}
    assert read.action is next(action for word, action in words.items() if word in path.stem)
    assert (read.order_type is OrderType.LIMIT) == ("limit" in path.stem)
    assert (read.stop_loss is not None) == ("bracket" in path.stem or "reverse" in path.stem)


def test_samples_are_there() -> None:
    assert len(SAMPLES) >= 8


def test_strategys_message_of_the_document_is_read_without_a_note() -> None:
    (strategy,) = [block for block in re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL) if "{{ticker}}" in block]

    read = read_text(rendered(strategy))

    assert isinstance(read, Alert), read
    assert (read.action, read.symbol, read.exchange, read.quantity) == (
        Action.BUY,
        "MES1!",
        "CME_MINI",
        Decimal(2),
    )
    assert (read.fired_at_ms, read.order_id, read.comment) == (FIRED_MS, "Long", "Breakout")
    assert read.target == Target(Direction.LONG, Decimal(1), Direction.SHORT, Decimal(-1))
    assert told(read) == ""


def test_indicators_message_of_the_document_is_read() -> None:
    (line,) = re.findall(r"For an \*\*indicator\*\*: `(.*?)`", DOCUMENT)

    assert isinstance(read_text(rendered(line)), Alert)


def test_document_names_every_field_that_is_known() -> None:
    missing = {field.name for field in FIELDS.values() if f"`{field.name}`" not in DOCUMENT}

    assert missing == set()


def test_document_names_every_code_of_a_refusal() -> None:
    source = "".join(path.read_text() for path in (ROOT / "layers/orderbridge/orderbridge/alerts").glob("*.py"))
    codes = set(re.findall(r'(?:problem|Refusal)\(\s*"([a-z_]+)"', source))

    assert {"not_json", "unknown_field", "identity_conflict"} <= codes
    assert {code for code in codes if f"`{code}`" not in DOCUMENT} == set()


def test_gateways_sample_event_is_a_delivery() -> None:
    delivery = delivery_of(json.loads((ROOT / "events" / "api-gateway-alert.json").read_text()))

    assert delivery.strategy
    assert delivery.key.reveal()
    assert delivery.source_ip == "52.89.214.238"
    assert isinstance(read_text(delivery.raw), Alert)
