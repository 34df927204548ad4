"""What a session allows."""

import pytest

from orderbridge.brokers.tradelocker.sessions import read_session, read_session_status
from orderbridge.errors import BrokerUnavailableError
from orderbridge.model import OrderType


def test_session_status_flags_are_told_in_the_order_of_the_reference() -> None:
    status = read_session_status({"allowedOperations": [0, 1, 1], "allowedOrderTypes": [1, 0, 1, 1, 0, 0]})

    assert (status.may_place, status.may_change, status.may_cancel) == (False, True, True)
    assert status.order_types == {OrderType.STOP, OrderType.LIMIT}


@pytest.mark.parametrize("data", [None, {}, {"allowedOperations": [1, 1], "allowedOrderTypes": [1] * 6}])
def test_session_status_of_another_shape_is_unavailable(data: object) -> None:
    with pytest.raises(BrokerUnavailableError):
        read_session_status(data)


def test_session_keeps_holidays_block_and_the_rest_as_it_came() -> None:
    data = {"id": 1547, "blockTrading": True, "holidays": [{"date": "2026-12-25", "name": "Christmas"}], "x": 1}

    session = read_session(data)

    assert (session.id, session.blocked, session.holidays) == ("1547", True, (("2026-12-25", "Christmas"),))
    assert session.raw["x"] == 1
    assert not read_session({"id": 1}).blocked


def test_session_without_an_id_is_unavailable() -> None:
    with pytest.raises(BrokerUnavailableError):
        read_session({"holidays": []})
