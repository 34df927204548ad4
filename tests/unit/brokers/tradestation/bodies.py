"""Example bodies in the shapes of TradeStation's documents and recordings; names, ids and numbers are our own."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).with_name("bodies")
NAMES = tuple(sorted(path.stem for path in _FOLDER.glob("*.json")))


def body(name: str) -> Any:
    """Give one body, parsed as the connection parses it."""
    return json.loads((_FOLDER / f"{name}.json").read_text(), parse_float=Decimal)
