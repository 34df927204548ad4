"""Ids of positions as the panel shows them.

A TradeLocker position has an id of its own. At TradeStation a symbol has one netted position, and turning it around is
another position: with the side in the id, a press on Close can only ever close what the person saw.
"""

from orderbridge.model import Position, Side
from orderbridge.strategy.settings import AccountSettings

_SIDES = {Side.BUY: "long", Side.SELL: "short"}


def position_id_of(position: Position, account: AccountSettings) -> str:
    """Give the id under which a position is shown."""
    if account.broker == "tradelocker":
        return position.id
    return f"{position.symbol}~{_SIDES[position.side]}"
