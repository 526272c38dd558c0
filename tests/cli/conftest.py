"""The command line as a user runs it: a process of its own."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from zygote import zygote

V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"
TRAINING = ("run", "train", "doctor")  # the verbs that import TensorFlow
NO_TENSORFLOW = """
import sys
class Forbid:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tensorflow", "keras", "tf2onnx", "onnx"):
            raise ModuleNotFoundError(f"{name} is forbidden here", name=name)
sys.meta_path.insert(0, Forbid())
"""
NO_FIGURES = """
import cv2, numpy, os
from matplotlib.figure import Figure
white = cv2.imencode(".png", numpy.full((1, 1, 3), 255, numpy.uint8))[1].tobytes()
Figure.savefig = lambda self, file, **_: file.write_bytes(white) if isinstance(file, os.PathLike) else file.write(white)
"""

Ended = subprocess.CompletedProcess
Run = Callable[..., "Ended[str]"]


@pytest.fixture(scope="session")
def cancernet(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Run `cancernet ARGUMENTS` in a process of its own.

    `before` is Python to run first in that process. Without `figures` each is one white pixel: they are most of the
    time of a report, and few tests look at them. Without `keras` its process begins without TensorFlow, as where
    that is missing; verbs that do not train begin so always.
    """
    elsewhere, said = tmp_path_factory.mktemp("elsewhere"), tmp_path_factory.mktemp("said")
    environment = {**os.environ, "CANCERNET_CACHE": str(cache), "KERAS_HOME": str(elsewhere / "keras")}
    count = itertools.count()
    with zygote(environment) as plain, zygote(environment, train=True) as trains:

        def run(
            *arguments: object, before: str = "", cwd: Path = elsewhere, figures: bool = True, keras: bool = True
        ) -> Ended[str]:
            before += "" if figures else NO_FIGURES
            words = [str(each) for each in arguments]
            out, err = (said / f"{next(count)}" for _ in range(2))
            ended = (trains if keras and words[0] in TRAINING else plain)(
                arguments=words, before=before, folder=str(cwd), out=str(out), err=str(err)
            )
            return Ended(words, int(ended["code"]), out.read_text("utf-8"), err.read_text("utf-8"))

        yield run


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
