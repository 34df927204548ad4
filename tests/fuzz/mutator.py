"""Changes a body token by token: what fuzzing by bytes alone finds late, a wrong value in the right place."""

import json
import re
from collections.abc import Callable
from random import Random

from tests.fuzz.bodies import MESSAGES, NAMES, NUMBERS, OTHERS, SLIPS, WORDS

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+|\s+|"', re.DOTALL)
_NAMES = [json.dumps(name) for name in NAMES]
_INNER = [json.dumps(name) for name in ("stopPrice", "limitPrice", "percent", "amount", "type", "trailPercent")]
_VALUES = [*(json.dumps(word) for word in WORDS), *NUMBERS, "null", "true", "{}", "[]"]
_ODD = [
    "“",
    "”",
    "\u00a0",
    "\0",
    "\ud800".encode("utf-8", "replace").decode(),
    "\\ud800",
    "{{",
    "}}",
    "\\",
    '"',
    "\ufeff",
]
VOCABULARY = [*_NAMES, *_INNER, *_VALUES, *_ODD, ",", ":", "{", "}", "[", "]", " ", "\n"]


def seeds() -> list[bytes]:
    """Give the bodies to begin with: the project's sample alerts, and other people's forms."""
    texts = [json.dumps(message, ensure_ascii=False) for message in MESSAGES]
    return [text.encode() for text in (*texts, *OTHERS, *(SLIPS[name](texts[-1]) for name in sorted(SLIPS)))]


def mutated(body: bytes, most: int, seed: int) -> bytes:
    """Give a body with one to four of its tokens changed: the same for the same seed."""
    dice = Random(seed)
    tokens = TOKEN.findall(body.decode("utf-8", "replace"))
    for _ in range(dice.randint(1, 4)):
        dice.choice(_CHANGES)(tokens, dice)
    return "".join(tokens).encode("utf-8", "replace")[:most]


def _replace(tokens: list[str], dice: Random) -> None:
    if tokens:
        tokens[dice.randrange(len(tokens))] = dice.choice(VOCABULARY)


def _insert_pair(tokens: list[str], dice: Random) -> None:
    opening = [at for at, token in enumerate(tokens) if token in ("{", ",")]
    at = dice.choice(opening) + 1 if opening else 0
    tokens[at:at] = [dice.choice([*_NAMES, *_INNER]), ":", dice.choice(_VALUES), ","]


def _swap(tokens: list[str], dice: Random) -> None:
    meant = [at for at, token in enumerate(tokens) if token not in "{}[]:," and not token.isspace()]
    if len(meant) > 1:
        one, other = dice.sample(meant, 2)
        tokens[one], tokens[other] = tokens[other], tokens[one]


def _repeat(tokens: list[str], dice: Random) -> None:
    if tokens:
        begin = dice.randrange(len(tokens))
        part = tokens[begin : begin + dice.randint(1, 6)]
        at = dice.randrange(len(tokens))
        tokens[at:at] = part * dice.choice((1, 1, 1, 2, 30))


def _drop(tokens: list[str], dice: Random) -> None:
    if tokens:
        begin = dice.randrange(len(tokens))
        del tokens[begin : begin + dice.randint(1, 4)]


def _new_value(tokens: list[str], dice: Random) -> None:
    after = [at for at, token in enumerate(tokens[:-1]) if token == ":"]
    if after:
        tokens[dice.choice(after) + 1] = dice.choice(_VALUES)


_CHANGES: tuple[Callable[[list[str], Random], None], ...] = (
    _replace,
    _insert_pair,
    _swap,
    _repeat,
    _drop,
    _new_value,
    _new_value,
)
