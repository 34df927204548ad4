"""What a plain `sam build` makes, and what the layer holds."""

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from sandbox import places
from tests.template.test_functions import FUNCTIONS

LAYER_SOURCE = places.ROOT / "layers" / "orderbridge"
CLIENTS = """
import botocore.session
session = botocore.session.get_session()
for service in ("dynamodb", "secretsmanager", "sns", "sqs"):
    for region in ("us-east-1", "eu-central-1", "us-gov-west-1"):
        client = session.create_client(
            service, region_name=region, aws_access_key_id="x", aws_secret_access_key="x", endpoint_url=None
        )
        assert client.meta.endpoint_url == f"https://{service}.{region}.amazonaws.com", client.meta.endpoint_url
"""
IMPORT_ALL = """
import importlib, pkgutil
import orderbridge
for module in pkgutil.walk_packages(orderbridge.__path__, "orderbridge."):
    importlib.import_module(module.name)
"""


def _run(command: list[str | Path], environment: Mapping[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="session")
def plain_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder that `sam build` fills when nothing says that it is for this machine."""
    target = tmp_path_factory.mktemp("plain") / "build"
    python = Path(sys.executable).resolve().parent
    environment = places.plain_environment()
    environment = {name: value for name, value in environment.items() if not name.startswith("ORDERBRIDGE_")}
    environment |= {
        "PATH": f"{python}{os.pathsep}{environment['PATH']}",
        "SAM_CLI_TELEMETRY": "0",
        "ORDERBRIDGE_BUILD_UV": str(places.UV),
    }
    command: list[str | Path] = [places.SAM, "build", "--no-cached", "--template", places.TEMPLATE]
    _run([*command, "--build-dir", target], environment, places.ROOT)
    return target


@pytest.fixture(scope="session")
def host_layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the layer's import folder, built for this machine and interpreter."""
    target = tmp_path_factory.mktemp("host")
    environment = os.environ | {"ORDERBRIDGE_BUILD_FOR": "host", "ORDERBRIDGE_BUILD_UV": str(places.UV)}
    _run([sys.executable, LAYER_SOURCE / "build_layer.py", target], environment, LAYER_SOURCE)
    return target / "python"


@pytest.fixture
def alone(host_layer: Path) -> Callable[[str], str]:
    """Give a runner of code that finds the standard library, the layer and nothing else."""

    def run(code: str) -> str:
        path = f"import sys\nsys.path.insert(0, {str(host_layer)!r})\n"
        done = _run([sys.executable, "-I", "-S", "-W", "error", "-c", path + code], {"PATH": os.defpath}, host_layer)
        return done.stdout

    return run


def test_plain_build_is_for_arm64_and_python_3_13(plain_build: Path) -> None:
    extensions = [path.name for path in plain_build.rglob("*.so")]

    assert extensions
    for name in extensions:
        assert name.endswith((".cpython-313-aarch64-linux-gnu.so", ".abi3.so")), name


def test_plain_build_has_elf_files_for_arm64(plain_build: Path) -> None:
    aarch64 = 183
    for path in plain_build.rglob("*.so"):
        assert int.from_bytes(path.read_bytes()[18:20], "little") == aarch64, path.name


def test_plain_build_has_each_handler_and_nothing_beside_it(plain_build: Path) -> None:
    for function in FUNCTIONS:
        assert [path.name for path in (plain_build / function).iterdir()] == ["app.py"]


@pytest.mark.skipif(sys.version_info[:2] != (3, 13), reason="bytecode for Lambda needs its own version")
def test_layer_has_bytecode_that_no_changed_time_invalidates(plain_build: Path) -> None:
    layer = plain_build / "OrderbridgeLayer"
    sources = [path for path in layer.rglob("*.py") if path.stat().st_size]

    for source in sources:
        compiled = source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc"
        flags = int.from_bytes(compiled.read_bytes()[4:8], "little")
        assert flags == 0b01, source  # from a hash, and not checked (PEP 552)


def test_layer_holds_no_command_line_metadata_or_tests(plain_build: Path) -> None:
    packages = plain_build / "OrderbridgeLayer" / "python"

    assert not (packages / "orderbridge" / "cli").exists()
    for useless in ("*.dist-info", ".lock", "bin", "*/tests"):
        assert list(packages.glob(useless)) == []


def test_layer_leaves_room_below_lambdas_limit(plain_build: Path) -> None:
    size = sum(path.stat().st_size for path in (plain_build / "OrderbridgeLayer").rglob("*") if path.is_file())

    assert size < 50_000_000  # the limit is 250 MB unzipped; a layer that grows by half is a mistake


def test_each_client_is_made_from_the_trimmed_models(alone: Callable[[str], str]) -> None:
    alone(CLIENTS)


def test_whole_package_imports_with_the_layer_alone(alone: Callable[[str], str]) -> None:
    alone(IMPORT_ALL)


@pytest.mark.parametrize("function", ["alert_receiver", "broker_login", "order_executor", "refresher"])
def test_handler_imports_with_the_layer_alone(alone: Callable[[str], str], function: str) -> None:
    folder = places.ROOT / "functions" / function

    alone(f"sys.path.insert(0, {str(folder)!r})\nsys.dont_write_bytecode = True\nimport app\napp.handler")


def test_layers_requirements_are_those_of_the_lock() -> None:
    command = "export --quiet --frozen --no-default-groups --no-emit-project --no-annotate --no-header"
    environment = os.environ | {"UV_PYTHON_DOWNLOADS": "never"}

    exported = _run([places.UV, *command.split(), "--format", "requirements-txt"], environment, places.ROOT).stdout

    assert (LAYER_SOURCE / "requirements.txt").read_text(encoding="utf-8") == exported


def test_build_for_an_unknown_target_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, LAYER_SOURCE / "build_layer.py", tmp_path],
        env=os.environ | {"ORDERBRIDGE_BUILD_FOR": platform.machine() + "?"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "ORDERBRIDGE_BUILD_FOR" in done.stderr
    assert list(tmp_path.iterdir()) == []
