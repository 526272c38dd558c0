"""`cancernet explain`: exit codes that tell, no TensorFlow, words on what was cut."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cancernet.model.bundle import SHIPPED


@pytest.fixture
def patches(sample: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "patches"
    folder.mkdir()
    for path in sorted((sample / "S001" / "0").glob("*.png"))[:3]:
        shutil.copy(path, folder)
    return folder


def test_all_good_is_exit_0_and_needs_no_tensorflow(
    cancernet: Callable, no_tensorflow: str, patches: Path, tmp_path: Path
) -> None:
    ended = cancernet("explain", patches, "--out", tmp_path / "out", "--max-images", 1, before=no_tensorflow)
    assert ended.returncode == 0, ended.stderr
    assert f"patches: 3 explained by {SHIPPED}" in ended.stdout
    assert "the first 1 of 3 patches (--max-images 1)" in ended.stderr
    assert {path.name for path in (tmp_path / "out").iterdir() if path.name[0] != "."} == {
        "explanations.csv",
        "index.html",
        "pictures",
    }


def test_some_bad_is_exit_1_and_data_of_others_is_said(
    cancernet: Callable, patches: Path, sample: Path, tmp_path: Path
) -> None:
    (patches / "bad.png").write_text("no image")
    ended = cancernet("explain", patches, "--out", tmp_path / "out", "--data", sample)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert (tmp_path / "out" / "errors.csv").exists()
    assert "training patches: 0 of 15 found" in ended.stderr
    assert "is it the data" in ended.stderr


@pytest.mark.parametrize("what", ["bad", "absent", "old model"])
def test_what_cannot_be_explained_is_one_line(
    cancernet: Callable, one_line_error: Callable, model: Path, patches: Path, tmp_path: Path, what: str
) -> None:
    (tmp_path / "bad.png").write_text("no image")
    arguments, says = {
        "bad": ((tmp_path / "bad.png",), "no image could be used"),
        "absent": (("nowhere",), "nowhere"),
        "old model": ((patches, "--model", model), "train it again"),
    }[what]
    assert says in one_line_error(cancernet("explain", *arguments, "--out", tmp_path / "out"))
    assert not (tmp_path / "out" / "explanations.csv").exists()
