"""What the simulated TradeStation's journal says of a request whose answer was lost."""

from typing import Any

import pytest

from sandbox.demo.booked import tradestation

BOOKED = {
    "what": "order", "order_id": "1", "parent": None, "refused": "", "action": "BUY", "quantity": "10",
    "symbol": "MSFT", "type": "Market", "limit_price": None, "stop_price": None,
}  # fmt: skip
PATH = "/v3/orderexecution/orders"


def entry(status: int | str, *booked: dict[str, Any]) -> dict[str, Any]:
    return {"method": "POST", "path": PATH, "status": status, "body": {}, "booked": list(booked)}


@pytest.mark.parametrize(("status", "taken"), [(200, True), ("lost", True), (500, False)])
def test_order_that_was_booked_counts_as_taken_when_its_answer_was_given_or_lost(
    status: int | str, taken: bool
) -> None:
    (write,) = tradestation([entry(status, BOOKED)], {"orders": [], "positions": []}).writes

    assert write.taken is taken


def test_request_that_was_lost_before_anything_was_booked_does_not_count_as_taken() -> None:
    (write,) = tradestation([entry("lost")], {"orders": [], "positions": []}).writes

    assert not write.taken
