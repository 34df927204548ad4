"""The entry order: its prices, bracket and duration (TRADING.md rules 14, 21, 22, 24, 28)."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from orderbridge.alerts.alert import StopLoss, TakeProfit
from orderbridge.commands import Bracket
from orderbridge.model import Direction, Duration, OrderType, PriceStep
from orderbridge.strategy.goal import Ending
from tests.unit.strategy.cases import DESKS, EURUSD, FUTURES, FX, MES, NOW_MS, Desk, alert, d, holds, quote

LIMIT, STOP, STOP_LIMIT, TRAIL = OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP


def bracket(desk: Desk, action: str, **fields: Any) -> Bracket:
    made = desk.entry(alert(action, 1, **fields)).bracket
    assert made is not None
    return made


class TestOrderTypes:
    @pytest.mark.parametrize("desk", DESKS)
    def test_market_order_has_no_price_and_says_that_it_obeys_none(self, desk: Desk) -> None:
        goal = desk.goal(alert("buy", 1, limit_price=d(4000)))

        assert goal.entry is not None
        assert goal.entry.limit_price is None
        assert any("limitPrice" in note and "4,000" in note for note in goal.notes)

    @pytest.mark.parametrize("order_type", [STOP_LIMIT, TRAIL])
    def test_type_that_the_broker_lacks_is_refused_by_name(self, order_type: OrderType) -> None:
        end = FX.end(alert("buy", 1, order_type=order_type, stop_price=d(1), limit_price=d(1), trail_amount=d(1)))

        assert (end.ending, end.code) == (Ending.REFUSED, "order_type_unsupported")
        assert order_type.value in end.sentence
        assert "TradeLocker" in end.sentence

    @pytest.mark.parametrize(
        ("order_type", "fields", "missing"),
        [
            (LIMIT, {"stop_price": d(5000)}, "limitPrice"),
            (STOP, {"limit_price": d(5000)}, "stopPrice"),
            (STOP_LIMIT, {"stop_price": d(5000)}, "limitPrice"),
            (STOP_LIMIT, {"limit_price": d(5000)}, "stopPrice"),
            (TRAIL, {}, "trailAmount"),
        ],
    )
    def test_missing_price_is_refused_by_name(
        self, order_type: OrderType, fields: dict[str, Decimal], missing: str
    ) -> None:
        end = FUTURES.end(alert("buy", 1, order_type=order_type, price=d(5000), **fields))

        assert end.code == "price_missing"
        assert missing in end.sentence

    def test_price_of_zero_is_a_price_and_refused(self) -> None:
        assert FUTURES.code(alert("buy", 1, order_type=LIMIT, limit_price=d(0))) == "price_not_positive"

    def test_trailing_entry_keeps_its_distance_or_its_percentage(self) -> None:
        amount = FUTURES.entry(alert("buy", 1, order_type=TRAIL, trail_amount=d("10.1")))
        percent = FUTURES.entry(alert("buy", 1, order_type=TRAIL, trail_percent=d("0.5")))

        assert (amount.trail_amount, amount.trail_percent) == (d("10.00"), None)
        assert (percent.trail_amount, percent.trail_percent) == (None, d("0.5"))
        assert FUTURES.entry(alert("buy", 1, order_type=TRAIL, trail_amount=d("0.1"))).trail_amount == d("0.25")


class TestRounding:
    @pytest.mark.parametrize(
        ("action", "limit", "stop"), [("buy", "5000.00", "5000.25"), ("sell", "5000.25", "5000.00")]
    )
    def test_limit_is_never_worse_and_a_stop_lies_away_from_the_market(
        self, action: str, limit: str, stop: str
    ) -> None:
        fields = {"limit_price": d("5000.10"), "stop_price": d("5000.10")}

        assert FUTURES.entry(alert(action, 1, order_type=LIMIT, **fields)).limit_price == d(limit)
        assert FUTURES.entry(alert(action, 1, order_type=STOP, **fields)).stop_price == d(stop)
        both = FUTURES.entry(alert(action, 1, order_type=STOP_LIMIT, **fields))
        assert (both.limit_price, both.stop_price) == (d(limit), d(stop))

    def test_rounding_is_said_with_both_numbers(self) -> None:
        goal = FUTURES.goal(alert("buy", 1, order_type=LIMIT, limit_price=d("5000.10")))

        assert "The limit price 5,000.1 is rounded to 5,000 (tick 0.25)." in goal.notes

    def test_tick_is_the_one_that_applies_at_the_price(self) -> None:
        steps = (PriceStep(None, d("0.01")), PriceStep(d(3), d("0.05")))
        desk = FUTURES.with_(instrument=replace(MES, price_steps=steps))

        assert desk.entry(alert("buy", 1, order_type=LIMIT, limit_price=d("2.987"))).limit_price == d("2.98")
        assert desk.entry(alert("buy", 1, order_type=LIMIT, limit_price=d("3.07"))).limit_price == d("3.05")

    @pytest.mark.parametrize(
        ("action", "stop_loss", "take_profit"), [("buy", ("4990.10", "4990.25"), ("5010.10", "5010.00"))]
    )
    def test_stop_protects_earlier_and_target_is_reached_earlier(
        self, action: str, stop_loss: tuple[str, str], take_profit: tuple[str, str]
    ) -> None:
        made = bracket(
            FUTURES,
            action,
            stop_loss=StopLoss(stop_price=d(stop_loss[0])),
            take_profit=TakeProfit(limit_price=d(take_profit[0])),
        )

        assert (made.stop_loss, made.take_profit) == (d(stop_loss[1]), d(take_profit[1]))

    def test_short_is_rounded_the_other_way(self) -> None:
        made = bracket(
            FUTURES,
            "sell",
            stop_loss=StopLoss(stop_price=d("5010.10")),
            take_profit=TakeProfit(limit_price=d("4990.10")),
        )

        assert (made.stop_loss, made.take_profit) == (d("5010.00"), d("4990.25"))

    def test_stop_limit_of_a_long_is_rounded_towards_being_filled(self) -> None:
        stop = StopLoss(STOP_LIMIT, stop_price=d("4990.10"), limit_price=d("4980.10"))

        made = bracket(FUTURES, "buy", stop_loss=stop)

        assert (made.stop_loss, made.stop_limit) == (d("4990.25"), d("4980.00"))


class TestBrackets:
    @pytest.mark.parametrize("desk", DESKS)
    def test_no_bracket_is_asked_for_and_none_is_made(self, desk: Desk) -> None:
        assert desk.entry(alert("buy", 1)).bracket is None

    @pytest.mark.parametrize(("action", "stop", "goal"), [("buy", "1.089", "1.122"), ("sell", "1.111", "1.078")])
    def test_percentages_count_from_the_middle_of_the_quote(self, action: str, stop: str, goal: str) -> None:
        made = bracket(FX, action, stop_loss=StopLoss(percent=d(1)), take_profit=TakeProfit(percent=d(2)))

        assert (made.stop_loss, made.take_profit) == (d(stop), d(goal))

    def test_amounts_count_from_the_orders_own_price(self) -> None:
        fields = {"stop_loss": StopLoss(amount=d(10)), "take_profit": TakeProfit(amount=d(20))}

        limit = bracket(FUTURES, "buy", order_type=LIMIT, limit_price=d(4900), **fields)
        stop = bracket(FUTURES, "sell", order_type=STOP, stop_price=d(4800), **fields)
        both = bracket(FUTURES, "buy", order_type=STOP_LIMIT, stop_price=d(5100), limit_price=d(5110), **fields)

        assert (limit.stop_loss, limit.take_profit) == (d(4890), d(4920))
        assert (stop.stop_loss, stop.take_profit) == (d(4810), d(4780))
        assert (both.stop_loss, both.take_profit) == (d(5090), d(5120))

    def test_relative_bracket_without_any_price_is_refused(self) -> None:
        desk = FUTURES.with_(quote=None)

        assert desk.code(alert("buy", 1, stop_loss=StopLoss(amount=d(10)), price=d(5000))) == "bracket_needs_quote"
        assert bracket(desk, "buy", stop_loss=StopLoss(stop_price=d(4000))).stop_loss == 4000

    @pytest.mark.parametrize(
        ("action", "stop"), [("buy", "5000"), ("buy", "5010"), ("sell", "5000"), ("sell", "4990"), ("buy", "4999.9")]
    )
    def test_stop_on_the_wrong_side_is_refused_with_the_numbers(self, action: str, stop: str) -> None:
        end = FUTURES.end(alert(action, 1, stop_loss=StopLoss(stop_price=d(stop))))

        assert end.code == "stop_wrong_side"
        assert "5,000" in end.sentence

    @pytest.mark.parametrize(("action", "level"), [("buy", "4990"), ("sell", "5010")])
    def test_target_on_the_wrong_side_is_refused(self, action: str, level: str) -> None:
        asked = alert(action, 1, take_profit=TakeProfit(limit_price=d(level)))

        assert FUTURES.code(asked) == "target_wrong_side"

    def test_side_is_judged_by_the_orders_own_price(self) -> None:
        fields = {"order_type": LIMIT, "limit_price": d(4900)}

        assert FUTURES.code(alert("buy", 1, stop_loss=StopLoss(stop_price=d(4950)), **fields)) == "stop_wrong_side"
        assert bracket(FUTURES, "buy", take_profit=TakeProfit(limit_price=d(4950)), **fields).take_profit == 4950

    def test_limit_beyond_the_market_is_judged_by_the_market(self) -> None:
        asked = alert("buy", 1, order_type=LIMIT, limit_price=d(5100), stop_loss=StopLoss(stop_price=d(5050)))

        assert FUTURES.code(asked) == "stop_wrong_side"

    def test_side_is_judged_by_the_alerts_price_where_there_is_no_quote(self) -> None:
        asked = alert("buy", 1, stop_loss=StopLoss(stop_price=d(5010)), price=d(5000))

        assert FUTURES.with_(quote=None).code(asked) == "stop_wrong_side"

    def test_reversal_with_a_wrong_stop_closes_and_opens_nothing(self) -> None:
        goal = FUTURES.goal(alert("buy", 3, stop_loss=StopLoss(stop_price=d(6000))), holds(-2))

        assert (goal.kind, goal.close, goal.entry) == ("exit", Direction.SHORT, None)
        assert goal.dropped is not None
        assert goal.dropped.code == "stop_wrong_side"

    def test_trailing_stop_has_a_distance_and_no_level(self) -> None:
        amount = bracket(FUTURES, "buy", stop_loss=StopLoss(TRAIL, trail_amount=d("5.1")))
        percent = bracket(FUTURES, "buy", stop_loss=StopLoss(trail_percent=d("1.5")))

        assert amount == Bracket(trail_amount=d("5.00"))
        assert percent == Bracket(trail_percent=d("1.5"))

    @pytest.mark.parametrize(
        "stop", [StopLoss(TRAIL, trail_amount=d(1)), StopLoss(STOP_LIMIT, stop_price=d(1), limit_price=d(1))]
    )
    def test_kind_of_stop_that_the_broker_lacks_is_refused_by_name(self, stop: StopLoss) -> None:
        end = FX.end(alert("buy", 1, stop_loss=stop))

        assert end.code == "bracket_unsupported"
        assert stop.type.value in end.sentence

    def test_broker_without_brackets_refuses_the_entry(self) -> None:
        desk = FUTURES.with_(capabilities=replace(FUTURES.capabilities, entry_bracket=False))

        assert desk.code(alert("buy", 1, stop_loss=StopLoss(amount=d(1)))) == "bracket_unsupported"

    @pytest.mark.parametrize(
        ("fields", "code"),
        [
            ({"stop_loss": StopLoss()}, "bracket_incomplete"),
            ({"stop_loss": StopLoss(TRAIL)}, "bracket_incomplete"),
            ({"stop_loss": StopLoss(STOP_LIMIT, stop_price=d(4900))}, "bracket_incomplete"),
            ({"take_profit": TakeProfit()}, "bracket_incomplete"),
            ({"stop_loss": StopLoss(stop_price=d(0))}, "price_not_positive"),
            ({"stop_loss": StopLoss(trail_amount=d(0))}, "price_not_positive"),
            ({"stop_loss": StopLoss(amount=d(0))}, "stop_wrong_side"),
            ({"stop_loss": StopLoss(percent=d(100))}, "price_not_positive"),
        ],
    )
    def test_incomplete_bracket_is_refused(self, fields: dict[str, Any], code: str) -> None:
        assert FUTURES.code(alert("buy", 1, **fields)) == code


class TestDurations:
    @pytest.mark.parametrize(
        ("desk", "order_type", "duration"),
        [
            (FUTURES, OrderType.MARKET, Duration.DAY),
            (FUTURES, LIMIT, Duration.DAY),
            (FX, OrderType.MARKET, Duration.IOC),
            (FX, LIMIT, Duration.GTC),
            (FX, STOP, Duration.GTC),
        ],
    )
    def test_default_is_what_the_broker_has(self, desk: Desk, order_type: OrderType, duration: Duration) -> None:
        asked = alert("buy", 1, order_type=order_type, limit_price=d(1), stop_price=d(2))

        assert desk.entry(asked).duration is duration

    @pytest.mark.parametrize("duration", [Duration.GTC, Duration.IOC, Duration.FOK, Duration.OPG])
    def test_duration_is_taken_as_said(self, duration: Duration) -> None:
        asked = alert("buy", 1, order_type=LIMIT, limit_price=d(4000), time_in_force=duration)

        assert FUTURES.entry(asked).duration is duration

    @pytest.mark.parametrize(
        ("desk", "order_type", "duration"),
        [
            (FX, LIMIT, Duration.DAY),
            (FX, LIMIT, Duration.IOC),
            (FX, OrderType.MARKET, Duration.FOK),
            (FUTURES, STOP, Duration.OPG),
        ],
    )
    def test_duration_that_the_broker_lacks_is_refused_by_name(
        self, desk: Desk, order_type: OrderType, duration: Duration
    ) -> None:
        asked = alert("buy", 1, order_type=order_type, limit_price=d(1), stop_price=d(2), time_in_force=duration)

        end = desk.end(asked)

        assert end.code == "time_in_force_unsupported"
        assert duration.value in end.sentence

    @pytest.mark.parametrize("duration", [Duration.DAY, Duration.GTC])
    def test_market_order_fills_at_once_so_its_day_is_moot(self, duration: Duration) -> None:
        assert FX.entry(alert("buy", 1, time_in_force=duration)).duration is Duration.IOC

    @pytest.mark.parametrize(
        ("asked", "extended"),
        [(None, Duration.DAY_EXT), (Duration.DAY, Duration.DAY_EXT), (Duration.GTC, Duration.GTC_EXT)],
    )
    def test_extended_hours_widen_a_limit_order(self, asked: Duration | None, extended: Duration) -> None:
        limit = alert("buy", 1, order_type=LIMIT, limit_price=d(4000), time_in_force=asked, extended_hours=True)

        assert FUTURES.entry(limit).duration is extended

    @pytest.mark.parametrize(
        ("desk", "order_type", "duration"),
        [
            (FUTURES, OrderType.MARKET, None),
            (FUTURES, STOP, None),
            (FUTURES, LIMIT, Duration.IOC),
            (FX, LIMIT, None),
        ],
    )
    def test_extended_hours_are_refused_for_what_cannot_work_there(
        self, desk: Desk, order_type: OrderType, duration: Duration | None
    ) -> None:
        asked = alert(
            "buy",
            1,
            order_type=order_type,
            limit_price=d(1),
            stop_price=d(2),
            time_in_force=duration,
            extended_hours=True,
        )

        assert desk.code(asked) == "extended_hours_unsupported"


class TestInstruments:
    def test_data_symbol_is_refused(self) -> None:
        desk = FUTURES.with_(instrument=replace(MES, symbol="@MES", tradable=False))

        assert desk.code(alert("buy", 1)) == "not_tradable"

    def test_expired_contract_is_refused(self) -> None:
        desk = FUTURES.with_(instrument=replace(MES, expires_at_ms=NOW_MS))

        assert desk.code(alert("buy", 1)) == "contract_expired"
        assert desk.goal(alert("exit"), holds(1)).kind == "exit"
        later = FUTURES.with_(instrument=replace(MES, expires_at_ms=NOW_MS + 1))
        assert later.entry(alert("buy", 1)).quantity == 1


def test_relative_level_is_rounded_to_the_instruments_tick() -> None:
    desk = FX.with_(quote=quote("1.123457", "EURUSD"), instrument=EURUSD)

    assert bracket(desk, "buy", stop_loss=StopLoss(percent=d("0.1"))).stop_loss == d("1.12234")
