"""The demo's verdict: clean for what the bridge did, and a sentence for every way in which a side is doctored."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from orderbridge.alerts.alert import StopLoss, TakeProfit
from orderbridge.model import OrderType
from sandbox.demo.booked import told_by
from sandbox.demo.facts import Exit, Holding, Order, Told, Write
from sandbox.demo.ledger import Account, ledger_of, told_of
from sandbox.demo.verdict import differences
from tests.contract.tradestation import FUTURES
from tests.scenario.tradelocker import TradeLockerScenario
from tests.scenario.tradestation import TradeStationScenario
from tests.scenario.world import TABLE, World

BENCHES: Mapping[str, Callable[[], Any]] = {
    "tradelocker": TradeLockerScenario,
    "tradestation": lambda: TradeStationScenario(seat=FUTURES),
}


def bracket(world: World, side: int = 1) -> dict[str, Any]:
    price, distance = world.bench.price, world.bench.distance
    return {
        "stop_loss": StopLoss(stop_price=price - side * distance),
        "take_profit": TakeProfit(limit_price=price + side * distance),
    }


def busy(broker: str) -> World:
    """Give a world that has entered, trimmed, turned round, left, cancelled a limit entry and entered again."""
    world = World(BENCHES[broker]())
    unit = world.bench.unit
    limit = world.bench.price - world.bench.distance / 2
    world.fire("buy", str(unit), **bracket(world), seconds=15)
    world.fire("exit", str(unit / 2), seconds=15)
    world.fire("sell", str(unit * 2), **bracket(world, -1), seconds=25)
    world.fire("exit", seconds=15)
    world.fire("buy", str(unit), order_type=OrderType.LIMIT, limit_price=limit, **bracket(world), seconds=10)
    world.fire("cancel", seconds=15)
    world.fire("buy", str(unit * 2), **bracket(world), seconds=15)
    world.fire("exit", str(unit), seconds=15)
    return world


def both_sides(broker: str, world: World) -> tuple[Told, Told]:
    """Give what the ledger and what the broker tell."""
    ledger = ledger_of(world.client.scan(TableName=TABLE)["Items"])
    accounts = {world.account.name: Account(world.account.broker, world.account.broker_account_id)}
    bench: Any = world.bench
    booked = told_by(broker, bench.sim.journal.entries(), bench.app.state())
    return told_of(broker, replace(ledger, accounts=accounts)), booked


@pytest.mark.parametrize("broker", sorted(BENCHES))
def test_what_the_bridge_did_is_clean(broker: str) -> None:
    ledger, booked = both_sides(broker, busy(broker))

    assert differences(broker, ledger, booked) == []
    assert len([write for write in ledger.writes if write.kind == "place"]) >= 4
    assert ledger.holdings
    assert all(holding.stop is not None and holding.target is not None for holding in booked.holdings.values())


@pytest.mark.parametrize("broker", sorted(BENCHES))
def test_order_sent_behind_the_ledger_is_told(broker: str) -> None:
    world = busy(broker)
    before, booked = both_sides(broker, world)
    place = next(record for record in world.commands() if record.role == "entry")

    world.bench.broker.send(place.command, "f" * 32, world.deadline())

    _, booked = both_sides(broker, world)
    found = differences(broker, before, booked)
    assert any("0 in the ledger, 1 in the broker's journal" in sentence for sentence in found), found
    assert any("holds" in sentence for sentence in found), found


# ---- doctored sides, one fact at a time

ENTRY = Order("buy", Decimal(2), "MESZ26", "limit", Decimal(6880), None, "", Exit(Decimal(6850), Decimal(2)),
              Exit(Decimal(6940), Decimal(2)))  # fmt: skip
STANDING = Holding(Decimal(2), Exit(Decimal(6850), Decimal(2)), Exit(Decimal(6940), Decimal(2)))
TRUE = Told(
    writes=(
        Write("place", orders={"101": ENTRY}),
        Write("replace", "101", changes={"quantity": Decimal(3)}),
        Write("close", "77", {"#1": Order("sell", Decimal(1), "EURUSD", "market")}),
        Write("place", orders={"#1": Order("sell", Decimal(9), "MESZ26", "market")}, taken=False),
        Write("cancel", "101"),
    ),
    holdings={("SIM1", "MESZ26"): STANDING},
    working=frozenset({"101"}),
)


def written(at: int, **changes: Any) -> Told:
    """Give the truth with one write changed."""
    writes = list(TRUE.writes)
    writes[at] = replace(writes[at], **changes)
    return replace(TRUE, writes=tuple(writes))


def ordered(**changes: Any) -> Told:
    """Give the truth with one fact of its first order changed."""
    return written(0, orders={"101": replace(ENTRY, **changes)})


DOCTORED: Mapping[str, tuple[Told, str]] = {
    "a write too few": (replace(TRUE, writes=TRUE.writes[:-1]), "cancel 101"),
    "a write twice": (replace(TRUE, writes=(*TRUE.writes, TRUE.writes[0])), "place buy 2 MESZ26 limit 6880"),
    "another order": (written(0, orders={"102": ENTRY}), "place buy 2 MESZ26 limit 6880"),
    "side": (ordered(side="sell"), "side is"),
    "quantity": (ordered(quantity=Decimal(3)), "quantity is"),
    "symbol": (ordered(symbol="MNQZ26"), "symbol is"),
    "type": (ordered(type="stop"), "type is"),
    "limit price": (ordered(limit=Decimal("6880.25")), "limit is"),
    "stop price": (ordered(stop=Decimal(6880)), "stop is"),
    "trail": (ordered(trail="5"), "trail is"),
    "stop loss's price": (ordered(stop_loss=Exit(Decimal(6851), Decimal(2))), "stop loss is"),
    "stop loss's quantity": (ordered(stop_loss=Exit(Decimal(6850), Decimal(1))), "stop loss is"),
    "no stop loss": (ordered(stop_loss=None), "stop loss is"),
    "no target": (ordered(take_profit=None), "take profit is"),
    "another change": (written(1, changes={"quantity": Decimal(2)}), "sets quantity to"),
    "a change left out": (written(1, changes={}), "sets quantity to"),
    "closed quantity": (written(2, orders={"#1": Order("sell", Decimal(2), "EURUSD", "market")}), "quantity is"),
    "nothing closed": (written(2, orders={}), "0 booked by the broker"),
    "close of another position": (written(2, about="78"), "close 78"),
    "cancel that was refused": (written(4, taken=False), "refused by"),
    "another refused order": (
        written(3, orders={"#1": Order("buy", Decimal(9), "MESZ26", "market")}),
        "place sell 9 MESZ26 market",
    ),
    "held quantity": (replace(TRUE, holdings={("SIM1", "MESZ26"): replace(STANDING, quantity=Decimal(1))}), "holds 1"),
    "nothing held": (replace(TRUE, holdings={}), "holds 0"),
    "held in another account": (replace(TRUE, holdings={("SIM2", "MESZ26"): STANDING}), "MESZ26 in SIM2"),
    "stop of the holding": (replace(TRUE, holdings={("SIM1", "MESZ26"): replace(STANDING, stop=None)}), "the stop is"),
    "target of the holding": (
        replace(TRUE, holdings={("SIM1", "MESZ26"): replace(STANDING, target=None)}),
        "the target is",
    ),
    "nothing works": (replace(TRUE, working=frozenset()), "order 101"),
    "another order works": (replace(TRUE, working=frozenset({"101", "102"})), "order 102"),
}


def test_sides_that_agree_are_clean() -> None:
    booked = written(2, orders={"9001": Order("sell", Decimal(1), "EURUSD", "market")})
    assert differences("broker", TRUE, booked) == []


@pytest.mark.parametrize("name", DOCTORED)
def test_doctored_journal_is_told(name: str) -> None:
    doctored, words = DOCTORED[name]
    found = differences("broker", TRUE, doctored)
    assert any(words in sentence for sentence in found), found
    assert all(sentence.startswith("broker: ") for sentence in found)


@pytest.mark.parametrize("name", DOCTORED)
def test_doctored_ledger_is_told(name: str) -> None:
    doctored, _ = DOCTORED[name]
    assert differences("broker", doctored, TRUE) != []


def test_command_without_an_outcome_is_told() -> None:
    ledger = replace(TRUE, open_commands=("place of job a.b (UNKNOWN)",))
    assert differences("broker", ledger, TRUE) == [
        "broker: the ledger does not know what became of place of job a.b (UNKNOWN)"
    ]
