"""What the commands touch outside of themselves; a test gives another world."""

import getpass
import os
import sys
import time
import webbrowser
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore.exceptions
import httpx

from orderbridge.errors import StorageError
from orderbridge.machine import RealMachine
from orderbridge.storage import clients

if TYPE_CHECKING:
    from orderbridge.wiring import Bridge, Environment


@dataclass(frozen=True)
class World:
    """The machine that a command runs on."""

    environ: Mapping[str, str]
    folder: Path
    """Where files are looked for: the working directory."""
    user: str
    """Who is noted in kill switches."""
    interactive: bool
    """A person can be asked."""
    client: Callable[[str], Any]
    """Gives the AWS client of a service."""
    open_browser: Callable[[str], bool]
    random_bytes: Callable[[int], bytes]
    now_ms: Callable[[], int]
    sleep: Callable[[float], None] = time.sleep
    transport: httpx.BaseTransport | None = None
    """Stands in for the network to the brokers in tests."""

    def bridge(self, environment: "Environment") -> "Bridge":
        """Put the same parts together that the functions run on."""
        from orderbridge.wiring import Bridge  # here: it brings the whole executor, which few commands need

        return Bridge(environment, self.transport, _Machine(self), self.client)


class _Machine(RealMachine):
    """The machine, with the world's clock and pauses."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now_ms(self) -> int:
        return self._world.now_ms()

    def sleep(self, seconds: float) -> None:
        self._world.sleep(seconds)


def this_machine() -> World:
    """Give the world as it is."""
    return World(
        environ=os.environ,
        folder=Path.cwd(),
        user=_user(),
        interactive=sys.stdin.isatty(),
        client=_client,
        open_browser=webbrowser.open,
        random_bytes=os.urandom,
        now_ms=lambda: time.time_ns() // 1_000_000,
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _client(service: str) -> Any:
    """Make a client with time for a slow line. Raises `StorageError` where the region or profile is not set."""
    try:
        return clients.client(service, 5.0, 30.0, 4)
    except botocore.exceptions.NoRegionError:
        raise StorageError("no AWS region is set; set AWS_REGION or choose a profile with AWS_PROFILE") from None
    except botocore.exceptions.BotoCoreError as error:
        raise StorageError(f"the AWS settings of this machine cannot be used: {error}") from None
