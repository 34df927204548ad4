"""The table of TRADING.md rule 10, written down cell by cell; the docs' form of it is rendered from here.

    python -m tests.unit.strategy.table      writes the generated parts of docs/decisions.md

Every alert says a quantity of 3; the position is 2; for `cancel` a buy order of the strategy works. A cell is what is
done (`close` = how much of the position; `buy`, `sell` = the entry's size) or the reason code of doing nothing.
"""

from dataclasses import replace
from pathlib import Path

from orderbridge.alerts.alert import Alert
from orderbridge.model import Direction
from orderbridge.strategy.goal import End, Goal, Holding
from orderbridge.strategy.reasons import REASONS, number
from tests.unit.strategy.cases import alert, holds, target, working

DOCUMENT = Path(__file__).parents[3] / "docs" / "decisions.md"

FORMS = ("no position", "long 3", "long 1", "flat", "short 1", "short 3")
SIZES = (None, 3, 1, 0, -1, -3)
HELD = {"flat": 0, "long 2": 2, "short 2": -2}

_NOTHING = "nothing_to_reduce"
_CANCEL = ("cancel",) * 6
CELLS: dict[tuple[str, str], tuple[str, ...]] = {
    ("flat", "buy"): ("buy 3", "buy 3", "buy 1", _NOTHING, _NOTHING, _NOTHING),
    ("flat", "sell"): ("sell 3", _NOTHING, _NOTHING, _NOTHING, "sell 1", "sell 3"),
    ("flat", "add"): ("nothing_to_add_to", "buy 3", "buy 1", "nothing_to_add_to", "sell 1", "sell 3"),
    ("flat", "exit"): ("already_flat",) * 6,
    ("flat", "exit long"): ("already_flat",) * 6,
    ("flat", "exit short"): ("already_flat",) * 6,
    ("flat", "cancel"): _CANCEL,
    ("long 2", "buy"): ("same_side_held", "buy 1", "target_reached", _NOTHING, _NOTHING, _NOTHING),
    ("long 2", "sell"): (
        "close 2, sell 1",
        "target_reached",
        "close 1",
        "close 2",
        "close 2, sell 1",
        "close 2, sell 3",
    ),
    ("long 2", "add"): ("buy 3", "buy 1", "target_reached", "add_other_side", "add_other_side", "add_other_side"),
    ("long 2", "exit"): ("close 2", "target_reached", "close 1", "close 2", "close 2", "close 2"),
    ("long 2", "exit long"): ("close 2", "target_reached", "close 1", "close 2", "close 2", "close 2"),
    ("long 2", "exit short"): ("side_not_held",) * 6,
    ("long 2", "cancel"): _CANCEL,
    ("short 2", "buy"): (
        "close 2, buy 1",
        "close 2, buy 3",
        "close 2, buy 1",
        "close 2",
        "close 1",
        "target_reached",
    ),
    ("short 2", "sell"): ("same_side_held", _NOTHING, _NOTHING, _NOTHING, "target_reached", "sell 1"),
    ("short 2", "add"): ("sell 3", "add_other_side", "add_other_side", "add_other_side", "target_reached", "sell 1"),
    ("short 2", "exit"): ("close 2", "close 2", "close 2", "close 2", "close 1", "target_reached"),
    ("short 2", "exit long"): ("side_not_held",) * 6,
    ("short 2", "exit short"): ("close 2", "close 2", "close 2", "close 2", "close 1", "target_reached"),
    ("short 2", "cancel"): _CANCEL,
}


def cell_alert(action: str, size: int | None) -> Alert:
    word, _, side = action.partition(" ")
    return alert(word, 3, exit_side=Direction(side) if side else None, target=None if size is None else target(size))


def cell_holding(held: str, action: str) -> Holding:
    return replace(holds(HELD[held]), entries=(working("buy"),) if action == "cancel" else ())


def spoken(decided: Goal | End, held: str) -> str:
    """Write a decision the way the table does."""
    if isinstance(decided, End):
        return decided.code
    if decided.kind == "cancel":
        return "cancel"
    parts = []
    if decided.close is not Direction.FLAT:
        parts.append(f"close {number(decided.close_quantity or abs(holds(HELD[held]).owned))}")
    if decided.entry is not None:
        parts.append(f"{decided.entry.side} {number(decided.entry.quantity)}")
    return ", ".join(parts)


def rendered_table() -> str:
    head = "| held | alert | " + " | ".join(FORMS) + " |\n" + "|---" * (len(FORMS) + 2) + "|\n"
    rows = [f"| {held} | {action} | " + " | ".join(cells) + " |" for (held, action), cells in CELLS.items()]
    return head + "\n".join(rows)


def rendered_reasons() -> str:
    rows = [f"| `{code}` | {ending} | {meaning} |" for code, (ending, meaning) in REASONS.items()]
    return "| code | ending | when |\n|---|---|---|\n" + "\n".join(rows)


GENERATED = {"table": rendered_table, "reasons": rendered_reasons}


def with_generated_parts(text: str) -> str:
    """Give the document with each part between its markers rendered afresh."""
    for name, render in GENERATED.items():
        start, stop = f"<!-- {name}: generated -->\n", f"\n<!-- /{name} -->"
        before, _, rest = text.partition(start)
        _, _, after = rest.partition(stop.strip())
        text = before + start + render() + stop + after
    return text


if __name__ == "__main__":
    DOCUMENT.write_text(with_generated_parts(DOCUMENT.read_text()))
