"""A model of TradingView's front end: what its buttons send, driven by nothing but the flags that the bridge serves.

Rules of the published manual: without `supportClosePosition` Close is an opposite market order, without
`supportNativeReversePosition` Reverse is a market order of double size; several positions of a symbol
(`supportMultiposition`) switch the default reversal off, and so the button without the native one.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tests.panel.world import PanelWorld, Reply

OPPOSITE = {"buy": "sell", "sell": "buy"}


class FrontEnd:
    """The buttons of one account, for the position that the person sees."""

    def __init__(self, world: PanelWorld) -> None:
        self.world = world
        (account,) = [one for one in world.ask("GET", "/accounts").d if one["id"] == world.account.name]
        self.flags: Mapping[str, bool] = account["config"]
        self.seen: list[Any] = []
        self.orders: list[Any] = []

    def look(self) -> None:
        """Poll as the browser does; what it shows from now on is this."""
        if self.flags["supportPositions"]:
            self.seen = self.world.positions()
        self.orders = list(self.world.orders().values())

    def position(self) -> Any:
        return self.seen[0]

    def brackets(self, kind: str) -> list[Any]:
        """Give the bracket orders that the position shows on the chart."""
        return [
            order
            for order in self.orders
            if order.get("parentId") == self.position()["id"] and order["type"] == kind and order["status"] == "working"
        ]

    # ---- buttons

    def close(self) -> Reply:
        position = self.position()
        if self.flags["supportClosePosition"]:
            return self.world.ask("DELETE", self.world.own(f"positions/{position['id']}"))
        return self._market(OPPOSITE[position["side"]], Decimal(str(position["qty"])))

    def close_half(self) -> Reply | None:
        position = self.position()
        half = Decimal(str(position["qty"])) / 2
        if not self.flags["supportPartialClosePosition"]:
            return None
        return self.world.ask("DELETE", self.world.own(f"positions/{position['id']}"), {"amount": half})

    def reverse(self) -> Reply | None:
        """Press Reverse; None where the button is not shown."""
        position = self.position()
        side = OPPOSITE[position["side"]]
        if not self.flags["supportReversePosition"]:
            return None
        if self.flags["supportNativeReversePosition"]:
            return self.world.ask("PUT", self.world.own(f"positions/{position['id']}"), {"side": side})
        if self.flags["supportMultiposition"]:
            return None
        return self._market(side, Decimal(str(position["qty"])) * 2)

    def flatten(self) -> list[Reply]:
        """Press Flatten: cancel what works of the symbol, close what is held of it."""
        symbol = self.position()["instrument"]
        working = [
            order
            for order in self.orders
            if order["instrument"] == symbol
            and order["status"] == "working"
            and order.get("parentType") != "position"
        ]
        replies = [self.world.ask("DELETE", self.world.own(f"orders/{order['id']}")) for order in working]
        held = [position["id"] for position in self.seen if position["instrument"] == symbol]
        return replies + [self.world.ask("DELETE", self.world.own(f"positions/{one}")) for one in held]

    def drag_stop(self, price: Decimal) -> Reply:
        """Drag the stop of the position: the whole bracket is sent."""
        form: dict[str, object] = {"stopLoss": price}
        for target in self.brackets("limit"):
            form["takeProfit"] = target["limitPrice"]
        return self.world.ask("PUT", self.world.own(f"positions/{self.position()['id']}"), form)

    def remove_stop(self) -> Reply:
        """Press the cross of the stop: the bracket is sent without it."""
        form: dict[str, object] = {}
        for target in self.brackets("limit"):
            form["takeProfit"] = target["limitPrice"]
        return self.world.ask("PUT", self.world.own(f"positions/{self.position()['id']}"), form)

    def _market(self, side: str, quantity: Decimal) -> Reply:
        return self.world.place(side, quantity)
