"""The label is a pure function that fits every broker's limits."""

import re

from orderbridge.brokers.tradelocker.labels import MAX_LENGTH, label_of


def test_label_is_fixed_for_an_id() -> None:
    # Stored orders are looked up by it after an update of the bridge, so it must never change.
    assert label_of("0123456789abcdef0123456789abcdef") == "ob-h2y32q4zi7vxmkmy4vtmzqxate"


def test_labels_fit_the_reference_and_differ_by_id() -> None:
    labels = {label_of(f"{number:032x}") for number in range(500)}

    assert len(labels) == 500
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", label) and len(label) <= MAX_LENGTH for label in labels)
