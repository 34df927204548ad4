"""The token keeper: from memory, refreshed by one worker, stored before it is used, lost in no crash but one."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from orderbridge.brokers.login import Login, LoginRefused, RefreshOutcome
from orderbridge.brokers.port import Deadline
from orderbridge.errors import BrokerUnavailableError, LoginLostError, StorageError
from orderbridge.secret import Secret
from orderbridge.storage.secrets import LoginSecrets
from orderbridge.storage.token_lease import Lease, Taken, TokenLeases
from orderbridge.storage.tokens import RENEWALS_PER_HOUR, TokenKeeper, refresh_due
from tests.machine import HandMade
from tests.unit.storage.aws import PREFIX, TABLE, Aws, fake_aws

START_MS = 1_790_000_000_000
LIFE_MS = 1_200_000
NAME = "ts-sim"


class Killed(BaseException):
    """The process is gone: nothing of it runs any more, no clean-up either."""


@dataclass
class Clock:
    ms: int = START_MS
    while_sleeping: Callable[[], None] = lambda: None

    def now_ms(self) -> int:
        return self.ms

    def sleep(self, seconds: float) -> None:
        self.ms += int(seconds * 1000)
        self.while_sleeping()

    def deadline(self, seconds: float = 60) -> "Until":
        return Until(self, self.ms + int(seconds * 1000))


@dataclass
class Until:
    clock: Clock
    at_ms: int

    def remaining(self) -> float:
        return max(0.0, (self.at_ms - self.clock.ms) / 1000)


@dataclass
class FakeBroker:
    """A token endpoint. `rotates`: each exchange ends the refresh token that was used."""

    clock: Clock
    rotates: bool = False
    calls: int = 0
    good: set[str] = field(default_factory=lambda: {"refresh-0"})
    unavailable: bool = False
    during: Callable[[], None] = lambda: None

    def refresh(self, login: Login, deadline: Deadline) -> RefreshOutcome:
        assert deadline.remaining() > 0
        self.calls += 1
        if self.unavailable:
            raise BrokerUnavailableError("time-out")
        used = login.refresh_token.reveal()
        if used not in self.good:
            return LoginRefused("invalid_grant")
        if self.rotates:
            self.good = {f"refresh-{self.calls}"}
        pair = replace(
            login,
            access_token=Secret(f"access-{self.calls}"),
            refresh_token=Secret(f"refresh-{self.calls}") if self.rotates else login.refresh_token,
            obtained_at_ms=self.clock.ms,
            access_expires_at_ms=self.clock.ms + LIFE_MS,
        )
        self.during()
        return pair


class Process:
    """One process with its clients and keeper; dies before or after the nth call that it makes to AWS."""

    def __init__(self, aws: Aws, clock: Clock, broker: FakeBroker, name: str = "a") -> None:
        self.calls: list[str] = []
        self.die_at: int | None = None
        self.die_after: int | None = None
        self.failing: set[str] = set()
        self._dead = False
        ids = itertools.count()
        self.secrets = LoginSecrets(Mortal(aws.secretsmanager, self), PREFIX)
        self.leases = TokenLeases(Mortal(aws.dynamodb, self), TABLE)
        self.keeper = TokenKeeper(
            NAME,
            self.secrets,
            self.leases,
            broker.refresh,
            HandMade(
                clock.now_ms,
                sleep=clock.sleep,
                chance=lambda: 0.5,
                random_bytes=lambda count: f"{name}{next(ids)}".rjust(count).encode(),
            ),
        )

    def call(self, name: str, operation: Any, arguments: dict[str, Any]) -> Any:
        number = len(self.calls)
        self.calls.append(name)
        if self._dead or number == self.die_at:
            self._dead = True
            raise Killed
        if name in self.failing:
            raise _client_error(name)
        reply = operation(**arguments)
        if number == self.die_after:
            self._dead = True
            raise Killed
        return reply


class Mortal:
    def __init__(self, client: Any, process: Process) -> None:
        self._client = client
        self._process = process

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._client, name)
        return lambda **arguments: self._process.call(name, operation, arguments)


def _client_error(name: str) -> Exception:
    from botocore.exceptions import ClientError

    return ClientError({"Error": {"Code": "InternalServiceError", "Message": "canary"}}, name)


def first_login(**changes: Any) -> Login:
    login = Login(
        broker="tradestation",
        environment="sim",
        base_url="https://sim-api.tradestation.com/v3",
        auth_url="https://signin.tradestation.com",
        refresh_token=Secret("refresh-0"),
        access_token=Secret("access-0"),
        access_expires_at_ms=START_MS + LIFE_MS,
        obtained_at_ms=START_MS,
        client_id="client",
        client_secret=Secret("client-secret-canary"),
    )
    return replace(login, **changes)


@dataclass
class Bench:
    aws: Aws
    clock: Clock
    broker: FakeBroker

    def process(self, name: str = "a") -> Process:
        return Process(self.aws, self.clock, self.broker, name)

    def stored(self) -> Login:
        return LoginSecrets(self.aws.secretsmanager, PREFIX).read(NAME).login

    def versions(self) -> int:
        listed = self.aws.secretsmanager.list_secret_version_ids(
            SecretId=f"{PREFIX}connections/{NAME}", IncludeDeprecated=True
        )
        return len(listed["Versions"])


@pytest.fixture
def bench() -> Iterator[Bench]:
    with fake_aws() as aws:
        clock = Clock()
        yield Bench(aws, clock, FakeBroker(clock))


@pytest.fixture
def connected(bench: Bench) -> Bench:
    bench.process("connect").keeper.replace_login(first_login(), bench.clock.deadline())
    return bench


# ---- handing out


def test_valid_token_is_given_from_memory_after_one_read(connected: Bench) -> None:
    process = connected.process()

    tokens = {process.keeper.access_token(connected.clock.deadline()) for _ in range(3)}

    assert tokens == {Secret("access-0")}
    assert process.calls == ["get_secret_value"]
    assert connected.broker.calls == 0


def test_token_about_to_lapse_is_refreshed_and_stored_before_it_is_given(connected: Bench) -> None:
    connected.clock.ms += LIFE_MS - 20_000

    token = connected.process().keeper.access_token(connected.clock.deadline())

    assert token == Secret("access-1")
    assert connected.stored().access_token == Secret("access-1")
    assert connected.broker.calls == 1


def test_second_process_uses_the_pair_that_the_first_stored(connected: Bench) -> None:
    connected.clock.ms += LIFE_MS
    connected.process("a").keeper.access_token(connected.clock.deadline())

    token = connected.process("b").keeper.access_token(connected.clock.deadline())

    assert token == Secret("access-1")
    assert connected.broker.calls == 1


def test_missing_login_asks_for_connecting(bench: Bench) -> None:
    with pytest.raises(LoginLostError, match="connect it first"):
        bench.process().keeper.access_token(bench.clock.deadline())


def test_unreadable_secret_is_an_error_without_its_content(connected: Bench) -> None:
    connected.aws.secretsmanager.put_secret_value(
        SecretId=f"{PREFIX}connections/{NAME}", SecretString='{"shape":1,"broker":"canary"}'
    )

    with pytest.raises(StorageError) as caught:
        connected.process().keeper.access_token(connected.clock.deadline())

    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


# ---- 401


def test_token_refused_by_the_broker_is_exchanged_for_another(connected: Bench) -> None:
    process = connected.process()
    refused = process.keeper.access_token(connected.clock.deadline())

    token = process.keeper.renew(refused, connected.clock.deadline())

    assert token == Secret("access-1")


def test_token_refused_that_somebody_renewed_already_is_not_exchanged_again(connected: Bench) -> None:
    first, second = connected.process("a"), connected.process("b")
    refused = first.keeper.access_token(connected.clock.deadline())
    second.keeper.access_token(connected.clock.deadline())
    first.keeper.renew(refused, connected.clock.deadline())

    token = second.keeper.renew(refused, connected.clock.deadline())

    assert token == Secret("access-1")
    assert connected.broker.calls == 1


def test_renewals_beyond_the_hour_s_number_are_refused_and_allowed_again_an_hour_later(connected: Bench) -> None:
    keeper = connected.process().keeper
    token = keeper.access_token(connected.clock.deadline())
    for _ in range(RENEWALS_PER_HOUR):
        token = keeper.renew(token, connected.clock.deadline())

    with pytest.raises(BrokerUnavailableError, match="fresh tokens within an hour"):
        keeper.renew(token, connected.clock.deadline())
    connected.clock.ms += 3_600_000
    keeper.renew(keeper.access_token(connected.clock.deadline()), connected.clock.deadline())

    assert connected.broker.calls == RENEWALS_PER_HOUR + 2


# ---- one at a time


def hold_lease(bench: Bench, seconds: int = 30) -> Lease:
    lease = bench.process("other").leases.take(NAME, "other", bench.clock.ms, seconds * 1000)
    assert isinstance(lease, Lease)
    return lease


def test_loser_waits_and_takes_what_the_winner_stored(connected: Bench) -> None:
    connected.clock.ms += LIFE_MS
    hold_lease(connected)
    winner = LoginSecrets(connected.aws.secretsmanager, PREFIX)
    fresh = first_login(access_token=Secret("winner"), access_expires_at_ms=connected.clock.ms + LIFE_MS)
    naps = itertools.count(1)

    def store_after_the_third_nap() -> None:
        if next(naps) == 3:
            winner.write(NAME, fresh, "w" * 32)

    connected.clock.while_sleeping = store_after_the_third_nap

    token = connected.process().keeper.access_token(connected.clock.deadline())

    assert token == Secret("winner")
    assert connected.broker.calls == 0


def test_loser_gives_up_at_its_deadline(connected: Bench) -> None:
    connected.clock.ms += LIFE_MS
    hold_lease(connected)

    with pytest.raises(BrokerUnavailableError, match="another worker is refreshing"):
        connected.process().keeper.access_token(connected.clock.deadline(5))

    assert connected.broker.calls == 0


def test_loser_uses_the_last_seconds_of_its_own_token(connected: Bench) -> None:
    process = connected.process()
    process.keeper.access_token(connected.clock.deadline())
    connected.clock.ms += LIFE_MS - 20_000
    hold_lease(connected)

    token = process.keeper.access_token(connected.clock.deadline(2))

    assert token == Secret("access-0")


def test_lapsed_lease_is_taken_over(connected: Bench) -> None:
    connected.clock.ms += LIFE_MS
    hold_lease(connected, seconds=30)

    token = connected.process().keeper.access_token(connected.clock.deadline(60))

    assert token == Secret("access-1")


def test_worker_fenced_out_during_the_exchange_writes_nothing(connected: Bench) -> None:
    connected.clock.ms += LIFE_MS

    def pause_past_the_lease() -> None:
        connected.broker.during = lambda: None
        connected.clock.ms += 60_000
        connected.process("b").keeper.access_token(connected.clock.deadline())

    connected.broker.during = pause_past_the_lease
    slow = connected.process("a")

    with pytest.raises(BrokerUnavailableError, match="took over"):
        slow.keeper.access_token(connected.clock.deadline())

    assert connected.stored().access_token == Secret("access-2")
    assert slow.calls.count("put_secret_value") == 0
    assert slow.keeper.access_token(connected.clock.deadline()) == Secret("access-2")


def test_exchange_is_not_begun_without_time_for_its_answer(connected: Bench) -> None:
    connected.clock.ms += LIFE_MS

    with pytest.raises(BrokerUnavailableError, match="too little time"):
        connected.process().keeper.access_token(connected.clock.deadline(1))

    assert connected.broker.calls == 0
    assert isinstance(connected.process("b").leases.take(NAME, "b", connected.clock.ms, 1000), Lease)


def test_repeated_take_request_meets_its_own_success(connected: Bench) -> None:
    leases = connected.process().leases
    first = leases.take(NAME, "me", connected.clock.ms, 1000)

    again = leases.take(NAME, "me", connected.clock.ms, 1000)
    other = leases.take(NAME, "you", connected.clock.ms, 1000)

    assert again == first
    assert isinstance(other, Taken)


# ---- what the broker answers


def test_dead_login_is_marked_and_not_asked_again(connected: Bench) -> None:
    connected.broker.good = set()
    connected.clock.ms += LIFE_MS

    for name in ("a", "b"):
        with pytest.raises(LoginLostError, match="invalid_grant"):
            connected.process(name).keeper.access_token(connected.clock.deadline())

    assert connected.broker.calls == 1
    noted = connected.process().leases.read(NAME)
    assert (noted.status, noted.message) == ("refused", "invalid_grant")


def test_connecting_again_revives_a_refused_login(connected: Bench) -> None:
    connected.broker.good = set()
    connected.clock.ms += LIFE_MS
    process = connected.process()
    with pytest.raises(LoginLostError):
        process.keeper.access_token(connected.clock.deadline())
    again = first_login(access_token=Secret("again"), access_expires_at_ms=connected.clock.ms + LIFE_MS)

    connected.process("person").keeper.replace_login(again, connected.clock.deadline())

    assert process.keeper.access_token(connected.clock.deadline()) == Secret("again")
    assert process.leases.read(NAME).status == "good"


def test_refusal_of_a_pair_that_was_replaced_meanwhile_is_not_believed(connected: Bench) -> None:
    connected.broker.good = set()
    connected.clock.ms += LIFE_MS
    fresh = first_login(access_token=Secret("newer"), access_expires_at_ms=connected.clock.ms + LIFE_MS)

    class Meanwhile(FakeBroker):
        def refresh(self, login: Login, deadline: Deadline) -> RefreshOutcome:
            LoginSecrets(connected.aws.secretsmanager, PREFIX).write(NAME, fresh, "n" * 32)
            return super().refresh(login, deadline)

    process = Process(connected.aws, connected.clock, Meanwhile(connected.clock, good=set()))

    token = process.keeper.access_token(connected.clock.deadline())

    assert token == Secret("newer")
    assert process.leases.read(NAME).status == "good"


def test_secret_that_still_shows_the_version_before_is_read_again_and_not_exchanged(
    connected: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected.broker.rotates = True
    before = LoginSecrets(connected.aws.secretsmanager, PREFIX).read(NAME)
    connected.clock.ms += LIFE_MS
    connected.process("a").keeper.access_token(connected.clock.deadline())
    connected.clock.ms += LIFE_MS
    second = connected.process("b")
    read, stale = second.secrets.read, [before] * 4

    monkeypatch.setattr(second.secrets, "read", lambda name: stale.pop() if stale else read(name))
    token = second.keeper.access_token(connected.clock.deadline())

    assert token == Secret("access-2")
    assert connected.broker.calls == 2
    assert second.leases.read(NAME).status == "good"


def test_older_pair_that_stays_is_believed_in_the_end(connected: Bench) -> None:
    connected.clock.ms += LIFE_MS
    connected.process("a").keeper.access_token(connected.clock.deadline())
    LoginSecrets(connected.aws.secretsmanager, PREFIX).write(NAME, first_login(), "o" * 32)

    token = connected.process("b").keeper.access_token(connected.clock.deadline(60))

    assert token == Secret("access-2")


def test_unreachable_token_endpoint_leaves_things_as_they_are(connected: Bench) -> None:
    connected.broker.unavailable = True
    connected.clock.ms += LIFE_MS
    process = connected.process()

    with pytest.raises(BrokerUnavailableError):
        process.keeper.access_token(connected.clock.deadline())
    connected.broker.unavailable = False

    assert process.keeper.access_token(connected.clock.deadline()) == Secret("access-2")
    assert process.leases.read(NAME).status == "good"


def test_unreachable_token_endpoint_does_not_end_a_token_that_still_lives(connected: Bench) -> None:
    connected.broker.unavailable = True
    connected.clock.ms += LIFE_MS - 20_000

    token = connected.process().keeper.access_token(connected.clock.deadline())

    assert token == Secret("access-0")


# ---- storing


def test_pair_that_cannot_be_stored_is_not_used_and_is_stored_by_the_next_call(connected: Bench) -> None:
    connected.broker.rotates = True
    connected.clock.ms += LIFE_MS
    process = connected.process()
    process.failing = {"put_secret_value"}

    with pytest.raises(StorageError):
        process.keeper.access_token(connected.clock.deadline())
    process.failing = set()
    token = process.keeper.access_token(connected.clock.deadline())

    assert token == Secret("access-1")
    assert connected.stored().refresh_token == Secret("refresh-1")
    assert connected.broker.calls == 1


def test_pair_left_over_is_dropped_when_a_person_connected_meanwhile(connected: Bench) -> None:
    connected.clock.ms += LIFE_MS
    process = connected.process()
    process.failing = {"put_secret_value"}
    with pytest.raises(StorageError):
        process.keeper.access_token(connected.clock.deadline())
    process.failing = set()
    again = first_login(access_token=Secret("again"), access_expires_at_ms=connected.clock.ms + LIFE_MS)
    connected.process("person").keeper.replace_login(again, connected.clock.deadline())

    token = process.keeper.access_token(connected.clock.deadline())

    assert token == Secret("again")
    assert connected.stored().access_token == Secret("again")


def test_write_whose_answer_was_lost_is_repeated_without_another_version(connected: Bench) -> None:
    secrets = LoginSecrets(connected.aws.secretsmanager, PREFIX)
    before = connected.versions()

    for _ in range(2):
        secrets.write(NAME, first_login(access_token=Secret("x")), "v" * 32)

    assert connected.versions() == before + 1


def test_version_before_stays_as_previous(connected: Bench) -> None:
    connected.clock.ms += LIFE_MS

    connected.process().keeper.access_token(connected.clock.deadline())

    previous = connected.aws.secretsmanager.get_secret_value(
        SecretId=f"{PREFIX}connections/{NAME}", VersionStage="AWSPREVIOUS"
    )
    assert "access-0" in previous["SecretString"]


# ---- killed at each step

CALLS_OF_A_REFRESH = [
    "get_secret_value",  # not usable
    "update_item",  # take
    "get_secret_value",  # read again
    # exchange at the broker
    "update_item",  # extend
    "put_secret_value",
    "update_item",  # settle
]


def test_refresh_makes_exactly_the_calls_whose_crashes_are_tested(connected: Bench) -> None:
    connected.clock.ms += LIFE_MS
    process = connected.process()

    process.keeper.access_token(connected.clock.deadline())

    assert process.calls == CALLS_OF_A_REFRESH


@pytest.mark.parametrize("rotates", [False, True], ids=["fixed", "rotating"])
@pytest.mark.parametrize("when", ["die_at", "die_after"])
@pytest.mark.parametrize("step", range(len(CALLS_OF_A_REFRESH)))
def test_worker_killed_at_a_step_leaves_the_login_to_the_next(
    connected: Bench, step: int, when: str, rotates: bool
) -> None:
    connected.broker.rotates = rotates
    connected.clock.ms += LIFE_MS
    victim = connected.process("victim")
    setattr(victim, when, step)
    with pytest.raises(Killed):
        victim.keeper.access_token(connected.clock.deadline())
    exchanged, stored = connected.broker.calls == 1, connected.stored().access_token == Secret("access-1")

    next_worker = connected.process("next").keeper

    if rotates and exchanged and not stored:  # the window that the module's table names
        with pytest.raises(LoginLostError):
            next_worker.access_token(connected.clock.deadline())
    else:
        token = next_worker.access_token(connected.clock.deadline())
        assert token == Secret(f"access-{connected.broker.calls}")
        assert connected.stored().access_token == token
        assert connected.broker.calls == (2 if exchanged and not stored else 1)


# ---- the refresher


def test_young_pair_is_not_refreshed_and_its_secret_not_read(connected: Bench) -> None:
    connected.clock.ms += 599_000
    process = connected.process()

    report = process.keeper.refresh_if_due(connected.clock.deadline())

    assert (report.age_ms, report.refreshed, report.problem) == (599_000, False, "")
    assert process.calls == ["get_item"]


def test_pair_of_ten_minutes_is_refreshed_ahead_of_its_expiry(connected: Bench) -> None:
    connected.clock.ms += 600_000
    keeper = connected.process().keeper

    report = keeper.refresh_if_due(connected.clock.deadline())
    again = keeper.refresh_if_due(connected.clock.deadline())

    assert (report.age_ms, report.refreshed) == (0, True)
    assert (again.age_ms, again.refreshed) == (0, False)
    assert connected.broker.calls == 1


def test_secret_is_written_at_most_once_in_ten_minutes_by_three_hours_of_the_refresher(connected: Bench) -> None:
    keeper = connected.process().keeper

    for _ in range(3 * 60):
        connected.clock.ms += 60_000
        report = keeper.refresh_if_due(connected.clock.deadline())
        assert report.age_ms <= 600_000

    assert connected.broker.calls == 18


def test_short_lived_pair_is_refreshed_at_half_its_life(bench: Bench) -> None:
    login = first_login(access_expires_at_ms=START_MS + 300_000)
    bench.process("connect").keeper.replace_login(login, bench.clock.deadline())
    bench.clock.ms += 150_000

    report = bench.process().keeper.refresh_if_due(bench.clock.deadline())

    assert report.refreshed


def test_refused_login_is_reported_each_round_without_asking_the_broker_again(connected: Bench) -> None:
    connected.broker.good = set()
    connected.clock.ms += 600_000
    keeper = connected.process().keeper

    reports = [keeper.refresh_if_due(connected.clock.deadline()) for _ in range(3)]

    assert [report.refused for report in reports] == [True, True, True]
    assert all("invalid_grant" in report.problem for report in reports)
    assert connected.broker.calls == 1


def test_refresher_serves_every_connection_although_one_fails(connected: Bench) -> None:
    other = TokenKeeper(
        "tl-demo",
        LoginSecrets(connected.aws.secretsmanager, PREFIX),
        TokenLeases(connected.aws.dynamodb, TABLE),
        FakeBroker(connected.clock, good={"refresh-0"}, unavailable=True).refresh,
        HandMade(connected.clock.now_ms, sleep=connected.clock.sleep),
    )
    other.replace_login(
        first_login(broker="tradelocker", access_expires_at_ms=START_MS + 900_000), Until(connected.clock, 1)
    )
    connected.clock.ms += 600_000
    keepers = {"tl-demo": other, NAME: connected.process().keeper}

    reports = refresh_due(connected.process().leases, keepers.__getitem__, connected.clock.deadline())

    assert [report.connection for report in reports] == ["tl-demo", NAME]
    assert (reports[0].problem, reports[0].age_ms) == ("time-out", 600_000)
    assert reports[1].refreshed


# ---- secrecy


def test_no_representation_shows_a_secret(connected: Bench) -> None:
    stored = LoginSecrets(connected.aws.secretsmanager, PREFIX).read(NAME)

    shown = f"{stored!r} {stored.login} {connected.process().leases.connections()}"

    for secret in ("access-0", "refresh-0", "client-secret-canary"):
        assert secret not in shown


def test_failed_call_to_the_secret_names_the_connection_and_nothing_else(connected: Bench) -> None:
    process = connected.process()
    process.failing = {"put_secret_value"}

    with pytest.raises(StorageError) as caught:
        process.secrets.write(NAME, first_login(), "v" * 32)

    assert str(caught.value) == f"the secret of connection {NAME!r} failed: InternalServiceError"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_login_written_by_a_later_release_is_still_read(connected: Bench) -> None:
    import json

    from orderbridge.storage.secrets import login_from_json, login_to_json

    values = json.loads(login_to_json(first_login())) | {"something_new": 1}

    assert login_from_json(json.dumps(values)) == first_login()
