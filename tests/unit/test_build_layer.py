"""Which interpreter a plain `sam build` installs the layer's wheels with."""

import subprocess
import sys
from pathlib import Path

import pytest

LAYER = Path(__file__).resolve().parents[2] / "layers" / "orderbridge"
CHOICE = f"""
import sys
sys.path.insert(0, {str(LAYER)!r})
import build_layer
print(build_layer.interpreter_with_pip())
"""
IS_BASE = "import sys; print(sys.prefix == sys.base_prefix)"


def told(python: str, program: str) -> str:
    done = subprocess.run([python, "-B", "-c", program], capture_output=True, text=True, check=True, timeout=30)
    return done.stdout.strip()


@pytest.mark.parametrize("with_pip", [True, False])
def test_environment_without_pip_gives_way_to_the_interpreter_it_was_made_from(tmp_path: Path, with_pip: bool) -> None:
    package = tmp_path / f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages/pip"
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.symlink_to(Path(sys.executable).resolve())
    base = Path(sys.executable).resolve().parent
    (tmp_path / "pyvenv.cfg").write_text(f"home = {base}\ninclude-system-site-packages = false\n", encoding="utf-8")
    if with_pip:
        package.mkdir(parents=True)
        (package / "__init__.py").touch()

    chosen = told(str(python), CHOICE)

    assert told(chosen, IS_BASE) == str(not with_pip)
