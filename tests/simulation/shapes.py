"""The kinds of stories. `full` has everything; the others put their weight where one kind of mistake would show."""

from collections.abc import Mapping
from typing import Any

from tests.simulation.stories import Shape

ROTATING = {
    "tradestation": {"refresh_token_rotates": "yes", "rotated_token_dies": "at_once"},
    "tradelocker": {"old_refresh_token_dies": "yes"},
}


def _short(*kinds: str, **knobs: Any) -> Shape:
    """Give stories of about a minute with every one of `kinds` in them, and nothing else that goes wrong."""
    usual: dict[str, Any] = {
        "minutes": (0.8, 1.3),
        "alerts_a_minute": (8.0, 14.0),
        "seats": (1, 1),
        "strategies": (1, 1),
        "disturbances": (0, 0),
        "certain": kinds,
        "switches": (0, 0, 1),
        "ages_ms": (0,),
        "skew_ms": (0,),
        "two_on_one": 0.0,
        "patient": 0.0,
        "settings": {"on_foreign_position": ("ignore",), "catch_up": (False,), "pyramiding": (1, 1, 2)},
    }
    return Shape(**{**usual, **knobs})


PRESSED = {"panel": 1.0, "presses_a_minute": (14.0, 22.0), "alerts_a_minute": (4.0, 8.0)}
SIDES = {"styles": ("side",), "patient": 0.0}
CHAINS = {"styles": ("target",)}
LOCKERS: Mapping[str, Any] = {"names": ("tlh", "tln"), "alerts_a_minute": (14.0, 20.0)}
SHOWN_LATE = {"tradelocker": {"history_lag_ms": "10000"}}
STATIONS = {"names": ("tsm", "tsf")}

SHAPES: Mapping[str, Shape] = {
    "full": Shape(panel=0.2, restored=0.02),
    "restored": Shape(
        minutes=(1.2, 2.5), alerts_a_minute=(8, 25), seats=(1, 2), strategies=(1, 3), disturbances=(0, 3), restored=1.0
    ),
    "panel": Shape(
        minutes=(1.2, 2.5), alerts_a_minute=(4, 14), seats=(1, 2), strategies=(1, 2), disturbances=(0, 4), panel=1.0
    ),
    "busy": Shape(minutes=(1.0, 2.0), alerts_a_minute=(80.0, 160.0), seats=(4, 4), strategies=(6, 8)),
    "plain": _short(),
    "sides": _short(**SIDES),
    "units": _short(names=("tlh", "tln"), units=("units",), **SIDES),
    "hedging": _short(names=("tlh",), **SIDES),
    "pyramid": _short(settings={"pyramiding": (1,), "on_foreign_position": ("ignore",)}, **SIDES),
    "limits": _short(settings={"pyramiding": (3,), "on_foreign_position": ("ignore",)}, limited=True, **SIDES),
    "chain": _short(ages_ms=(0, 0, 300, 1_200, 2_600), alerts_a_minute=(20.0, 30.0), **CHAINS),
    "swings": _short("swings", **CHAINS),
    "late": _short(ages_ms=(0, 20_000, 36_000, 45_000)),
    "parted": _short("blind", names=("tlh",), alerts_a_minute=(10.0, 14.0), **CHAINS),
    "unguarded": _short("stops_cancelled", alerts_a_minute=(5.0, 7.0), **CHAINS),
    "hidden": _short("blind", alerts_a_minute=(14.0, 20.0)),
    "foreign": _short("hands", **SIDES),
    "lost": _short("lost_writes", alerts_a_minute=(14.0, 20.0)),
    "unbooked": _short("unbooked_writes", "hands", alerts_a_minute=(14.0, 20.0), **SIDES),
    "booked_late": _short("late_writes", "hands", alerts_a_minute=(14.0, 20.0), **SIDES),
    "late_history": _short("late_writes", "hands", "swings", forced=SHOWN_LATE, **LOCKERS),
    "lost_and_hidden": _short("lost_writes", "blind", alerts_a_minute=(18.0, 26.0)),
    "killed": _short("killed_sending"),
    "frozen": _short("frozen_long", minutes=(1.5, 2.0)),
    "held_up": _short("slow_answers", minutes=(1.5, 2.0), **SIDES),
    "no_bells": _short("no_bells"),
    "two_bells": _short("two_bells"),
    "door": _short("failing_door"),
    "twice": _short("resent"),
    "undecided": _short(twinned=1.0, alerts_a_minute=(14.0, 20.0), **STATIONS),
    "kill_switch": _short("halts", alerts_a_minute=(14.0, 20.0)),
    "parts": _short("parts", "swings", **STATIONS),
    "tokens": _short("tokens", forced=ROTATING, minutes=(1.5, 2.0), **STATIONS),
    "pressed": _short(**PRESSED),
    "pressed_again": _short("lost_answers", **PRESSED),
    "pressed_lost": _short("lost_presses", **PRESSED),
    "pressed_late": _short("frozen_long", minutes=(1.5, 2.0), **{**PRESSED, "alerts_a_minute": (14.0, 20.0)}),
    "accounts": _short(seats=(3, 3), names=("tlh", "tln", "tl2"), strategies=(2, 2)),
}
