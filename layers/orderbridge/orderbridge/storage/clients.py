"""AWS clients with explicit time-outs, made from botocore alone: boto3 would slow the receiver's cold start."""

from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


@cache
def client(service: str, connect_timeout_s: float = 1.0, read_timeout_s: float = 2.0, attempts: int = 2) -> Any:
    """Give the process's client of `service`; `attempts` counts the first try.

    Region, credentials and a local endpoint come from the SDK's own environment variables.
    """
    config = Config(
        connect_timeout=connect_timeout_s,
        read_timeout=read_timeout_s,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        tcp_keepalive=True,
        max_pool_connections=10,
    )
    return _session().create_client(service, config=config)
