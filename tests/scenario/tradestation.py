"""The scenarios' simulated TradeStation: a margin account with shares, or a futures account."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from orderbridge.model import PositionMode
from orderbridge.strategy.settings import AccountSettings
from tests.contract.tradestation import EQUITIES, ORIGIN, Seat, TradeStationBench, control


class TradeStationScenario(TradeStationBench):
    """The margin account with shares unless another seat is named."""

    gap_ms = 350
    _read_from = 0

    def __init__(self, switches: Mapping[str, object] | None = None, seat: Seat | None = None) -> None:
        super().__init__(seat or EQUITIES, switches)

    def account(self) -> AccountSettings:
        return AccountSettings(
            name="ts",
            broker="tradestation",
            environment="sim",
            connection="ts",
            broker_account_id=self.seat.account_id,
            position_mode=PositionMode.NETTING,
            base_url=f"{ORIGIN}/v3",
            kind=self.seat.account_kind,
        )

    def open_elsewhere(self, signed: Decimal) -> None:
        held = self.book().held(self.symbol)
        action = ("BUY" if held >= 0 else "BUYTOCOVER") if signed > 0 else ("SELL" if held > 0 else "SELLSHORT")
        if self.seat.account_kind == "Futures":
            action = "BUY" if signed > 0 else "SELL"
        order = {
            "AccountID": self.seat.account_id,
            "Symbol": self.symbol,
            "Quantity": str(abs(signed)),
            "OrderType": "Market",
            "TradeAction": action,
            "TimeInForce": {"Duration": "DAY"},
        }
        control(self.sim, "trade", {"account": self.seat.account_id, "order": order})

    def set_session(self, state: Literal["open", "closed"]) -> None:
        control(self.sim, "session", {self.symbol: state})

    def refuse_stops(self) -> None:
        rule = {"match": {"type": "StopMarket"}, "times": 1_000, "reject_later": {"after_ms": 0, "reason": "no stops"}}
        control(self.sim, "script", rule)

    def reset_reads(self) -> None:
        self._read_from = len(self.sim.journal.entries())

    def reads(self, what: str) -> int:
        entries = self.sim.journal.entries()[self._read_from :]
        return sum(entry["method"] == "GET" and str(entry["path"]).endswith(f"/{what}") for entry in entries)
