"""Build the layer's content: pinned wheels, the `orderbridge` package, bytecode; nothing that no function reads.

Called by `sam build` through the Makefile beside this file, with the folder to fill. A plain build is for Lambda:
arm64 and Python 3.13, whatever machine and interpreter build it. The local run sets `ORDERBRIDGE_BUILD_FOR=host`, since
its functions run on this machine's interpreter.

| variable | meaning |
|---|---|
| ORDERBRIDGE_BUILD_FOR | `lambda` (default) or `host` |
| ORDERBRIDGE_BUILD_UV | the uv to install with; without it, the pip of the running interpreter or of its base |
"""

import gzip
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
LAMBDA_PYTHON = (3, 13)
# Lambda's Python 3.13 runs on Amazon Linux 2023, which has glibc 2.34; pip takes exactly the tags that it is given.
LAMBDA_PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64")
# Making a client lists all of botocore's data folder: 4 services instead of 400 save some 30 ms of CPU.
AWS_SERVICES = frozenset({"dynamodb", "secretsmanager", "sns", "sqs"})
BOTOCORE_FILES = frozenset({"_retry.json", "endpoints.json", "partitions.json", "sdk-default-configuration.json"})
PRUNED = (
    ".lock",
    "bin",
    "boto3/data",
    "boto3/examples",
    "aws_lambda_powertools/event_handler/openapi/swagger_ui",
    "cffi",  # compiles bindings; the made ones need _cffi_backend alone
    "pycparser",
    # Nothing here imports these; a quarter of the layer's files, which a cold start unpacks.
    *(
        f"aws_lambda_powertools/utilities/{name}"
        for name in ("auth_alpha", "circuit_breaker", "data_masking", "feature_flags", "idempotency", "kafka", "parser")
    ),
)
PRUNED_PATTERNS = ("*.dist-info", "*/tests", "**/__pycache__", "**/*.pyi")


def build(artifacts: Path, *, for_host: bool, uv: str | None) -> None:
    """Fill `artifacts` with the layer."""
    target = artifacts / "python"
    install_wheels(target, for_host=for_host, uv=uv)
    prune(target)
    trim_botocore(target / "botocore" / "data")
    copy_package(target)
    if for_host or sys.version_info[:2] == LAMBDA_PYTHON:
        compile_bytecode(artifacts)
    else:
        sys.stderr.write("build_layer: no Python 3.13 here: the layer has no bytecode, and cold starts are slower\n")


def install_wheels(target: Path, *, for_host: bool, uv: str | None) -> None:
    """Install exactly the wheels whose hashes requirements.txt names."""
    if uv:
        command = [uv, "pip", "install", "--quiet", "--python", sys.executable, "--link-mode", "copy"]
        platform = ["--python-platform", "aarch64-manylinux_2_28", "--python-version", "3.13"]
    else:
        command = [interpreter_with_pip(), "-m", "pip", "install", "--quiet", "--no-compile"]
        command += ["--root-user-action", "ignore"]
        platform = ["--implementation", "cp", "--python-version", "3.13"]
        for tag in LAMBDA_PLATFORMS:
            platform += ["--platform", tag]
    requirements = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(HERE / "requirements.txt")]
    subprocess.run([*command, "--target", str(target), *([] if for_host else platform), *requirements], check=True)


def interpreter_with_pip() -> str:
    """Give the running interpreter, or the one that its virtual environment was made from: uv's have no pip.

    `sam build` in a shell where the project's own environment is activated comes to that.
    """
    if importlib.util.find_spec("pip") or sys.prefix == sys.base_prefix:
        return sys.executable
    return str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")


def prune(target: Path) -> None:
    """Remove what is for installers, type checkers and test runners."""
    doomed = [target / name for name in PRUNED]
    doomed += [path for pattern in PRUNED_PATTERNS for path in target.glob(pattern)]
    for path in doomed:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def trim_botocore(data: Path) -> None:
    """Keep the models of the services that functions call, unpacked, and their part of the endpoint list."""
    for entry in data.iterdir():
        if entry.is_dir() and entry.name not in AWS_SERVICES:
            shutil.rmtree(entry)
        elif entry.is_file() and entry.name.removesuffix(".gz") not in BOTOCORE_FILES:
            entry.unlink()
    for packed in data.rglob("*.json.gz"):
        packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
        packed.unlink()
    endpoints = data / "endpoints.json"
    content = json.loads(endpoints.read_text(encoding="utf-8"))
    for partition in content["partitions"]:
        partition["services"] = {
            name: service for name, service in partition["services"].items() if name in AWS_SERVICES
        }
    endpoints.write_text(json.dumps(content, separators=(",", ":")), encoding="utf-8")


def copy_package(target: Path) -> None:
    """Copy the package without its command line, whose libraries the layer doesn't have."""
    ignored = shutil.ignore_patterns("__pycache__", "cli")
    shutil.copytree(HERE / "orderbridge", target / "orderbridge", ignore=ignored)


def compile_bytecode(artifacts: Path) -> None:
    """Compile for good: /opt is read-only, and a zip doesn't keep the times that ordinary bytecode is checked by."""
    options = ["-q", "-j", "0", "--invalidation-mode", "unchecked-hash", "-s", str(artifacts), "-p", "/opt"]
    subprocess.run([sys.executable, "-m", "compileall", *options, str(artifacts / "python")], check=True)


def main() -> None:
    """Build for what the environment says."""
    built_for = os.environ.get("ORDERBRIDGE_BUILD_FOR", "lambda")
    if built_for not in ("lambda", "host"):
        sys.exit(f"build_layer: ORDERBRIDGE_BUILD_FOR is {built_for!r}; it must be 'lambda' or 'host'")
    build(Path(sys.argv[1]).resolve(), for_host=built_for == "host", uv=os.environ.get("ORDERBRIDGE_BUILD_UV"))


if __name__ == "__main__":
    main()
