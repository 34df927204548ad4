"""Many workers find one login lapsed at the same moment: the broker sees one exchange, and every worker its result."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier, Lock

import pytest

from orderbridge.brokers.http import MonotonicDeadline
from orderbridge.brokers.login import Login, LoginRefused, RefreshOutcome
from orderbridge.brokers.port import Deadline
from orderbridge.errors import ConflictError
from orderbridge.secret import Secret
from orderbridge.storage.secrets import LoginSecrets
from orderbridge.storage.token_lease import Lease, TokenLeases
from orderbridge.storage.tokens import TokenKeeper
from sandbox.local_aws import BridgeResources, LocalAws

pytestmark = pytest.mark.race

WORKERS = 8
ROUNDS = 10
NAME = "ts-sim"


class RotatingBroker:
    """Ends a refresh token when it is used, and the whole login when one is used twice."""

    def __init__(self) -> None:
        self.exchanges = 0
        self.expected = "refresh-0"
        self.reused = False
        self._lock = Lock()

    def refresh(self, login: Login, deadline: Deadline) -> RefreshOutcome:
        with self._lock:
            if login.refresh_token.reveal() != self.expected:
                self.reused = True
                return LoginRefused("invalid_grant")
            self.exchanges += 1
            number = self.exchanges
            self.expected = f"refresh-{number}"
        time.sleep(0.02)
        now_ms = int(time.time() * 1000)
        return replace(
            login,
            access_token=Secret(f"access-{number}"),
            refresh_token=Secret(f"refresh-{number}"),
            obtained_at_ms=now_ms,
            access_expires_at_ms=now_ms + 1_200_000,
        )


def lapsed_login() -> Login:
    return Login(
        broker="tradestation",
        environment="sim",
        base_url="https://sim-api.tradestation.com/v3",
        auth_url="https://signin.tradestation.com",
        refresh_token=Secret("refresh-0"),
        access_token=Secret("access-0"),
        access_expires_at_ms=1,
        obtained_at_ms=0,
    )


def keeper(aws: LocalAws, bridge: BridgeResources, broker: RotatingBroker) -> TokenKeeper:
    """Make a keeper as a process of its own would: nothing is shared but the stores and the broker."""
    secrets = LoginSecrets(aws.client("secretsmanager"), bridge.secret_prefix)
    return TokenKeeper(NAME, secrets, TokenLeases(aws.client("dynamodb"), bridge.table_name), broker.refresh)


def test_workers_that_race_for_a_lapsed_token_make_one_exchange(aws: LocalAws, bridge: BridgeResources) -> None:
    broker = RotatingBroker()
    keeper(aws, bridge, broker).replace_login(lapsed_login(), MonotonicDeadline(30))
    keepers = [keeper(aws, bridge, broker) for _ in range(WORKERS)]
    barrier = Barrier(WORKERS)

    def work(one: TokenKeeper) -> Secret:
        barrier.wait()
        return one.access_token(MonotonicDeadline(30))

    with ThreadPoolExecutor(WORKERS) as pool:
        tokens = list(pool.map(work, keepers))

    assert set(tokens) == {Secret("access-1")}
    assert (broker.exchanges, broker.reused) == (1, False)


def test_workers_whose_token_met_a_401_make_one_exchange_each_round(aws: LocalAws, bridge: BridgeResources) -> None:
    broker = RotatingBroker()
    keeper(aws, bridge, broker).replace_login(lapsed_login(), MonotonicDeadline(30))
    keepers = [keeper(aws, bridge, broker) for _ in range(WORKERS)]
    refused = keepers[0].access_token(MonotonicDeadline(30))

    for round_number in range(1, ROUNDS + 1):
        barrier = Barrier(WORKERS)

        def work(one: TokenKeeper, old: Secret = refused, barrier: Barrier = barrier) -> Secret:
            barrier.wait()
            return one.renew(old, MonotonicDeadline(30))

        with ThreadPoolExecutor(WORKERS) as pool:
            tokens = set(pool.map(work, keepers))

        assert tokens == {Secret(f"access-{round_number + 1}")}
        refused = tokens.pop()
    assert (broker.exchanges, broker.reused) == (ROUNDS + 1, False)


def test_threads_of_one_process_make_one_exchange(aws: LocalAws, bridge: BridgeResources) -> None:
    broker = RotatingBroker()
    one = keeper(aws, bridge, broker)
    one.replace_login(lapsed_login(), MonotonicDeadline(30))
    barrier = Barrier(WORKERS)

    def work(_: int) -> Secret:
        barrier.wait()
        return one.access_token(MonotonicDeadline(30))

    with ThreadPoolExecutor(WORKERS) as pool:
        tokens = set(pool.map(work, range(WORKERS)))

    assert tokens == {Secret("access-1")}
    assert (broker.exchanges, broker.reused) == (1, False)


def test_one_of_many_takes_a_lapsed_lease_and_the_old_holder_is_fenced_out(
    aws: LocalAws, bridge: BridgeResources
) -> None:
    broker = RotatingBroker()
    leases = TokenLeases(aws.client("dynamodb"), bridge.table_name)
    keeper(aws, bridge, broker).replace_login(lapsed_login(), MonotonicDeadline(30))
    old = leases.take(NAME, "old", 1_000, 10)
    assert isinstance(old, Lease)
    barrier = Barrier(WORKERS)

    def take(number: int) -> bool:
        barrier.wait()
        return isinstance(leases.take(NAME, f"worker-{number}", 2_000, 1_000), Lease)

    with ThreadPoolExecutor(WORKERS) as pool:
        won = list(pool.map(take, range(WORKERS)))

    assert won.count(True) == 1
    with pytest.raises(ConflictError):
        leases.extend(old, 9_000)
