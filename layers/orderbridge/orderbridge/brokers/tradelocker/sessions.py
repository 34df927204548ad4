"""When an instrument trades: its session and the session's present status. Pure.

The inner shape of a session is not published beyond holidays with a date and a name; the rest is kept as it came.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orderbridge.errors import BrokerUnavailableError
from orderbridge.model import OrderType


@dataclass(frozen=True, slots=True)
class TradeSession:
    """An instrument's trading session."""

    id: str
    blocked: bool
    """The broker has blocked trading in it."""
    holidays: tuple[tuple[str, str], ...]
    """Date and name, as the broker writes them."""
    raw: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """What the session allows now."""

    may_place: bool
    may_change: bool
    may_cancel: bool
    order_types: frozenset[OrderType]


def read_session(data: object) -> TradeSession:
    """Read `/trade/sessions/{id}`."""
    if not isinstance(data, Mapping) or "id" not in data:
        raise BrokerUnavailableError("TradeLocker's session cannot be read")
    holidays = data.get("holidays")
    return TradeSession(
        id=str(data["id"]),
        blocked=data.get("blockTrading") in (True, "true", 1),
        holidays=tuple(
            (str(one.get("date") or ""), str(one.get("name") or ""))
            for one in (holidays if isinstance(holidays, Sequence) else ())
            if isinstance(one, Mapping)
        ),
        raw=data,
    )


# `allowedOrderTypes` in the order of the reference; the first, "manual", is not an order type of ours.
_TYPES = (OrderType.MARKET, OrderType.STOP, OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)


def read_session_status(data: object) -> SessionStatus:
    """Read `/trade/sessionStatuses/{id}`: three operations and six order types, each 0 or 1."""
    match data:
        case {"allowedOperations": [place, change, cancel], "allowedOrderTypes": [_, _, _, _, _, _] as flags}:
            allowed = (kind for kind, flag in zip(_TYPES, flags[1:], strict=True) if flag == 1)
            return SessionStatus(place == 1, change == 1, cancel == 1, frozenset(allowed))
        case _:
            raise BrokerUnavailableError("TradeLocker's session status cannot be read")
