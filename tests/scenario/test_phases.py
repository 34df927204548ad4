"""The moments that a job notes, so that a slow order can be explained."""

from collections.abc import Callable
from decimal import Decimal

from orderbridge import codec
from orderbridge.execution.records import Job
from tests.scenario.world import TABLE, World

MakeWorld = Callable[..., World]


def phases(world: World) -> dict[str, int]:
    """Give what the last job noted."""
    rows = [item for item in world.client.scan(TableName=TABLE)["Items"] if item["sk"]["S"].startswith("JOB#")]
    jobs: list[Job] = [codec.loads(Job, row["data"]["S"]) for row in rows]
    return dict(max(jobs, key=lambda job: job.accepted_at_ms).phases)


def test_entry_notes_each_phase_in_its_order(make_world: MakeWorld) -> None:
    world = make_world()
    world.fire("buy", str(world.bench.unit))

    noted = phases(world)

    names = ("started", "planned", "sent", "answered", "ended")
    assert [name for name, _ in sorted(noted.items(), key=lambda one: (one[1], names.index(one[0])))] == list(names)
    (command,) = world.commands()
    assert noted["sent"] == command.sent_at_ms
    assert noted["answered"] == command.changed_at_ms


def test_reversal_counts_from_its_first_command(make_world: MakeWorld) -> None:
    world = make_world()
    world.fire("buy", str(world.bench.unit))

    world.fire("sell", str(world.bench.unit * 2), seconds=20)

    sent = sorted(record.sent_at_ms for record in world.commands())
    assert phases(world)["sent"] == sent[1]


def test_alert_that_sends_nothing_notes_no_sending(make_world: MakeWorld) -> None:
    world = make_world()

    world.fire("buy", str(world.bench.unit), fired_at_ms=world.clock.now_ms() - 45_000)

    assert phases(world).keys() == {"started", "ended"}


def test_exit_notes_its_sending_too(make_world: MakeWorld) -> None:
    world = make_world()
    world.fire("buy", str(world.bench.unit))

    world.fire("exit", str(world.bench.unit / Decimal(2)), seconds=15)

    noted = phases(world)
    assert noted["planned"] <= noted["sent"] <= noted["answered"] <= noted["ended"]
