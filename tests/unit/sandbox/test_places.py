"""A local run never reaches the user's own AWS account."""

import os
import subprocess

import pytest

from sandbox import places


def test_environment_of_children_names_no_profile_and_no_real_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")

    environment = places.plain_environment()

    assert "AWS_PROFILE" not in environment
    assert "AWS_ACCESS_KEY_ID" not in environment
    assert environment["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
    assert places.LOOPBACK in environment["NO_PROXY"]


def test_named_python_that_is_too_old_is_refused() -> None:
    finder = places.ROOT / "sandbox" / "bootstrap" / "find-python"

    done = subprocess.run(
        [finder], env={**os.environ, "PYTHON": "/bin/false"}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "PYTHON=/bin/false" in done.stderr


def test_found_python_is_3_11_or_later() -> None:
    finder = places.ROOT / "sandbox" / "bootstrap" / "find-python"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON"}

    found = subprocess.run([finder], env=environment, capture_output=True, text=True, check=True).stdout.strip()

    version = "import sys; print(sys.version_info >= (3, 11))"
    assert subprocess.run([found, "-c", version], capture_output=True, text=True, check=True).stdout.strip() == "True"
