"""Build what the measured functions import: the layer as it is deployed, here for this machine's processor."""

import gzip
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from sandbox import places

FOLDER = places.RUNS / "benchmarks"
BUILDER = places.ROOT / "layers" / "orderbridge" / "build_layer.py"
NAIVE_PACKAGES = ("aws_xray_sdk", "wrapt")
"""What Tracer needs beside the layer; the bridge itself does without."""
NAIVE_DATA = "botocore-data"
"""Below the naive design's folder: models that the layer does not have (`AWS_DATA_PATH`), X-Ray's and boto3's own."""


def build(*, again: bool = True) -> tuple[Path, Path]:
    """Build the layer, and the packages that the naive design has on top; give both folders. All with bytecode.

    Without `again`, what an earlier run has built is taken as it is.
    """
    layer, extra = FOLDER / "layer", FOLDER / "naive"
    if not again and extra.exists():
        return layer / "python", extra
    shutil.rmtree(FOLDER, ignore_errors=True)
    environment = os.environ | {"ORDERBRIDGE_BUILD_FOR": "host"}
    if places.UV.exists():
        environment["ORDERBRIDGE_BUILD_UV"] = str(places.UV)
    subprocess.run([sys.executable, str(BUILDER), str(layer)], env=environment, check=True)
    installed = Path(sysconfig.get_path("purelib"))
    for name in NAIVE_PACKAGES:
        shutil.copytree(installed / name, extra / name, ignore=shutil.ignore_patterns("__pycache__"))
    for source in (installed / "botocore" / "data" / "xray", installed / "boto3" / "data" / "dynamodb"):
        _unpack(source, extra / NAIVE_DATA / source.name)
    compiling = ["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(extra)]
    subprocess.run([sys.executable, *compiling], check=True)
    return layer / "python", extra


def _unpack(source: Path, target: Path) -> None:
    """Copy a service's models; those that are packed are unpacked, as in the layer."""
    shutil.copytree(source, target)
    for packed in target.rglob("*.json.gz"):
        packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
        packed.unlink()
