"""The benchmarks run on this version: `make bench` asserts nothing about time, and neither does this."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="the benchmarks are not beside the tests")

IMPORTS = """
import importlib, pathlib, sys
for path in sorted(pathlib.Path(sys.argv[1]).rglob("*.py")):
    parts = path.relative_to(sys.argv[1]).with_suffix("").parts
    if not parts[0].startswith(("slide_", "trials_gpu")):  # which need an extra, or PyTorch
        importlib.import_module(".".join(parts))
"""


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(BENCHMARKS), *filter(None, sys.path)])}
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, env=environment)


@pytest.mark.train
def test_the_table_of_speed_says_how_it_is_made() -> None:
    pytest.importorskip("keras")
    ended = python("-m", "speed", "--help")
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert "--only {patches,inference,slides,growth,kernels,transfer,training,whole}" in ended.stdout


@pytest.mark.slow
@pytest.mark.train
def test_every_benchmark_finds_what_it_imports() -> None:
    pytest.importorskip("keras")
    ended = python("-c", IMPORTS, str(BENCHMARKS))
    assert ended.returncode == 0, ended.stderr[-2000:]
