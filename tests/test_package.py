"""What is published: a wheel that holds all it needs, nothing else, and answers without TensorFlow."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from cancernet.data.sample import write_sample

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "cancernet"
NO_NETWORK = ("No matching distribution", "Could not find a version", "Connection", "resolution")
WITHOUT_TENSORFLOW = """
from importlib.machinery import PathFinder

find = PathFinder.find_spec
PathFinder.find_spec = lambda name, path=None, target=None: (
    None if name.partition(".")[0] in ("tensorflow", "keras", "tf2onnx") else find(name, path, target)
)
"""


def run(*command: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload,no-any-return]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sdist, and the wheel that was built from it."""
    pytest.importorskip("build", reason="the package `build` is not installed")
    out = tmp_path_factory.mktemp("dist")
    made = run(sys.executable, "-m", "build", "--outdir", str(out), str(ROOT))
    if made.returncode and any(words in made.stdout + made.stderr for words in NO_NETWORK):
        pytest.skip("hatchling cannot be fetched to build with")
    assert made.returncode == 0, made.stdout + made.stderr
    return next(out.glob("*.tar.gz")), next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which the wheel is the only CancerNet there is, and TensorFlow is not installed."""
    place = tmp_path_factory.mktemp("installed")
    made = run(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"),
        *("--target", str(place), str(built[1])),
    )
    assert made.returncode == 0, made.stderr
    (place / "sitecustomize.py").write_text(WITHOUT_TENSORFLOW)
    return {**os.environ, "PYTHONPATH": str(place)}


def test_what_is_built_can_be_published(built: tuple[Path, Path]) -> None:
    pytest.importorskip("twine", reason="the package `twine` is not installed")
    found = run(sys.executable, "-m", "twine", "check", "--strict", *map(str, built))
    assert found.returncode == 0, found.stdout + found.stderr


def test_the_wheel_holds_every_file_of_the_package_and_no_other(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[1]) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    here = {
        f"cancernet/{path.relative_to(SOURCE).as_posix()}"
        for path in SOURCE.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert names == here
    for needed in (
        "py.typed",
        "training/recipes.toml",
        "data/cases/test.txt",
        "report/templates/report.html",
        "report/templates/viewer.js",
        "maps/vendor/openseadragon.min.js",
        "maps/vendor/openseadragon.LICENSE.txt",
        "models/cancernet/manifest.json",
        "models/cancernet/model.onnx",
    ):
        assert f"cancernet/{needed}" in names


def test_the_wheel_is_small(built: tuple[Path, Path]) -> None:
    assert built[1].stat().st_size < 5_000_000


def test_the_sdist_holds_tests_and_docs(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[0]) as sdist:
        folders = {"/".join(name.split("/")[1:2]) for name in sdist.getnames()}
    assert {"src", "tests", "docs", "examples", "README.md", "LICENSE"} <= folders


def test_the_installed_wheel_predicts_without_tensorflow(installed: dict[str, str], tmp_path: Path) -> None:
    place = Path(installed["PYTHONPATH"])
    where = run(sys.executable, "-c", "import cancernet; print(cancernet.__file__)", env=installed)
    assert Path(where.stdout.strip()).is_relative_to(place)
    patch = next(write_sample(tmp_path / "sample", patients=1, patches_per_patient=4).rglob("*.png"))
    found = run(str(place / "bin" / "cancernet"), "predict", str(patch), env=installed, cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    (row,) = csv.DictReader(found.stdout.splitlines())
    assert row["patient"] == "S001"
    assert row["decision"] in ("benign", "malignant")


def test_training_with_the_installed_wheel_says_what_is_missing(installed: dict[str, str], tmp_path: Path) -> None:
    command = str(Path(installed["PYTHONPATH"]) / "bin" / "cancernet")
    found = run(command, "run", "--results", str(tmp_path / "results"), env=installed, cwd=tmp_path)
    assert found.returncode == 2
    assert "pip install 'cancernet[train]'" in found.stderr
    assert len(found.stderr.splitlines()) == 1
