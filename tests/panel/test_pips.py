"""Quantity x pips x pip value is the simulator's profit, to the cent; at TradeLocker everything counts in lots."""

from decimal import Decimal

import pytest

from orderbridge.broker_api.settings import Listed
from orderbridge.model import PositionMode
from tests.contract.tradelocker import Seat
from tests.panel.conftest import PANEL_BENCHES
from tests.panel.world import PanelWorld
from tests.scenario.tradelocker import TradeLockerScenario

LOTS = {"EURUSD": "0.37", "XAUUSD": "1.25", "NAS100": "2.5", "MES": "3", "ZN": "2", "AAPL": "12.5"}
MOVES = {"EURUSD": "0.00123", "XAUUSD": "7.31", "NAS100": "-33.7", "MES": "11.25", "ZN": "-0.156250", "AAPL": "1.87"}


def world_of(currency: str) -> PanelWorld:
    account_id, number = {"USD": ("1180", "1"), "EUR": ("1181", "2")}[currency]
    seat = Seat(account_id=account_id, account_number=number, mode=PositionMode.HEDGING)
    bench = TradeLockerScenario({"sessions": "always_open"}, seat)
    world = PanelWorld(bench, listed=tuple(Listed(symbol) for symbol in LOTS))
    world.set_currency(currency)
    return world


def number(value: object) -> Decimal:
    return Decimal(str(value))


@pytest.mark.parametrize("currency", ["USD", "EUR"])
@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("symbol", sorted(LOTS))
def test_pip_value_gives_the_profit_to_the_cent(symbol: str, side: str, currency: str) -> None:
    world = world_of(currency)
    (instrument,) = [one for one in world.get("instruments") if one["name"] == symbol]
    form = {"instrument": symbol, "qty": LOTS[symbol], "side": side, "type": "market", "currentAsk": 0, "currentBid": 0}
    placed = world.ask("POST", world.own("orders"), form)
    assert placed.ok, placed.content
    (before,) = world.positions()
    mid = number(before["avgPrice"]) + Decimal(MOVES[symbol])
    world.inside.app.set_prices({symbol: mid.quantize(Decimal("0.000001"))})
    world.settle(8)

    (position,) = world.positions()
    (quote,) = world.ask("GET", "/quotes", accountId=world.account.name, symbols=symbol).d

    leave = number(quote["v"]["bid" if side == "buy" else "ask"])
    turn = 1 if side == "buy" else -1
    pips = (leave - number(position["avgPrice"])) * turn / number(instrument["pipSize"])
    profit = number(position["qty"]) * pips * number(quote["v"]["buyPipValue"])
    assert profit.quantize(Decimal("0.01")) == number(position["unrealizedPl"]).quantize(Decimal("0.01"))
    assert position["qty"] == float(LOTS[symbol])


def test_quantities_are_lots_and_say_so() -> None:
    world = world_of("USD")

    by_name = {one["name"]: one for one in world.get("instruments")}

    assert {one["units"] for one in by_name.values()} == {"Lots"}
    euro = by_name["EURUSD"]
    assert (euro["minQty"], euro["maxQty"], euro["qtyStep"]) == (0.01, 50, 0.01)
    assert (euro["pipSize"], euro["pipValue"], euro["minTick"]) == (0.0001, 10, 0.00001)
    assert by_name["AAPL"]["variableMinTick"] == "0.0001 1 0.01"


def test_instrument_whose_currency_cannot_be_turned_into_the_accounts_is_left_out() -> None:
    world = PanelWorld(TradeLockerScenario({"sessions": "always_open"}), listed=(Listed("EURUSD"),))
    world.set_currency("NOK")

    assert world.get("instruments") == []


@pytest.mark.parametrize(
    ("bench", "symbol", "pip", "value", "units"),
    [
        ("tradestation-futures", "MESZ26", "0.25", "1.25", "Contracts"),
        ("tradestation", "MSFT", "0.01", "0.01", "Shares"),
    ],
)
@pytest.mark.parametrize("side", ["buy", "sell"])
def test_pip_value_at_tradestation_is_that_of_one_contract_or_share(
    bench: str, symbol: str, pip: str, value: str, units: str, side: str
) -> None:
    world = PanelWorld(PANEL_BENCHES[bench](), listed=(Listed(symbol),))
    (instrument,) = world.get("instruments")
    assert world.place(side).ok
    world.settle()
    world.bench.set_price(world.bench.price + 7 * number(instrument["pipSize"]))
    world.settle(6)

    (position,) = world.positions()
    (quote,) = world.ask("GET", "/quotes", accountId=world.account.name, symbols=symbol).d

    assert (number(instrument["pipSize"]), number(instrument["pipValue"])) == (Decimal(pip), Decimal(value))
    assert instrument["units"] == units
    assert quote["v"]["buyPipValue"] == quote["v"]["sellPipValue"] == instrument["pipValue"]
    turn = 1 if side == "buy" else -1
    pips = (world.bench.price + 7 * Decimal(pip) - number(position["avgPrice"])) * turn / Decimal(pip)
    profit = number(position["qty"]) * pips * Decimal(value)
    assert profit == number(position["unrealizedPl"])
