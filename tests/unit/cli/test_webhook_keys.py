"""`orderbridge keys`: shown once, stored as SHA-256, two valid at once."""

import hashlib

from orderbridge.storage.settings import SettingsStore
from tests.unit.cli.bench import Bench
from tests.unit.storage.aws import TABLE

URL = "https://abc.execute-api.us-east-1.amazonaws.com/v1/alerts/orb/"


def hashes(bench: Bench) -> tuple[str, ...]:
    found = SettingsStore(bench.client("dynamodb"), TABLE).strategy("orb")
    assert found is not None
    return found.value.key_hashes


def random_bytes(first: int) -> object:
    return lambda count: bytes((first + i) % 256 for i in range(count))


def test_new_key_is_shown_in_its_url_and_stored_as_a_hash(applied: Bench) -> None:
    result = applied.run("keys", "new", "orb")

    url = next(line for line in result.stdout.splitlines() if line.startswith("https://"))
    key = url.removeprefix(URL)
    assert len(key) == 27
    assert hashes(applied) == (hashlib.sha256(key.encode()).hexdigest(),)


def test_key_has_160_random_bits(applied: Bench) -> None:
    asked: list[int] = []

    def count(size: int) -> bytes:
        asked.append(size)
        return bytes(size)

    applied.ok("keys", "new", "orb", random_bytes=count)

    assert asked == [20]


def test_second_new_key_points_to_rotate(applied: Bench) -> None:
    applied.ok("keys", "new", "orb")

    result = applied.run("keys", "new", "orb")

    assert result.exit_code == 3
    assert "keys rotate orb" in result.stderr
    assert len(hashes(applied)) == 1


def test_rotated_key_leaves_the_former_one_valid(applied: Bench) -> None:
    first = applied.ok("keys", "new", "orb")
    second = applied.ok("keys", "rotate", "orb", random_bytes=random_bytes(7))

    assert first["key"] != second["key"]
    assert hashes(applied) == tuple(hashlib.sha256(one["key"].encode()).hexdigest() for one in (first, second))


def test_third_key_is_refused_until_one_is_revoked(applied: Bench) -> None:
    applied.ok("keys", "new", "orb")
    applied.ok("keys", "rotate", "orb", random_bytes=random_bytes(7))

    result = applied.run("keys", "rotate", "orb")

    assert result.exit_code == 3
    assert "--which old" in result.stderr


def test_revoked_old_key_leaves_the_new_one(applied: Bench) -> None:
    applied.ok("keys", "new", "orb")
    applied.ok("keys", "rotate", "orb", random_bytes=random_bytes(7))
    _, newer = hashes(applied)

    applied.ok("keys", "revoke", "orb", "--which", "old")

    assert hashes(applied) == (newer,)


def test_revoking_one_of_two_must_say_which(applied: Bench) -> None:
    applied.ok("keys", "new", "orb")
    applied.ok("keys", "rotate", "orb", random_bytes=random_bytes(7))

    result = applied.run("keys", "revoke", "orb")

    assert result.exit_code == 3
    assert len(hashes(applied)) == 2


def test_revoking_the_last_key_asks(applied: Bench) -> None:
    applied.ok("keys", "new", "orb")

    declined = applied.run("keys", "revoke", "orb", answers="n\n")
    kept = len(hashes(applied))
    done = applied.run("keys", "revoke", "orb", answers="y\n")

    assert (declined.exit_code, kept) == (6, 1)
    assert (done.exit_code, hashes(applied)) == (0, ())


def test_unknown_strategy_names_those_that_are_applied(applied: Bench) -> None:
    result = applied.run("keys", "new", "obr")

    assert result.exit_code == 3
    assert "applied are: orb" in result.stderr


def test_webhook_url_of_a_local_aws_is_below_its_endpoint(applied: Bench) -> None:
    environ = {**applied.world.environ, "AWS_ENDPOINT_URL": "http://127.0.0.1:4577"}

    result = applied.ok("keys", "new", "orb", environ=environ)

    assert result["url"].startswith("http://127.0.0.1:4577/_aws/execute-api/abc/v1/alerts/orb/")
