"""What an alert comes to at one account before anything is sent: its instrument, its price, what bars it."""

from dataclasses import replace
from typing import Any

import pytest

from orderbridge.alerts.alert import Action, Alert, StopLoss, TakeProfit, Target
from orderbridge.commands import Bracket, Place
from orderbridge.errors import BrokerUnavailableError
from orderbridge.execution.deciding import needs_quote
from orderbridge.execution.desk import FRONT_MONTH_MS, INSTRUMENT_MS
from orderbridge.model import Direction, Instrument, OrderType, PositionMode
from orderbridge.strategy.settings import AccountRoute, StrategySettings
from tests.unit.execution.cases import CANCELLED, EURUSD, LIMIT, MES, TRADELOCKER, d, position
from tests.unit.execution.scripted import Scripted

BASE = StrategySettings("s", 1, ())


def alert(action: str = "buy", **fields: Any) -> Alert:
    return Alert(Action(action), MES, quantity=d(1), **fields)


@pytest.mark.parametrize(
    ("given", "settings", "expected"),
    [
        (alert("buy"), {}, False),
        (alert("buy", take_profit=TakeProfit(limit_price=d(1))), {}, True),
        (alert("sell", stop_loss=StopLoss(stop_price=d(1))), {}, True),
        (alert("add"), {"max_notional": d(1)}, True),
        (alert("buy", order_type=LIMIT), {}, True),
        (alert("exit", order_type=LIMIT, stop_loss=StopLoss(stop_price=d(1))), {"max_notional": d(1)}, False),
        (alert("cancel", order_type=LIMIT), {"max_notional": d(1)}, False),
    ],
)
def test_price_is_read_only_where_deciding_wants_one(given: Alert, settings: dict[str, Any], expected: bool) -> None:
    assert needs_quote(given, replace(BASE, **settings)) is expected


def test_relative_stop_counts_from_the_price_that_was_read() -> None:
    world = Scripted()

    outcome = world.fire("buy", "1", stop_loss=StopLoss(amount=d(10)))

    assert outcome.code == "filled", outcome
    (entry, *_) = world.broker.sent
    assert isinstance(entry, Place)
    assert entry.bracket == Bracket(stop_loss=d(4990))


def test_broker_without_a_price_just_now_lets_deciding_say_so() -> None:
    world = Scripted()
    world.broker.quoted = BrokerUnavailableError("no quotes")

    outcome = world.fire("buy", "1", stop_loss=StopLoss(amount=d(10)))

    assert (outcome.status, outcome.code) == ("refused", "bracket_needs_quote")
    assert world.broker.sent == []


# ---- modes


@pytest.mark.parametrize(
    ("mode", "environment", "confirmed", "code", "sentence"),
    [
        ("off", "sim", False, "mode_off", "s is switched off: nothing was sent."),
        ("off", "live", True, "mode_off", "s is switched off: nothing was sent."),
        ("sim", "live", True, "mode_mismatch", "s runs in mode sim and acct is a live account: nothing was sent."),
        (
            "live",
            "live",
            False,
            "live_not_confirmed",
            "Live trading of acct is not confirmed: type `orderbridge live acct` first.",
        ),
    ],
)
def test_mode_and_account_that_do_not_fit_send_nothing(
    mode: Any, environment: str, confirmed: bool, code: str, sentence: str
) -> None:
    world = Scripted({"s": {"mode": mode}})
    if environment == "live":
        world.make_live(confirmed=confirmed)

    outcome = world.fire("buy", "1")

    assert outcome.status == ("no_action" if mode == "off" else "refused")
    assert (outcome.code, outcome.sentence) == (code, sentence)
    assert world.broker.sent == []


@pytest.mark.parametrize(("mode", "environment"), [("sim", "sim"), ("live", "sim"), ("live", "live")])
def test_mode_and_account_that_fit_trade(mode: Any, environment: str) -> None:
    world = Scripted({"s": {"mode": mode}})
    if environment == "live":
        world.make_live(confirmed=True)

    assert world.fire("buy", "1").code == "filled"


@pytest.mark.parametrize("gone", [True, False])
def test_strategy_that_is_gone_or_has_left_the_account_trades_nothing(gone: bool) -> None:
    world = Scripted()
    alert_id = world.send("buy", "1")
    if gone:
        world.settings.strategies.clear()
    else:
        world.settings.strategies["s"] = replace(world.settings.strategies["s"], accounts=(AccountRoute("other"),))

    world.run(5)

    outcome = world.outcome(alert_id)
    assert (outcome.status, outcome.code) == ("refused", "strategy_gone")
    assert outcome.sentence == "s no longer trades acct."


# ---- what bars an entry


def test_settings_of_a_newer_release_bar_entries_and_name_what_is_not_known() -> None:
    world = Scripted({"s": {"unknown": ("max_heat",)}})
    world.settings.accounts["acct"] = replace(world.account, unknown=("hedge",))
    world.account = world.settings.accounts["acct"]

    outcome = world.fire("buy", "1")

    assert (outcome.status, outcome.code) == ("refused", "settings_newer")
    assert "(max_heat, hedge)" in outcome.sentence
    assert "s or acct" in outcome.sentence


def test_several_positions_of_one_symbol_bar_entries_at_an_account_that_nets() -> None:
    world = Scripted()
    world.broker.held = {"a": position(1, "a"), "b": position(1, "b")}

    outcome = world.fire("buy", "1")

    assert (outcome.status, outcome.code) == ("refused", "position_mode")
    assert "netting" in outcome.sentence
    assert "position_mode" in outcome.sentence


@pytest.mark.parametrize("other", ["MESH27", None])
def test_positions_of_several_months_or_hedged_ones_bar_nothing(other: str | None) -> None:
    world = Scripted() if other else Scripted(capabilities=TRADELOCKER, mode=PositionMode.HEDGING)
    world.broker.held = {"a": position(1, "a"), "b": position(1, "b", symbol=other or MES)}

    assert world.fire("buy", "1", strategy="s").code == "filled"


def test_alert_that_also_closes_is_closed_and_its_entry_dropped_with_the_reason() -> None:
    world = Scripted()
    world.fire("buy", "1")
    world.add_strategy("s", unknown=("max_heat",))

    outcome = world.fire("sell", "2", target=Target(Direction.SHORT, d(-1), Direction.LONG, d(1)))

    assert (outcome.status, outcome.code) == ("ordered", "closed")
    assert "Nothing is opened: s or acct has settings" in outcome.sentence
    assert world.broker.signed(MES) == 0


# ---- test alerts


@pytest.mark.parametrize(
    ("action", "held", "fields", "sentence"),
    [
        ("buy", 0, {}, "Test: would buy 1 MESZ26 (market). Nothing was sent."),
        ("exit", 3, {"quantity": None}, "Test: would close all long MES. Nothing was sent."),
        ("exit", 3, {"quantity": "1"}, "Test: would close 1 long MES. Nothing was sent."),
        (
            "sell",
            3,
            {"quantity": "5"},
            "Test: would close all long MES and then sell 2 MESZ26 (market). Nothing was sent.",
        ),
    ],
)
def test_test_alert_tells_what_would_be_sent(action: str, held: int, fields: dict[str, Any], sentence: str) -> None:
    world = Scripted()
    if held:
        world.fire("buy", str(held))
    sent = len(world.broker.sent)

    outcome = world.fire(action, fields.get("quantity", "1"), test=True)

    assert (outcome.status, outcome.code, outcome.sentence) == ("no_action", "test", sentence)
    assert len(world.broker.sent) == sent


def test_test_of_a_cancel_says_so() -> None:
    world = Scripted()
    world.fire("buy", "1", order_type=LIMIT, limit_price=d(4990))

    outcome = world.fire("cancel", test=True)

    assert outcome.sentence == "Test: would cancel. Nothing was sent."
    assert all(one.status is not CANCELLED for one in world.broker.book.values())


# ---- symbols


def test_symbol_that_the_broker_does_not_have_is_refused_by_name() -> None:
    outcome = Scripted().fire("buy", "1", symbol="NASDAQ:AAPL")

    assert (outcome.status, outcome.code) == ("refused", "unknown_symbol")
    assert outcome.sentence.endswith("Name the broker's symbol in the symbol map.")


def continuous(front: str | None = MES) -> Scripted:
    world = Scripted()
    world.broker.instruments["@MES"] = Instrument("@MES", tradable=False, front_contract=front)
    return world


def test_continuous_symbol_is_traded_in_its_front_contract() -> None:
    world = continuous()

    outcome = world.fire("buy", "1", symbol="MES1!")

    assert outcome.code == "filled", outcome
    assert [getattr(command, "symbol", "") for command in world.broker.sent] == [MES]


def test_continuous_symbol_without_a_contract_is_refused() -> None:
    outcome = continuous(front=None).fire("buy", "1", symbol="MES1!")

    assert (outcome.status, outcome.code) == ("refused", "unknown_symbol")
    assert "@MES: the broker names no contract" in outcome.sentence


class CountingInstruments(dict[str, Instrument]):
    """Instruments that count how often one is read."""

    reads = 0

    def __getitem__(self, key: str) -> Instrument:
        self.reads += 1
        return super().__getitem__(key)


@pytest.mark.parametrize(("after_ms", "reads"), [(INSTRUMENT_MS - 1, 1), (INSTRUMENT_MS, 2)])
def test_instrument_is_kept_for_six_hours(after_ms: int, reads: int) -> None:
    world = Scripted()
    world.broker.instruments = counting = CountingInstruments(world.broker.instruments)
    desk = world.worker()._desk

    first = desk.instrument(EURUSD, world.deadline())
    world.script.advance(after_ms)
    again = desk.instrument(EURUSD, world.deadline())

    assert first == again == Instrument(EURUSD)
    assert counting.reads == reads
    assert FRONT_MONTH_MS < INSTRUMENT_MS == 6 * 3_600_000


def test_instrument_may_be_asked_for_younger() -> None:
    world = Scripted()
    world.broker.instruments = counting = CountingInstruments(world.broker.instruments)
    desk = world.worker()._desk

    desk.instrument(EURUSD, world.deadline())
    world.script.advance(1_000)
    desk.instrument(EURUSD, world.deadline(), 1_000)

    assert counting.reads == 2


def test_order_type_of_a_test_is_told() -> None:
    outcome = Scripted().fire("sell", "1", test=True, order_type=OrderType.LIMIT, limit_price=d(5010))

    assert outcome.sentence == "Test: would sell 1 MESZ26 (limit). Nothing was sent."
