"""Fuzz what alerts are read by: `make fuzz`, `make fuzz BODIES=1000000 TARGET=endpoint SEED=7`.

Bodies are changed at random, and those that reach new code are kept to be changed again (libFuzzer, by atheris). What
was kept stays in `sandbox/run/fuzz`, so that the next run goes on from there.
"""

import argparse
import hashlib
import importlib.util
import re
import subprocess
import sys
import time
from pathlib import Path

from orderbridge.alerts.dialect import Context
from orderbridge.alerts.dialects import read_alert
from orderbridge.alerts.reading import read_body
from tests.fuzz.coverage import lines_reached
from tests.fuzz.mutator import VOCABULARY, seeds
from tests.fuzz.site import START_MS

ROOT = Path(__file__).resolve().parents[2]
WORKSHOP = ROOT / "sandbox" / "run" / "fuzz"
_STATS = re.compile(rb"^stat::(\w+):\s+(\d+)$", re.MULTILINE)
_COVERED = re.compile(rb"cov: (\d+) ft: (\d+)")


def main() -> int:
    """Fuzz one target and tell what came of it; 1 when a body did what none may do."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("target", choices=("reader", "endpoint"))
    parser.add_argument("--bodies", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1, help="the same seed on a fresh workshop gives the same bodies")
    parser.add_argument("--log", action="store_true", help="show what libFuzzer says")
    asked = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed here: it has wheels for Linux on x86-64 with Python 3.12 and later alone.")
        return 2
    kept, found = prepared(asked.target)
    started = time.monotonic()
    command = [
        *(sys.executable, "-m", "tests.fuzz.engine", asked.target, f"-runs={asked.bodies}", f"-seed={asked.seed}"),
        *(f"-artifact_prefix={found}/", f"-dict={WORKSHOP / 'words'}", "-print_final_stats=1", str(kept)),
    ]
    environment = {"PYTHONPATH": ":".join(map(str, (ROOT / "layers/orderbridge", ROOT / "functions", ROOT)))}
    ended = subprocess.run(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, check=False)
    seconds = time.monotonic() - started
    if asked.log or ended.returncode:
        sys.stderr.buffer.write(ended.stderr)
    print(summary(asked.target, ended.stderr, seconds))
    bodies = [path.read_bytes() for path in sorted(kept.iterdir())]
    reached, there = lines_reached(bodies, lambda raw: read_alert(read_body(raw), Context(START_MS, "")))
    print(f"{len(bodies)} bodies kept; together they run {reached} of the {there} lines of the reader")
    for path in sorted(found.iterdir()):
        print(f"{path.relative_to(ROOT)}: {path.read_bytes()[:2_000]!r}")
    return 1 if ended.returncode else 0


def prepared(target: str) -> tuple[Path, Path]:
    """Make the folders for kept bodies and for findings, the first bodies, and the dictionary."""
    kept, found = WORKSHOP / target, WORKSHOP / f"{target}-findings"
    for folder in (kept, found):
        folder.mkdir(parents=True, exist_ok=True)
    for body in seeds():
        (kept / hashlib.sha256(body).hexdigest()[:20]).write_bytes(body)
    words = ["".join(f"\\x{byte:02x}" for byte in word.encode()) for word in VOCABULARY]
    (WORKSHOP / "words").write_text("".join(f'"{word}"\n' for word in words if word), encoding="ascii")
    return kept, found


def summary(target: str, log: bytes, seconds: float) -> str:
    """Say in one line what libFuzzer's log says."""
    stats = {name.decode(): int(value) for name, value in _STATS.findall(log)}
    covered = _COVERED.findall(log)
    edges, features = covered[-1] if covered else (b"0", b"0")
    bodies = stats.get("number_of_executed_units", 0)
    return (
        f"{target}: {bodies} bodies in {seconds:.0f} s, {edges.decode()} branches and {features.decode()} features"
        f" reached, at most {stats.get('peak_rss_mb', 0)} MB"
    )


if __name__ == "__main__":
    sys.exit(main())
