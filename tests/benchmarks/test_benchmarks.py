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
import importlib, pathlib, runpy, sys
for path in sorted(pathlib.Path(sys.argv[1]).rglob("*.py")):
    parts = path.relative_to(sys.argv[1]).with_suffix("").parts
    if not parts[0].startswith(("slide_", "trials_gpu")):  # which need an extra, or PyTorch
        importlib.import_module(".".join(parts))
sys.argv = ["speed", "--help"]
runpy.run_module("speed", run_name="__main__", alter_sys=True)
"""


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(BENCHMARKS), *filter(None, sys.path)])}
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, env=environment)


@pytest.mark.slow
@pytest.mark.train
def test_every_benchmark_finds_what_it_imports_and_the_table_of_speed_says_how_it_is_made() -> None:
    pytest.importorskip("keras")
    ended = python("-c", IMPORTS, str(BENCHMARKS))
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert (
        "--only {patches,inference,slides,cohort,growth,memory,scaling,kernels,transfer,training,whole}" in ended.stdout
    )


LEVELS = """
import sys, pathlib
from speed.slide_file import keep_levels, write_slide
folder = pathlib.Path(sys.argv[1])
whole = write_slide(folder / "whole.svs", 60, 50)
keep_levels(whole, folder / "two.svs", (0, 2))
"""


def test_a_large_slide_is_drawn_as_a_scanner_writes_it_and_loses_levels_alone(tmp_path: Path) -> None:
    openslide = pytest.importorskip("openslide")
    pytest.importorskip("pyvips")
    ended = python("-c", LEVELS, str(tmp_path))
    assert ended.returncode == 0, ended.stderr[-2000:]
    whole, two = (openslide.OpenSlide(str(tmp_path / f"{name}.svs")) for name in ("whole", "two"))
    assert whole.properties["openslide.vendor"] == two.properties["openslide.vendor"] == "aperio"
    assert two.level_dimensions == ((960, 800), (240, 200))
    assert whole.level_dimensions[:3] == ((960, 800), (480, 400), (240, 200))
    for level, same in ((0, 0), (1, 2)):
        size = two.level_dimensions[level]
        assert two.read_region((0, 0), level, size).tobytes() == whole.read_region((0, 0), same, size).tobytes()


SHARES = """
from speed.public_set import shares
print(shares([3, 50, 10], 90), shares([3, 50, 10, 4], 101))
"""


def test_a_sample_is_filled_up_to_the_public_set_without_leaving_a_patch_out() -> None:
    ended = python("-c", SHARES)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert ended.stdout.split("\n")[0] == "[20, 50, 20] [17, 50, 17, 17]"
