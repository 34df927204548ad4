"""What only TradeStation has: the duplicate guard, four actions, groups refused in part, its sign-in."""

from dataclasses import replace
from decimal import Decimal

import pytest

from orderbridge.brokers.budget import Unlimited
from orderbridge.brokers.http import BrokerHttp
from orderbridge.brokers.login import Login, LoginRefused
from orderbridge.brokers.port import Accepted, Done, NotTaken, Outcome, Refused, Unknown
from orderbridge.brokers.tradestation.adapter import TradeStation
from orderbridge.commands import Bracket, Cancel, Command, Place, PlaceGroup
from orderbridge.errors import BrokerUnavailableError, RateLimitedError
from orderbridge.model import Duration, OrderStatus, Side
from tests.contract.backend import Fault
from tests.contract.cases import case
from tests.contract.kinds import SETTLE_MS, active, bracket, close, evidence, exits, limit, look, market, set_up
from tests.contract.test_orders import holding, shown
from tests.contract.test_outcomes import COMMAND_ID, resolved, send
from tests.contract.tradestation import EQUITIES, FUTURES, HOSTS, TradeStationBench, control

D = Decimal


def bench_of(**switches: object) -> TradeStationBench:
    return TradeStationBench(EQUITIES, switches)


# ---- the duplicate guard


@case("BC-401")
@pytest.mark.parametrize("mode", ["reject-400", "failed-entry"])
def test_second_sending_that_the_guard_stops_is_told_as_a_duplicate(mode: str) -> None:
    bench = bench_of(confirm_id_mode=mode)
    first = send(bench, limit(bench))
    second = send(bench, limit(bench))
    assert isinstance(first, Accepted)
    assert isinstance(second, Refused)
    assert second.code == "duplicate"
    assert len(active(bench.book(), bench.symbol)) == 1


@case("BC-401")
def test_second_sending_that_gives_the_original_is_accepted_with_its_ids() -> None:
    bench = bench_of(confirm_id_mode="return-original")
    first = send(bench, limit(bench, bracket=bracket(bench)))
    second = send(bench, limit(bench, bracket=bracket(bench)))
    assert isinstance(first, Accepted)
    assert isinstance(second, Accepted)
    assert {o.order_id for o in first.orders} == {o.order_id for o in second.orders}
    assert len(active(bench.book(), bench.symbol)) == 3


@case("BC-401")
def test_second_sending_where_the_guard_is_ignored_makes_another_order() -> None:
    """Why nothing is ever sent again without proof: the guard is unconfirmed."""
    bench = bench_of(confirm_id_mode="ignore")
    send(bench, limit(bench))
    send(bench, limit(bench))
    assert len(active(bench.book(), bench.symbol)) == 2


@case("BC-401")
@pytest.mark.parametrize("mode", ["reject-400", "failed-entry", "return-original"])
def test_order_whose_first_reply_was_lost_is_found_after_the_guard_answered(mode: str) -> None:
    bench = bench_of(confirm_id_mode=mode)
    command = limit(bench)
    known = evidence(bench)
    bench.fault(Fault.REPLY_LOST)
    assert isinstance(send(bench, command), Unknown)
    assert not isinstance(send(bench, command), Unknown)
    resolution = resolved(bench, command, known)
    assert isinstance(resolution, Done)
    (order,) = active(bench.book(), bench.symbol)
    assert [placed.order_id for placed in resolution.orders] == [order.id]


@case("BC-401")
def test_marks_of_our_own_fit_where_plus_and_slash_are_refused() -> None:
    bench = bench_of(confirm_id_characters="no_plus_slash")
    outcome = send(bench, replace(market(bench), bracket=bracket(bench)))
    assert isinstance(outcome, Accepted)


# ---- actions and what is held


@case("BC-402")
@pytest.mark.parametrize("text", ["coded", "bare"])
@pytest.mark.parametrize("form", ["errors", "orders", "http_400"])
def test_close_that_does_not_fit_the_position_is_refused_in_every_form(form: str, text: str) -> None:
    bench = bench_of(reject_form=form, position_reject_text=text)
    flat = send(bench, Place(bench.symbol, Side.SELL, bench.unit, "close"))
    assert isinstance(flat, Refused)
    assert flat.code in ("flat", "side_mismatch")
    set_up(bench, market(bench), "1")
    too_much = send(bench, Place(bench.symbol, Side.SELL, bench.unit * 2, "close"))
    assert isinstance(too_much, Refused)
    assert too_much.code == "side_mismatch"
    assert bench.book().held(bench.symbol) == bench.unit


@case("BC-402")
@pytest.mark.parametrize("text", ["coded", "bare"])
def test_shares_reserved_by_working_exits_are_told_as_reserved(text: str) -> None:
    bench = bench_of(position_reject_text=text)
    set_up(bench, replace(market(bench), bracket=bracket(bench)))
    refused = send(bench, close(bench))
    assert isinstance(refused, Refused)
    assert refused.code == "reserved"


@case("BC-402")
def test_entry_against_the_position_is_a_side_mismatch() -> None:
    bench = bench_of()
    set_up(bench, market(bench), "1")
    refused = send(bench, market(bench, Side.SELL))
    assert isinstance(refused, Refused)
    assert refused.code == "side_mismatch"


@case("BC-402")
def test_future_is_closed_and_entered_with_plain_buys_and_sells() -> None:
    bench = TradeStationBench(FUTURES)
    set_up(bench, market(bench), "1")
    set_up(bench, close(bench), "2")
    set_up(bench, market(bench, Side.SELL), "3")
    assert [body["TradeAction"] for body in bench.bodies()] == ["BUY", "SELL", "SELL"]
    assert holding(bench) == -bench.unit


@case("BC-402")
def test_price_off_the_increment_is_invalid() -> None:
    bench = bench_of()
    refused = send(bench, replace(limit(bench), limit_price=D("400.005")))
    assert isinstance(refused, Refused)
    assert refused.code == "invalid"
    assert "increment" in refused.message


# ---- groups


@case("BC-403")
@pytest.mark.parametrize("form", ["errors", "orders"])
@pytest.mark.parametrize("reply_order", ["request", "reversed"])
def test_group_refused_in_part_names_the_child_that_was_refused(form: str, reply_order: str) -> None:
    bench = bench_of(reject_form=form, children_order_in_reply=reply_order, group_partial_refusal="siblings_stand")
    set_up(bench, market(bench), "1")
    stop, target = exits(bench)
    wild = replace(target, limit_price=bench.price * 100)
    outcome = send(bench, PlaceGroup("oco", (stop, wild)))
    assert isinstance(outcome, Accepted)
    assert {(o.index, o.refused is None) for o in outcome.orders} == {(0, True), (1, False)}
    (standing,) = active(bench.book(), bench.symbol)
    assert standing.id in [o.order_id for o in outcome.orders if o.refused is None]


@case("BC-403")
@pytest.mark.parametrize("form", ["errors", "orders", "http_400"])
def test_group_refused_as_a_whole_is_refused(form: str) -> None:
    bench = bench_of(reject_form=form, group_partial_refusal="all_refused")
    set_up(bench, market(bench), "1")
    stop, target = exits(bench)
    outcome = send(bench, PlaceGroup("oco", (stop, replace(target, limit_price=bench.price * 100))))
    assert isinstance(outcome, Refused)
    assert active(bench.book(), bench.symbol) == []


@case("BC-403")
@pytest.mark.parametrize(
    "exits_",
    [
        Bracket(stop_loss=D("400.00")),
        Bracket(take_profit=D("430.00")),
        Bracket(stop_loss=D("400.00"), stop_limit=D("399.00"), take_profit=D("430.00")),
        Bracket(trail_amount=D("4.50"), take_profit=D("430.00")),
        Bracket(trail_percent=D("2.0")),
    ],
)
def test_entry_with_each_kind_of_exit_is_taken_and_found_again(exits_: Bracket) -> None:
    bench = bench_of()
    command = limit(bench, bracket=exits_)
    known = evidence(bench)
    bench.fault(Fault.REPLY_LOST)
    assert isinstance(send(bench, command), Unknown)
    resolution = resolved(bench, command, known)
    assert isinstance(resolution, Done)
    assert all(placed.refused is None for placed in resolution.orders)
    wanted = 1 + exits_.has_stop + (exits_.take_profit is not None)
    assert len(resolution.orders) == len(active(bench.book(), bench.symbol)) == wanted


# ---- fills, cancels, ends


@case("BC-404")
def test_entry_that_ends_partly_filled_is_cancelled_with_its_fill() -> None:
    bench = bench_of()
    control(bench.sim, "script", {"partial_fill": {"quantities": ["4"], "then": "FLP"}})
    order_id = set_up(bench, limit(bench, bracket=bracket(bench)))
    bench.set_price(bench.price - 2 * bench.distance)
    bench.advance(SETTLE_MS)
    order = shown(bench, order_id)
    assert (order.native_status, order.status) == ("FLP", OrderStatus.CANCELLED)
    assert order.filled_quantity == holding(bench) == D(4)
    assert order.remaining == 0


@case("BC-404")
@pytest.mark.parametrize(("race", "ends"), [("fill", OrderStatus.FILLED), ("reject", OrderStatus.WORKING)])
def test_cancel_that_loses_is_accepted_and_the_order_tells_the_truth(race: str, ends: OrderStatus) -> None:
    bench = bench_of()
    control(bench.sim, "script", {"cancel_race": race})
    order_id = set_up(bench, limit(bench))
    assert isinstance(send(bench, Cancel(order_id, bench.symbol)), Accepted)
    bench.advance(SETTLE_MS)
    assert shown(bench, order_id).status is ends


@case("BC-404")
def test_order_filled_under_ack_and_a_hit_stop_show_what_they_are() -> None:
    bench = bench_of(ack_with_fill_ms=5_000, stp_looks_closed="yes")
    outcome = send(bench, market(bench))
    assert isinstance(outcome, Accepted)
    bench.advance(1_000)
    order = shown(bench, outcome.orders[0].order_id)
    assert (order.native_status, order.status, order.filled_quantity) == ("ACK", OrderStatus.WORKING, bench.unit)
    assert order.remaining == 0
    bench.advance(10_000)
    assert shown(bench, order.id).status is OrderStatus.FILLED


@case("BC-404")
def test_waiting_exits_are_inactive_until_their_entry_is_filled() -> None:
    bench = bench_of()
    outcome = send(bench, limit(bench, bracket=bracket(bench)))
    assert isinstance(outcome, Accepted)
    bench.advance(SETTLE_MS)
    entry = outcome.orders[0].order_id
    waiting = [order for order in look(bench).orders if order.parent_id == entry]
    assert {order.status for order in waiting} == {OrderStatus.INACTIVE}
    bench.set_price(bench.price - 2 * bench.distance)
    bench.advance(SETTLE_MS)
    ids = {order.id for order in waiting}
    assert {order.status for order in look(bench).orders if order.id in ids} == {OrderStatus.WORKING}


# ---- before an order


@case("BC-405")
def test_preview_places_nothing_and_says_what_it_costs() -> None:
    bench = bench_of()
    (confirmation,) = bench.broker.preview(market(bench), COMMAND_ID, bench.deadline())
    assert confirmation.estimated_cost is not None
    assert confirmation.estimated_cost > 0
    assert len(confirmation.confirm_id) == 22
    group = bench.broker.preview(PlaceGroup("oco", (limit(bench), limit(bench, -2))), COMMAND_ID, bench.deadline())
    assert len(group) == 2
    assert bench.book().orders == ()


@case("BC-405")
def test_routes_triggers_and_the_front_contract_are_listed() -> None:
    bench = TradeStationBench(FUTURES)
    assert "Intelligent" in {route.id for route in bench.broker.routes(bench.deadline())}
    assert "STT" in {trigger.key for trigger in bench.broker.activation_triggers(bench.deadline())}
    continuous = bench.broker.instrument("@MES", bench.deadline())
    assert (continuous.tradable, continuous.front_contract) == (False, "MESZ26")
    assert bench.broker.instrument("MESZ26", bench.deadline()).units_per_quantity == 5


@case("BC-405")
@pytest.mark.parametrize("duration", [Duration.DAY_EXT, Duration.GTC_EXT])
def test_extended_duration_is_shown_as_it_was_asked(duration: Duration) -> None:
    bench = bench_of()
    assert shown(bench, set_up(bench, replace(limit(bench), duration=duration))).duration == duration.value


# ---- quotas


def send_as(bench: TradeStationBench, command: Command, command_id: str) -> Outcome:
    return bench.broker.send(command, command_id, bench.deadline())


def unbudgeted(bench: TradeStationBench) -> TradeStation:
    """Give an adapter that counts nothing itself."""
    http = BrokerHttp(bench.client, bench.tokens.login.base_url, HOSTS, bench.tokens, Unlimited())
    return TradeStation(http, bench.seat.account_id, now_ms=bench.now_ms)


@case("BC-406")
@pytest.mark.parametrize("prefix", ["X-RateLimit", "Rate-Limit"])
@pytest.mark.parametrize("window", ["fixed", "rolling"])
def test_client_that_ignores_the_quota_is_told_when_to_come_back(prefix: str, window: str) -> None:
    bench = bench_of(quota_header_prefix=prefix, quota_window=window)
    greedy = unbudgeted(bench)
    for _ in range(320):
        greedy.positions(bench.deadline())
    with pytest.raises(RateLimitedError) as caught:
        greedy.positions(bench.deadline())
    assert 200_000 < caught.value.retry_after_ms <= 300_000
    bench.advance(caught.value.retry_after_ms)
    greedy.positions(bench.deadline())


@case("BC-406")
def test_write_over_a_placement_quota_is_refused_as_rate_limited() -> None:
    bench = bench_of(placement_quota=1)
    assert isinstance(send(bench, limit(bench)), Accepted)
    refused = unbudgeted(bench).send(limit(bench, -2), "e" * 32, bench.deadline())
    assert isinstance(refused, Refused)
    assert refused.code == "rate_limited"
    sent = bench.writes()
    assert isinstance(bench.broker.send(limit(bench, -2), "e" * 32, bench.deadline()), NotTaken)
    assert bench.writes() == sent  # the budget has learned from the first reply's headers
    assert len(active(bench.book(), bench.symbol)) == 1


@case("BC-406")
def test_last_of_a_placement_quota_is_for_closing_and_protecting() -> None:
    """Entries leave a quarter of it, and cancels what a close or a stop takes: none is taken away in vain."""
    bench = bench_of(placement_quota=60)
    resting = [send_as(bench, limit(bench), f"{number:032}") for number in range(45)]
    assert all(isinstance(outcome, Accepted) for outcome in resting)
    assert isinstance(send_as(bench, limit(bench), "e" * 32), NotTaken)

    orders = [order.id for order in active(bench.book(), bench.symbol)]
    cancelled = [send_as(bench, Cancel(name, bench.symbol), f"{name:0>32}") for name in orders]

    assert [isinstance(outcome, Accepted) for outcome in cancelled] == [True] * 13 + [False] * 32
    assert isinstance(cancelled[13], NotTaken)
    open_to_close = replace(market(bench), effect="close", side=Side.SELL)
    assert not isinstance(send_as(bench, open_to_close, "c" * 32), NotTaken)
    bench.advance(300_000)
    assert isinstance(send_as(bench, limit(bench), "f" * 32), Accepted)


# ---- signing in


@case("BC-407")
@pytest.mark.parametrize("rotates", ["no", "yes"])
@pytest.mark.parametrize("scope", ["full", "identity_only"])
def test_refresh_keeps_trading_whatever_its_reply_leaves_out(rotates: str, scope: str) -> None:
    bench = bench_of(refresh_token_rotates=rotates, refresh_scope=scope)
    before = bench.tokens.login
    for _ in range(3):
        bench.advance(1_200_000)  # the life of an access token
        assert bench.broker.state(bench.deadline()).balance > 0
    after = bench.tokens.login
    assert after.scope == before.scope
    assert (after.refresh_token == before.refresh_token) == (rotates == "no")


@case("BC-407")
@pytest.mark.parametrize("status", ["400", "401", "403"])
def test_refresh_token_that_was_ended_is_a_dead_login(status: str) -> None:
    bench = bench_of(oauth_error_status=status)
    control(bench.sim, "tokens", {"expire": "refresh"})
    assert isinstance(bench.auth.refresh(bench.tokens.login, bench.deadline()), LoginRefused)


@case("BC-407")
@pytest.mark.parametrize("field", ["any", "token", "refresh_token"])
def test_revoked_login_cannot_be_refreshed(field: str) -> None:
    bench = bench_of(revoke_field=field)
    assert isinstance(bench.auth.refresh(bench.tokens.login, bench.deadline()), Login)
    bench.auth.revoke(bench.tokens.login, bench.deadline())
    assert isinstance(bench.auth.refresh(bench.tokens.login, bench.deadline()), LoginRefused)


@case("BC-407")
@pytest.mark.parametrize(
    "fault", [{"kind": "reply_lost"}, {"kind": "status_before", "status": 503}, {"kind": "rate_edge"}], ids=str
)
def test_token_endpoint_that_is_down_is_no_dead_login(fault: dict[str, object]) -> None:
    bench = bench_of()
    bench.sim.faults.add({"match": {"path": "^/oauth/token"}, "fault": fault, "times": 1})
    with pytest.raises(BrokerUnavailableError):
        bench.auth.refresh(bench.tokens.login, bench.deadline())
    assert isinstance(bench.auth.refresh(bench.tokens.login, bench.deadline()), Login)
