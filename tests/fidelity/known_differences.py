"""Where moto 5.2 and MiniStack 1.5 are known to answer otherwise than AWS, call by call, and why.

A difference that is no longer there fails the test, so that this list stays true.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.fidelity.calling import refused

INVALID = refused("ValidationException")
FAILED = refused("ConditionalCheckFailedException")
EXISTS = refused("ResourceExistsException")


@dataclass(frozen=True)
class Difference:
    """One way in which a system is not AWS."""

    reason: str
    calls: Mapping[int, Any]
    """Number of the call in its case -> what is answered; `...`: something else than AWS's answer."""


KNOWN_DIFFERENCES: Mapping[tuple[str, str], Difference] = {
    ("moto", "T06"): Difference(
        "breaks on a name that is not defined, takes empty names and an empty condition",
        {3: refused("KeyError('#n')"), 5: {}, 9: refused("ValueError('Bad comparison n =')"), 10: {}, 12: ...},
    ),
    ("moto", "T08"): Difference("breaks on a comparison of two kinds, and looks at no bounds", {12: ..., 29: FAILED}),
    ("moto", "T10"): Difference("does not know a transaction's token", {2: ..., 4: {}, 6: ..., 9: ...}),
    ("moto", "T12"): Difference("refuses the request as a whole", {1: INVALID}),
    ("moto", "T13"): Difference("counts an item's size another way, and not after an update", {1: INVALID, 3: {}}),
    ("moto", "T14"): Difference("looks at no bounds", {15: ...}),
    ("moto", "T17"): Difference("gives the error another name", {16: refused("ResourceNotFoundException")}),
    ("moto", "T18"): Difference("takes a number as the index's key", {4: {}}),
    ("moto", "Q04"): Difference(
        "sends a message without a body, or with a negative delay", {1: ..., 3: ..., 5: ..., 6: ...}
    ),
    ("moto", "Q06"): Difference("deletes a message by the handle of an earlier receive", {5: ...}),
    ("moto", "Q12"): Difference("looks at a subject's length alone", {4: ..., 5: ..., 6: ...}),
    ("moto", "S04"): Difference("writes a secret that is marked for deletion", {7: ..., 8: ...}),
    ("ministack", "T05"): Difference(
        "carries out updates that cannot be carried out", {4: {}, 6: {}, 7: {}, 9: {}, 10: {}, 11: ...}
    ),
    ("ministack", "Q01"): Difference("a message can be deleted once only", {8: refused("ReceiptHandleIsInvalid")}),
    ("ministack", "Q04"): Difference("does not look at a delay's bounds", {2: ..., 3: ..., 5: ..., 6: ...}),
    ("ministack", "Q06"): Difference("knows only the last handle", {4: refused("ReceiptHandleIsInvalid")}),
    ("ministack", "Q08"): Difference("hides a message for any time", {7: {}}),
    ("ministack", "Q12"): Difference("does not look at a subject", {3: ..., 4: ..., 5: ..., 6: ...}),
    ("ministack", "S01"): Difference("does not mind the token of a creation", {3: ..., 5: EXISTS, 6: ...}),
    ("ministack", "S02"): Difference("does not look at version and stage together", {8: ...}),
    ("ministack", "S03"): Difference(
        "moves the stages when a value is put again, even another one", {4: ..., 5: ..., 7: ..., 8: ...}
    ),
    ("ministack", "S04"): Difference("gives the error another name", {8: EXISTS}),
    ("ministack", "S05"): Difference("does not mind the token of a creation", {5: ..., 6: ...}),
}


def differences(system: str, case: str) -> Mapping[int, Any]:
    """Give what a system is known to answer otherwise in a case."""
    known = KNOWN_DIFFERENCES.get((system, case))
    return known.calls if known is not None else {}
