"""Start and stop MiniStack: AWS on a loopback port, with IAM enforced."""

import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config

from sandbox import places, processes

REGION = "us-east-1"
# MiniStack takes the key "test" for the account's root: it may do everything. Functions get keys of their roles.
ROOT_KEY = "test"
READY_WITHIN_S = 30.0
# A session caches what it reads of the service models, which is most of a client's cost, but is not for threads.
_MAKING = Lock()


@dataclass(frozen=True)
class LocalAws:
    """One running MiniStack; `folder` is its own and is left without temporary files."""

    endpoint: str
    folder: Path
    process: processes.Child

    def sdk_settings(self) -> dict[str, str]:
        """Give the variables that point any AWS SDK here, as the account's root."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ROOT_KEY,
            "AWS_SECRET_ACCESS_KEY": ROOT_KEY,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
        }

    def environment(self) -> dict[str, str]:
        """Give a whole environment for a process that works with this AWS and no other."""
        return places.plain_environment() | self.sdk_settings()

    def client(self, service: str, **credentials: str) -> Any:
        """Make a boto3 client; `credentials` (aws_access_key_id, ...) stand in for the root's."""
        keys = credentials or {"aws_access_key_id": ROOT_KEY, "aws_secret_access_key": ROOT_KEY}
        config = Config(connect_timeout=5, read_timeout=90, retries={"total_max_attempts": 1}, proxies={})
        with _MAKING:
            make: Any = _session().client
            return make(service, region_name=REGION, endpoint_url=self.endpoint, config=config, **keys)

    def shared_client(self, service: str) -> Any:
        """Give the root's client that all threads of this process share: making one costs more than most calls."""
        return _shared_client(self, service)


@contextmanager
def local_aws(folder: Path, port: int | None = None) -> Iterator[LocalAws]:
    """Run MiniStack for the length of a `with`; `folder` takes its log and, meanwhile, its temporary files.

    Raises `StartError` when it is not ready within 30 s.
    """
    chosen = port or places.free_port()
    temporary = folder / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    child = processes.start(
        "ministack",
        [places.MINISTACK],
        environment=_environment(chosen, temporary),
        folder=folder / "logs",
        cwd=temporary,
    )
    aws = LocalAws(f"http://{places.LOOPBACK}:{chosen}", folder, child)
    try:
        _wait_until_ready(aws)
        yield aws
    finally:
        child.stop()
        shutil.rmtree(temporary, ignore_errors=True)


@cache
def _shared_client(aws: LocalAws, service: str) -> Any:
    return aws.client(service)


@cache
def _session() -> boto3.session.Session:
    return boto3.session.Session()


def _environment(port: int, temporary: Path) -> dict[str, str]:
    """Give MiniStack's environment: its workers inherit all of it, so nothing of this shell's goes in."""
    return {
        "PATH": os.defpath,
        "HOME": str(temporary),
        "LANG": "C.UTF-8",
        "TMPDIR": str(temporary),
        "BIND_HOST": places.LOOPBACK,
        "MINISTACK_HOST": places.LOOPBACK,
        "GATEWAY_PORT": str(port),
        "AUTH": "true",
        "IOT_MTLS_ENABLED": "0",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _wait_until_ready(aws: LocalAws) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    give_up = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < give_up:
        if not aws.process.running():
            raise processes.StartError(f"MiniStack ended:\n{aws.process.log_end()}")
        try:
            with opener.open(f"{aws.endpoint}/_ministack/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.03)
    raise processes.StartError(f"MiniStack was not ready within {READY_WITHIN_S:.0f} s:\n{aws.process.log_end()}")
