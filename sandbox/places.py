"""Where things are in this checkout, and which of its environments runs what."""

import os
import platform
import socket
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "template.yaml"
RUNS = ROOT / "sandbox" / "run"

UV = ROOT / ".venv-uv" / "bin" / "uv"
SAM = ROOT / ".venv-sam" / "bin" / "sam"
SAM_PYTHON = ROOT / ".venv-sam" / "bin" / "python"
LOCAL_AWS_PYTHON = ROOT / ".venv-local-aws" / "bin" / "python"
MINISTACK = ROOT / ".venv-local-aws" / "bin" / "ministack"

LOOPBACK = "127.0.0.1"


def architecture() -> str:
    """Give Lambda's name for this machine's processor."""
    return "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "x86_64"


def free_port() -> int:
    """Give a loopback port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def plain_environment() -> dict[str, str]:
    """Give this process's environment without anything that points the AWS SDK or a proxy elsewhere.

    The user's own AWS profile must never be reached by a local run.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    hosts = f"{LOOPBACK},localhost"
    return kept | {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": hosts,
        "no_proxy": hosts,
    }
