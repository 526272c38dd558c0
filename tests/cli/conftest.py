"""The command line as a user runs it: a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"
MAIN = "from cancernet.cli import main; main()"
NO_TENSORFLOW = """
import sys
class Forbid:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tensorflow", "keras", "tf2onnx", "onnx"):
            raise ModuleNotFoundError(f"{name} is forbidden here", name=name)
sys.meta_path.insert(0, Forbid())
"""

Ended = subprocess.CompletedProcess
Run = Callable[..., "Ended[str]"]


@pytest.fixture(scope="session")
def cancernet(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run `cancernet ARGUMENTS`; `before` is Python to run first in that process."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    environment = {**os.environ, "CANCERNET_CACHE": str(cache), "KERAS_HOME": str(elsewhere / "keras")}

    def run(*arguments: object, before: str = "", cwd: Path = elsewhere) -> Ended[str]:
        return subprocess.run(
            [sys.executable, "-c", before + MAIN, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            cwd=cwd,
            timeout=300,
        )

    return run


@pytest.fixture(scope="session")
def no_tensorflow() -> str:
    """Python that makes importing TensorFlow, Keras and their exporters fail."""
    return NO_TENSORFLOW


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A small trained bundle; of S001 to S012, ten patients trained it or chose its threshold."""
    return Path(shutil.copytree(V1, tmp_path / "model"))


@pytest.fixture(scope="session")
def one_line_error() -> Callable[[Ended[str]], str]:
    """Check that a command failed as a user's mistake does: exit code 2, one line after any warnings."""

    def check(ended: Ended[str]) -> str:
        assert ended.returncode == 2, ended.stderr
        assert "Traceback" not in ended.stderr
        *warnings, last = [line for line in ended.stderr.splitlines() if line.strip()]
        assert all(line.startswith("WARNING: ") for line in warnings), ended.stderr
        assert last.startswith("cancernet: ")
        return last

    return check
