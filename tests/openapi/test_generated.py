"""The published document against the bridge at both brokers: generated requests, seeded so that they succeed too."""

import os
from collections.abc import Callable

import pytest

from tests.inprocess.seats import SEATS, Seat
from tests.openapi.browser import Browser
from tests.openapi.generated import generate
from tests.panel.schema import operations

EXAMPLES = int(os.environ.get("CONTRACT_EXAMPLES", "5"))
BOTH_LACK = {
    "getBalances": "supportBalances",
    "getLeverage": "supportLeverage",
    "setLeverage": "supportLeverage",
    "previewLeverage": "supportLeverage",
    "orderInfo": "supportCustomOrderInfo",
}
LACKING = {
    "ts-margin": {
        **BOTH_LACK,
        "getDepth": "supportLevel2Data",
        "getNetPositions": "supportPositionNetting",
        "closeNetPosition": "supportPositionNetting",
        "getIndividualPositions": "supportPositionNetting",
        "modifyIndividualPosition": "supportIndividualPositionBrackets",
        "closeIndividualPosition": "supportCloseIndividualPosition",
    },
    "tl-hedging": {**BOTH_LACK, "previewOrder": "supportPlaceOrderPreview"},
}
"""What an account's broker does not have, with the flag that says so."""


@pytest.mark.parametrize("name", sorted(LACKING))
def test_generated_requests_are_answered_as_published(
    name: str, record_property: Callable[[str, object], None]
) -> None:
    seat = SEATS[name]

    browser, findings = generate(seat, EXAMPLES)

    record_property("contract", table(seat, browser, findings.cases))
    assert not findings.sentences(), "\n\n".join(findings.sentences())
    assert not browser.wrong, "\n".join(browser.wrong)
    reached = {operation for (operation, told), _ in browser.told.items() if told == "ok"} - {"undeclared"}
    assert reached == set(operations()) - set(LACKING[name])


@pytest.mark.parametrize("name", sorted(LACKING))
def test_what_is_lacking_is_off_in_the_flags(name: str) -> None:
    browser = Browser(SEATS[name])

    (account,) = browser.ask("GET", "/accounts")["d"]

    assert {flag: account["config"][flag] for flag in LACKING[name].values()} == dict.fromkeys(
        LACKING[name].values(), False
    )


def table(seat: Seat, browser: Browser, cases: int) -> str:
    """Give how each operation answered."""
    lines = [f"{seat.account.name}: {cases} generated cases", f"  {'operation':26}{'ok':>6}{'error':>7}{'401':>6}"]
    for operation in sorted({operation for operation, _ in browser.told}):
        ok, error, unknown = (browser.told[operation, told] for told in ("ok", "error", "401"))
        lacking = LACKING[seat.account.name].get(operation)
        why = f"  the broker has none; {lacking} is off" if lacking else ""
        lines.append(f"  {operation:26}{ok:>6}{error:>7}{unknown:>6}{why}")
    return "\n".join(lines)
