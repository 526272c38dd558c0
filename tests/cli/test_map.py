"""`cancernet map`: maps, an exit code that tells, no TensorFlow."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest


@pytest.fixture
def data(sample: Path, tmp_path: Path) -> Path:
    """Two patients."""
    for patient in ("S001", "S002"):
        shutil.copytree(sample / patient, tmp_path / "data" / patient)
    return tmp_path / "data"


def test_all_good_is_exit_0_and_needs_no_tensorflow(
    cancernet: Callable, no_tensorflow: str, model: Path, data: Path, tmp_path: Path
) -> None:
    ended = cancernet("map", data, "--model", model, "--out", tmp_path / "out", before=no_tensorflow)
    assert ended.returncode == 0, ended.stderr
    assert "S001: 24 patches" in ended.stdout
    assert f"specimens: 2; page: {tmp_path / 'out' / 'index.html'}" in ended.stdout
    assert (tmp_path / "out" / "S002" / "map.png").is_file()
    assert "each patch is judged by itself" in ended.stderr  # this old bundle knows nothing of surroundings


def test_one_patient_can_be_asked_for(cancernet: Callable, model: Path, data: Path, tmp_path: Path) -> None:
    ended = cancernet("map", data, "--model", model, "--out", tmp_path / "out", "--patient", "S002")
    assert ended.returncode == 0, ended.stderr
    assert not (tmp_path / "out" / "S001").exists()


def test_some_bad_is_exit_1_and_it_is_listed(cancernet: Callable, model: Path, data: Path, tmp_path: Path) -> None:
    (data / "odd name.png").write_text("no image")
    ended = cancernet("map", data, "--model", model, "--out", tmp_path / "out")
    assert ended.returncode == 1
    assert "could not be used: 1" in ended.stderr
    assert "odd name.png" in (tmp_path / "out" / "errors.csv").read_text()


def test_some_unsure_is_exit_1_and_glass_alone_is_exit_2(
    cancernet: Callable, one_line_error: Callable, model: Path, data: Path, tmp_path: Path
) -> None:
    patches = sorted(data.rglob("*.png"))
    cv2.imwrite(str(patches[0]), np.full((50, 50, 3), 245, np.uint8))
    ended = cancernet("map", data, "--model", model, "--out", tmp_path / "out")
    assert ended.returncode == 1
    assert "patches that cannot be judged: 1; `unsure` in patches.csv" in ended.stderr
    for path in patches:
        cv2.imwrite(str(path), np.full((50, 50, 3), 245, np.uint8))
    ended = cancernet("map", data, "--model", model, "--out", tmp_path / "none")
    assert "none of its patches can be judged" in one_line_error(ended)


def test_nothing_to_draw_is_exit_2(cancernet: Callable, one_line_error: Callable, model: Path, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    ended = cancernet("map", tmp_path / "none", "--model", model, "--out", tmp_path / "out")
    assert "no specimen" in one_line_error(ended)


def test_an_output_that_cannot_be_written_is_said(
    cancernet: Callable, one_line_error: Callable, model: Path, data: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    ended = cancernet("map", data, "--model", model, "--out", tmp_path / "file")
    assert str(tmp_path / "file") in one_line_error(ended)
