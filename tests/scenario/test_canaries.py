"""No log line holds a token, a password or a key, whatever goes wrong at the broker."""

import logging
from collections.abc import Callable

import pytest

from tests.contract.backend import Fault
from tests.scenario.test_orders import bracket
from tests.scenario.world import World

MakeWorld = Callable[..., World]


def everything_logged(records: list[logging.LogRecord]) -> str:
    """Give all that a formatter could show of the records: text, fields and tracebacks."""
    formatter = logging.Formatter("%(message)s %(name)s")
    return "\n".join(f"{formatter.format(record)} {vars(record)}" for record in records)


@pytest.mark.parametrize("fault", list(Fault))
def test_logs_of_a_trade_under_fault_hold_no_secret(
    make_world: MakeWorld, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    caplog.set_level(logging.DEBUG, logger="orderbridge")
    monkeypatch.setattr(logging.getLogger("orderbridge"), "propagate", True)  # a function loaded before turns it off
    world = make_world()
    login = world.bench.tokens.login
    world.bench.read_fault(Fault.ERROR_BEFORE, 2)
    world.bench.fault(fault)

    world.fire("buy", str(world.bench.unit), seconds=10, **bracket(world))
    world.fire("exit", seconds=10)

    secrets = [login.access_token, login.refresh_token, login.password, login.client_secret, login.developer_api_key]
    secrets += [world.bench.tokens.login.access_token, world.bench.tokens.login.refresh_token]
    logged = everything_logged(caplog.records)
    assert "job ended" in logged, "the test would see nothing otherwise"
    for secret in secrets:
        assert not secret or secret.reveal() not in logged
