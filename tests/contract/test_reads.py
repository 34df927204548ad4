"""Reads are right, are refused, or fail loudly: an account that cannot be read is never an empty account."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import pytest

from orderbridge.errors import BrokerReadError, BrokerUnavailableError, LoginLostError, RateLimitedError
from tests.contract.backend import Backend, Bench, Fault
from tests.contract.cases import case
from tests.contract.kinds import limit, market, set_up

HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Read:
    """One read of the port, and whether its answer is the account's own."""

    name: str
    ask: Callable[[Bench], object]

    def __str__(self) -> str:
        return self.name


READS = (
    Read("accounts", lambda b: [account.id for account in b.broker.accounts(b.deadline())]),
    Read("state", lambda b: b.broker.state(b.deadline()).balance),
    Read("positions", lambda b: [(p.symbol, p.signed) for p in b.broker.positions(b.deadline())]),
    Read("orders", lambda b: [(o.id, o.status) for o in b.broker.orders(b.deadline(), b.now_ms() - HOUR_MS)]),
    Read("history", lambda b: [o.id for o in b.broker.order_history(b.deadline(), b.now_ms() - HOUR_MS, b.now_ms())]),
    Read("quote", lambda b: b.broker.quote(b.symbol, b.deadline()).last),
    Read("bars", lambda b: len(b.broker.bars(b.symbol, "5", b.now_ms() - HOUR_MS, b.now_ms(), b.deadline()))),
)
BREAKS = (
    Fault.CONNECTION_REFUSED,
    Fault.RESET_BEFORE,
    Fault.REPLY_LOST,
    Fault.ERROR_BEFORE,
    Fault.ERROR_AFTER,
    Fault.GARBLED_AFTER,
)
"""What a read outlives when it happens once."""
HANGS = (Fault.TIMEOUT_AFTER, Fault.TIMEOUT_BEFORE)


def busy(backend: Backend) -> Bench:
    """Open a bench with something in every read: a position, a working order, a finished one."""
    bench = backend.open()
    set_up(bench, market(bench), "1")
    set_up(bench, limit(bench), "2")
    for read in READS:
        read.ask(bench)  # what an adapter reads once and keeps is read now
    return bench


@case("BC-101")
@pytest.mark.parametrize("fault", BREAKS, ids=str)
@pytest.mark.parametrize("read", READS, ids=str)
def test_read_under_a_passing_fault_is_right(backend: Backend, read: Read, fault: Fault) -> None:
    bench = busy(backend)
    expected = read.ask(bench)
    bench.read_fault(fault)
    assert read.ask(bench) == expected


@case("BC-102")
@pytest.mark.parametrize("fault", [*BREAKS, *HANGS], ids=str)
@pytest.mark.parametrize("read", READS, ids=str)
def test_read_under_a_lasting_fault_raises_unavailable(backend: Backend, read: Read, fault: Fault) -> None:
    bench = busy(backend)
    bench.read_fault(fault, times=40)
    with pytest.raises(BrokerUnavailableError):
        read.ask(bench)


@case("BC-102")
@pytest.mark.parametrize("read", [read for read in READS if read.name in ("state", "positions", "orders")], ids=str)
def test_error_inside_a_200_is_never_an_empty_account(backend: Backend, read: Read) -> None:
    bench = busy(backend)
    bench.read_fault(Fault.ERROR_BODY, times=40)
    with pytest.raises(BrokerReadError):
        read.ask(bench)


@case("BC-103")
@pytest.mark.parametrize("fault", [Fault.RATE_JSON, Fault.RATE_EDGE], ids=str)
@pytest.mark.parametrize("read", READS, ids=str)
def test_read_over_the_quota_raises_with_the_time_to_wait(backend: Backend, read: Read, fault: Fault) -> None:
    bench = busy(backend)
    bench.read_fault(fault, times=40)
    with pytest.raises(RateLimitedError) as caught:
        read.ask(bench)
    assert caught.value.retry_after_ms > 0


@case("BC-104")
@pytest.mark.parametrize("read", READS, ids=str)
def test_read_with_a_refused_token_is_repeated_with_another(backend: Backend, read: Read) -> None:
    bench = busy(backend)
    expected = read.ask(bench)
    bench.expire_token()
    assert read.ask(bench) == expected
    bench.read_fault(Fault.UNAUTHORIZED)
    assert read.ask(bench) == expected


@case("BC-105")
@pytest.mark.parametrize("read", READS, ids=str)
def test_read_of_a_dead_login_raises_that_it_is_lost(backend: Backend, read: Read) -> None:
    bench = busy(backend)
    bench.read_fault(Fault.LOGIN_DEAD)
    with pytest.raises(LoginLostError):
        read.ask(bench)


@case("BC-106")
def test_accounts_and_state_have_sensible_values(backend: Backend) -> None:
    bench = busy(backend)
    accounts = bench.broker.accounts(bench.deadline())
    assert any(account.status == "active" and account.currency for account in accounts)
    assert len({account.id for account in accounts}) == len(accounts)
    state = bench.broker.state(bench.deadline())
    assert state.balance > 0
    assert abs(state.equity - state.balance) < state.balance


@case("BC-106")
def test_instrument_has_steps_that_the_cases_prices_fit(backend: Backend) -> None:
    bench = backend.open()
    instrument = bench.broker.instrument(bench.symbol, bench.deadline())
    assert instrument.tradable
    assert instrument.symbol == bench.symbol
    assert bench.price % instrument.tick_at(bench.price) == 0
    assert bench.unit % instrument.quantity_step == 0
    assert instrument.min_quantity <= bench.unit
    assert instrument.units_per_quantity > 0


@case("BC-106")
def test_quote_follows_the_price(backend: Backend) -> None:
    bench = backend.open()
    bench.set_price(bench.price + bench.distance)
    quote = bench.broker.quote(bench.symbol, bench.deadline())
    assert quote.bid is not None
    assert quote.ask is not None
    assert quote.bid <= quote.ask
    assert quote.reference is not None
    assert abs(quote.reference - bench.price - bench.distance) < bench.distance / 2
    assert not quote.halted


@case("BC-106")
@pytest.mark.parametrize(("resolution", "length_ms"), [("1", 60_000), ("60", HOUR_MS), ("1D", 24 * HOUR_MS)])
def test_bars_stand_in_order_and_carry_their_opening_time(backend: Backend, resolution: str, length_ms: int) -> None:
    bench = backend.open()
    from_ms = bench.now_ms() - 30 * length_ms
    bars = bench.broker.bars(bench.symbol, resolution, from_ms, bench.now_ms(), bench.deadline())
    times = [bar.time_ms for bar in bars]
    assert times == sorted(set(times))
    assert times
    assert all(from_ms <= time <= bench.now_ms() and time % min(length_ms, HOUR_MS) == 0 for time in times)
    assert all(Decimal(0) < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in bars)


@case("BC-107")
def test_session_of_many_reads_stays_within_the_quotas(backend: Backend) -> None:
    bench = busy(backend)
    for _ in range(150):
        assert bench.broker.positions(bench.deadline())
        bench.broker.orders(bench.deadline(), bench.now_ms() - 1)
        bench.advance(2_000)
