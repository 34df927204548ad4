"""One run of libFuzzer over the reader or the endpoint: `python -m tests.fuzz.engine reader -runs=1000 CORPUS ...`.

libFuzzer ends the process, so `python -m tests.fuzz` starts this one for it. A body that brings about what the oracle
forbids, an exception, 5 s or 1 GB ends the run.
"""

import importlib
import sys
from random import Random

import atheris

with atheris.instrument_imports(include=["orderbridge.alerts", "orderbridge.receiving", "orderbridge.storage.intake"]):
    importlib.import_module("alert_receiver.app")
    from orderbridge.alerts.dialect import Context
    from orderbridge.alerts.dialects import read_alert
    from orderbridge.alerts.reading import read_body

from tests.fuzz.mutator import mutated
from tests.fuzz.oracle import check
from tests.fuzz.site import START_MS, running

LONGEST = 3_000
"""Bytes of a body; longer ones are the business of `test_bounds.py`."""


def read_one(raw: bytes) -> None:
    """Read a body as the reader does, for a strategy with a symbol of its own and for one without."""
    own = "" if len(raw) % 2 else "MSFT"
    check(raw, read_alert(read_body(raw), Context(START_MS, own)), own)


def mutate(body: bytes, most: int, seed: int) -> bytes:
    """Change tokens, or bytes in libFuzzer's own way."""
    if Random(seed).random() < 0.6:
        return mutated(body, most, seed)
    changed: bytes = atheris.Mutate(body, most)
    return changed


def main() -> None:
    """Run until the number of bodies that was asked for, or to the first one that must not be."""
    target, *arguments = sys.argv[1:]
    options = [sys.argv[0], f"-max_len={LONGEST}", "-timeout=5", "-rss_limit_mb=1024", *arguments]
    if target == "reader":
        atheris.Setup(options, read_one, custom_mutator=mutate)
        atheris.Fuzz()
        return
    with running() as site:
        from tests.fuzz.endpoint import post_one

        atheris.Setup(options, lambda raw: post_one(site, raw), custom_mutator=mutate)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
