"""Bodies that resemble alerts: valid messages with things done to them, as text boxes, Pine and bad luck do them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

EVENTS = Path(__file__).resolve().parents[2] / "events" / "alerts"
FIRED = "2026-03-04T16:15:02Z"
_STRATEGY = {
    "ticker": "CME_MINI:MES1!",
    "action": "buy",
    "quantity": "2",
    "market_position": "long",
    "market_position_size": "2",
    "prev_market_position": "flat",
    "prev_market_position_size": "0",
    "price": "6900.25",
    "time": FIRED,
    "interval": "5",
    "id": "Long",
    "comment": "",
}
_WRITTEN: list[dict[str, Any]] = [
    _STRATEGY,
    _STRATEGY | {"action": "sell", "market_position": "short", "prev_market_position": "long"},
    _STRATEGY | {"action": "sell", "market_position": "flat", "market_position_size": 0},
    {"symbol": "MSFT", "order_action": "sell", "contracts": 3, "position_size": -3},
    {"ticker": "MSFT", "market_position": "short", "prev_market_position": "flat", "quantity": 1},
    {
        "ticker": "EURUSD",
        "action": "sell",
        "orderType": "stop_limit",
        "stopPrice": "1.0710",
        "limitPrice": 1.07,
        "quantity": 0.30,
        "timeInForce": "gtc",
        "stopLoss": {"type": "trailing_stop", "trailPercent": 0.5},
        "takeProfit": {"percent": 1},
        "extras": {"note": ["a", 1, None]},
    },
    {"ticker": "MSFT", "action": "exit_long", "quantity": 5, "orderType": "limit", "limitPrice": 400.5},
    {"ticker": "MSFT", "action": "exit", "quantity": 0, "stopLoss": {"stopPrice": "NaN"}, "test": True},
    {"ticker": "MSFT", "action": "cancel"},
    {"ticker": "MSFT", "action": "add", "quantity": 1, "trailAmount": 2, "orderType": "trailing_stop"},
]
OTHERS = (
    "BUY MSFT 5 @ 400",
    "order=buy;ticker=MSFT;qty=1",
    "{{strategy.order.alert_message}}",
    '{"alerts": [{"ticker": "MSFT", "action": "buy"}]}',
    '{"ticker": "MSFT", "side": "long", "leverage": 10, "size": 1}',
    '[{"ticker": "MSFT", "action": "buy"}]',
    "ticker: MSFT\naction: buy\nquantity: 1",
    '{"symbol": "BTCUSDT.P", "order": {"side": "buy", "qty": 1}, "passphrase": "x"}',
)
"""Other people's forms of messages: none of them is to be taken for half an order."""
MESSAGES = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(EVENTS.glob("*.json"))] + _WRITTEN
NAMES = sorted({name for message in MESSAGES for name in message} | {"Ticker", "stop_loss", "strategy.position_size"})
WORDS = (
    "buy", "sell", "exit", "exit long", "cancel", "add", "long", "short", "flat", "market", "limit", "stop",
    "NaN", "null", "true", "{{close}}", "{{strategy.order.action}}", "", " ", "=1+1", "1,000", "1.5e3", "0x10", "1_0",
    "１", "+5", "-0", "1e99", "0.0000000000001", "MSFT", "A:B:C", "ES1!-NQ1!", FIRED, "fixed_quantity",
)  # fmt: skip
NUMBERS = (
    "0", "-0", "0.0", "1", "1.0", "1.10", "-1", "1e2", "1E-12", "1e-13", "1e15", "1e99", "1e100", "1e999999999",
    "-1e-999999999", "9" * 28, "9" * 33, "0.1234567890123", "NaN", "-Infinity",
)  # fmt: skip

_SCALARS = st.one_of(
    st.sampled_from(WORDS).map(json.dumps),
    st.sampled_from(NUMBERS),
    st.sampled_from(("null", "true", "false", '"\\ud800"', '"\\u0000"', '"a\u2028b"')),
    st.text(max_size=12).map(json.dumps),
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str),
)
VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(st.tuples(st.sampled_from(NAMES), inner), max_size=3).map(lambda pairs: _object(pairs)),
    ),
    max_leaves=4,
)
"""Values as JSON texts."""
Pairs = list[tuple[str, str]]


def _object(pairs: Pairs) -> str:
    return "{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in pairs) + "}"


@st.composite
def pairs_of_messages(draw: st.DrawFn, most: int = 3) -> Pairs:
    """Give a message's names and values after up to `most` changes: swapped, retyped, doubled, added, taken out."""
    pairs = [(name, json.dumps(value)) for name, value in draw(st.sampled_from(MESSAGES)).items()]
    for _ in range(draw(st.integers(0, most))):
        _change(draw, pairs)
    return pairs


def _change(draw: st.DrawFn, pairs: Pairs) -> None:
    at = draw(st.integers(0, len(pairs) - 1)) if pairs else 0
    change = draw(st.sampled_from(["value", "swap", "double", "other", "spell", "add", "drop", "move"]))
    if change == "add" or not pairs:
        pairs.insert(at, (draw(st.one_of(st.sampled_from(NAMES), st.text(max_size=8))), draw(VALUES)))
        return
    name, value = pairs[at]
    if change == "value":
        pairs[at] = (name, draw(VALUES))
    elif change == "swap":
        other = draw(st.integers(0, len(pairs) - 1))
        pairs[at], pairs[other] = (name, pairs[other][1]), (pairs[other][0], value)
    elif change == "double":
        pairs.append((name, draw(VALUES)))
    elif change == "other":
        pairs.append((_respelled(name), draw(VALUES)))
    elif change == "spell":
        pairs[at] = (_respelled(name), value)
    elif change == "drop":
        del pairs[at]
    else:
        pairs.append(pairs.pop(at))


def _respelled(name: str) -> str:
    return name.replace("_", "").upper() if "_" in name else f"strategy.{name.title()}"


def _slips() -> dict[str, Callable[[str], str]]:
    return {
        "smart quotes": lambda text: text.replace('": ', "”: ").replace('{"', "{“"),
        "one smart quote": lambda text: text.replace('"', "“", 1),
        "bare": lambda text: text.replace('"', ""),
        "trailing comma": lambda text: text.replace("}", ",}"),
        "no comma": lambda text: text.replace(",", "", 1),
        "no value": lambda text: text.replace('"buy"', "").replace("1", "", 1),
        "single quotes": lambda text: text.replace('"', "'"),
        "escaped": lambda text: text.replace('"', '\\"'),
        "as text": lambda text: json.dumps(text),
        "in an array": lambda text: f"[{text}]",
        "twice": lambda text: text + text,
        "odd spaces": lambda text: text.replace(" ", "\u00a0"),
        "line breaks": lambda text: text.replace("o", "o\n"),
        "mark": lambda text: "\ufeff" + text,
        "nul": lambda text: text.replace(" ", "\0"),
        "half": lambda text: text[: len(text) // 2],
        "a sentence before": lambda text: "Alert on MSFT: " + text,
        "decimal comma": lambda text: text.replace(".", ","),
    }


SLIPS = _slips()
ENCODINGS = ("utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1")


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Give a body as it may arrive."""
    text = _object(draw(pairs_of_messages()))
    how = draw(st.sampled_from(["plain", "plain", "plain", "slips", "slips", "scratched", "encoded", "others"]))
    if how == "slips":
        for slip in draw(st.lists(st.sampled_from(sorted(SLIPS)), min_size=1, max_size=2)):
            text = SLIPS[slip](text)
    elif how == "scratched":
        at = draw(st.integers(0, len(text) - 1))
        text = text[:at] + draw(st.text(max_size=3)) + text[at + draw(st.integers(0, 3)) :]
    elif how == "others":
        text = draw(st.sampled_from(OTHERS))
    return text.encode(draw(st.sampled_from(ENCODINGS)) if how == "encoded" else "utf-8", "replace")
