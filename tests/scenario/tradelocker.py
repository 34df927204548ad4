"""The scenarios' simulated TradeLocker."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from orderbridge.strategy.settings import AccountSettings
from tests.contract.tradelocker import BASE_URL, Seat, TradeLockerBench, control


class TradeLockerScenario(TradeLockerBench):
    """A hedging account unless another seat is named."""

    gap_ms = 1_050
    _read_from = 0

    def __init__(self, switches: Mapping[str, object] | None = None, seat: Seat | None = None) -> None:
        super().__init__(switches, seat or Seat())

    def account(self) -> AccountSettings:
        return AccountSettings(
            name="tl",
            broker="tradelocker",
            environment="sim",
            connection="tl",
            broker_account_id=self.seat.account_id,
            position_mode=self.seat.mode,
            base_url=BASE_URL,
            account_number=self.seat.account_number,
        )

    def open_elsewhere(self, signed: Decimal) -> None:
        side = "buy" if signed > 0 else "sell"
        order = {"instrument": self.symbol, "side": side, "qty": str(abs(signed))}
        control(self.sim, "trade", {"account": int(self.seat.account_id), "open": order})

    def set_session(self, state: Literal["open", "closed"]) -> None:
        control(self.sim, "session", {self.symbol: "CLOSED" if state == "closed" else "FULLY_OPEN"})

    def refuse_stops(self) -> None:
        rule = {"behaviour": "bracket_refused", "leg": "both", "how": "later", "times": 1_000}
        control(self.sim, "script", {**rule, "on": "place"})
        control(self.sim, "script", {**rule, "on": "modify_position", "how": "at_once"})

    def reset_reads(self) -> None:
        self._read_from = len(self.sim.journal.entries())

    def reads(self, what: str) -> int:
        entries = self.sim.journal.entries()[self._read_from :]
        return sum(entry["method"] == "GET" and str(entry["path"]).endswith(f"/{what}") for entry in entries)
