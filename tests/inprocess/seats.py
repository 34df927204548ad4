"""The accounts that are traded, at both simulated brokers, and what is traded there."""

from dataclasses import dataclass
from decimal import Decimal

from orderbridge.broker_api.settings import BrokerName, Listed, PanelSettings
from orderbridge.model import PositionMode
from orderbridge.strategy.settings import AccountSettings

TRADESTATION_PORT, TRADELOCKER_PORT = 8001, 8002
TRADESTATION, TRADELOCKER = f"http://127.0.0.1:{TRADESTATION_PORT}", f"http://127.0.0.1:{TRADELOCKER_PORT}"


@dataclass(frozen=True)
class Seat:
    """An account and a symbol. `distance` is on the tick and far enough for any stop or limit; `unit` can be halved."""

    account: AccountSettings
    symbol: str
    price: Decimal
    distance: Decimal
    unit: Decimal

    @property
    def broker(self) -> BrokerName:
        return self.account.broker

    @property
    def hedging(self) -> bool:
        return self.account.position_mode is PositionMode.HEDGING


def _tradestation(name: str, account_id: str, kind: str) -> AccountSettings:
    return AccountSettings(
        name=name,
        broker="tradestation",
        environment="sim",
        connection="tradestation",
        broker_account_id=account_id,
        position_mode=PositionMode.NETTING,
        base_url=f"{TRADESTATION}/v3",
        auth_url=TRADESTATION,
        kind=kind,
    )


def _tradelocker(name: str, account_id: str, number: str, mode: PositionMode) -> AccountSettings:
    return AccountSettings(
        name=name,
        broker="tradelocker",
        environment="sim",
        connection="tradelocker",
        broker_account_id=account_id,
        position_mode=mode,
        base_url=TRADELOCKER,
        account_number=number,
    )


SEATS = {
    seat.account.name: seat
    for seat in (
        Seat(
            _tradestation("ts-margin", "SIM1234567M", "Margin"),
            "MSFT",
            Decimal("412.30"),
            Decimal("5.00"),
            Decimal(10),
        ),
        Seat(
            _tradestation("ts-futures", "SIM1234567F", "Futures"),
            "MESZ26",
            Decimal("6900.25"),
            Decimal("25.00"),
            Decimal(2),
        ),
        Seat(
            _tradelocker("tl-hedging", "1180", "1", PositionMode.HEDGING),
            "BTCUSD",
            Decimal("77261.10"),
            Decimal("500.00"),
            Decimal("0.10"),
        ),
        Seat(
            _tradelocker("tl-netting", "1182", "3", PositionMode.NETTING),
            "BTCUSD",
            Decimal("77261.10"),
            Decimal("500.00"),
            Decimal("0.10"),
        ),
    )
}
PANEL = PanelSettings(
    {
        "tradestation": (
            Listed("MSFT", "NASDAQ:MSFT"),
            Listed("AAPL", "NASDAQ:AAPL"),
            Listed("MESZ26", "CME_MINI:MESZ2026"),
        ),
        "tradelocker": (Listed("BTCUSD", "BITSTAMP:BTCUSD"), Listed("EURUSD")),
    }
)
