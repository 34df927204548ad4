"""The numbered cases that every adapter passes against its simulated broker.

A case is a sentence about the port, not about one broker; the capability table decides which commands it is tried with.
`docs/brokers.md` prints this table.
"""

from collections.abc import Callable
from typing import TypeVar

CASES: dict[str, str] = {
    # Writes: each command kind under each fault (`kinds.py` x `backend.Fault`)
    "BC-001": "A command without a fault is accepted and carried out once.",
    "BC-002": "A command under a fault is carried out once or not at all, is sent again only on proof, and its outcome "
    "says no more than the broker's book shows.",
    "BC-003": "A command whose outcome is unknown and that was carried out is found again, with the ids of its orders.",
    "BC-004": "A command whose outcome is unknown and that was not carried out is never found.",
    "BC-005": "A command that the broker refuses is refused with a reason, and the book is as it was.",
    "BC-006": "An order that is accepted and rejected later shows as rejected.",
    "BC-007": "A lost command is found only after late reads show it, and is never taken for another one.",
    "BC-008": "An order that was there before, or that belongs to another command, is never taken for a lost one.",
    "BC-009": "A command whose token lapsed in mid-session is carried out once with a renewed one.",
    "BC-010": "A cancel or a replace of an order that is final or unknown is refused as not found.",
    "BC-011": "A close of a position that was closed elsewhere is refused and opens nothing (futures: look first).",
    "BC-012": "An unknown symbol is refused by name, and nothing is placed.",
    # Reads
    "BC-101": "A read under a passing fault is repeated and right.",
    "BC-102": "A read under a lasting fault raises that the broker is unavailable, and never gives an empty answer.",
    "BC-103": "A read over the quota raises with the time to wait.",
    "BC-104": "A read whose token lapsed in mid-session is repeated with a renewed one.",
    "BC-105": "A read whose login is dead raises that the login is lost.",
    "BC-106": "Accounts, state, instrument, quote and bars are read, with sensible values.",
    "BC-107": "A session of many reads stays within the broker's quotas.",
    # Orders and positions
    "BC-201": "An order of each type the account offers is shown as it was placed.",
    "BC-202": "A limit order fills when the price reaches it; order, position and history show it.",
    "BC-203": "A partial fill shows as one: filled, remaining and held agree with the book.",
    "BC-204": "An entry's exits protect it: the stop that is hit closes the position and takes the target with it.",
    "BC-205": "An order that must fill at once and cannot ends cancelled.",
    "BC-206": "A replaced order shows its new values and keeps working.",
    "BC-207": "A short is opened by a sell and closed by a buy.",
    "BC-208": "An order that expires unfilled shows no fill.",
    "BC-209": "An order that finished on an earlier day is found by a process that never saw it.",
    # Unconfirmed behaviour
    "BC-301": "Under every pair of the simulator's settings a session of placing, replacing, filling, closing agrees "
    "with the book.",
    "BC-302": "Under every pair of the simulator's settings a lost entry is found, and one that never arrived is not.",
    "BC-303": "Under every pair of the simulator's settings a lost replace or cancel is found exactly if it arrived.",
    # TradeStation's own
    "BC-401": "An `OrderConfirmID` that is sent twice is understood in each way a server may treat it.",
    "BC-402": "An action that does not fit the position, or shares that are reserved, are refused as what they are.",
    "BC-403": "A group or an entry that is refused in part names the parts; each kind of exit is found again.",
    "BC-404": "Partial ends, lost cancels, fills under ACK and waiting exits show as what they are.",
    "BC-405": "Previews place nothing; routes, triggers, front contracts and extended durations are read.",
    "BC-406": "A quota that is used up is told with the time to wait; the last of it is for closing and protecting.",
    "BC-407": "Tokens are refreshed, rotated, revoked; a dead login is told from a token endpoint that is down.",
}

F = TypeVar("F", bound=Callable[..., object])


def case(*numbers: str) -> Callable[[F], F]:
    """Say which numbered cases a test holds."""

    def mark(test: F) -> F:
        for number in numbers:
            CASES[number]  # a misspelt number is a KeyError while the tests are collected
        test.__dict__["contract_cases"] = numbers
        return test

    return mark
