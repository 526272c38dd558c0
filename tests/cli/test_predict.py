"""`cancernet predict`: rows for the good, reasons for the bad, an exit code that tells, no TensorFlow."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from cancernet.model.bundle import GRAPH, SHIPPED
from cancernet.model.model import load_model


@pytest.fixture
def patches(sample: Path, tmp_path: Path) -> Path:
    """Five patches of one patient."""
    folder = tmp_path / "patches"
    folder.mkdir()
    for path in sorted((sample / "S001" / "0").glob("*.png"))[:5]:
        shutil.copy(path, folder)
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_all_good_is_exit_0_and_needs_no_tensorflow(
    cancernet: Callable, no_tensorflow: str, model: Path, patches: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out" / "p.csv"
    ended = cancernet("predict", patches, "--model", model, "--out", out, before=no_tensorflow)
    assert ended.returncode == 0, ended.stderr
    found = rows(out)
    assert list(found[0]) == ["path", "patient", "x", "y", "probability", "decision", "reason", "alone"]
    assert [row["patient"] for row in found] == ["S001"] * 5
    assert not (out.parent / "errors.csv").exists()
    assert "patches: 5, malignant: " in ended.stderr
    assert "SYNTHETIC" in ended.stderr


def test_some_bad_is_exit_1_and_they_are_listed(
    cancernet: Callable, model: Path, patches: Path, tmp_path: Path
) -> None:
    (patches / "bad.png").write_text("no image")
    ended = cancernet("predict", patches, "--model", model, "--out", tmp_path / "p.csv")
    assert ended.returncode == 1
    assert len(rows(tmp_path / "p.csv")) == 5
    [error] = rows(tmp_path / "errors.csv")
    assert error["path"] == "bad.png"
    assert error["reason"]
    assert str(tmp_path / "errors.csv") in ended.stderr
    assert "Traceback" not in ended.stderr


def test_nothing_usable_is_exit_2(cancernet: Callable, one_line_error: Callable, model: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_text("no image")
    said = one_line_error(cancernet("predict", tmp_path / "bad.png", "--model", model, "--out", tmp_path / "p.csv"))
    assert "no image could be used" in said
    assert not (tmp_path / "p.csv").exists()


def test_without_out_the_rows_are_all_there_is_on_standard_output(
    cancernet: Callable, model: Path, patches: Path
) -> None:
    ended = cancernet("predict", patches, "--model", model)
    lines = ended.stdout.splitlines()
    assert (ended.returncode, len(lines)) == (0, 6)
    assert lines[0] == "path,patient,x,y,probability,decision,reason,alone"
    assert {line.split(",")[5] for line in lines[1:]} <= {"benign", "malignant"}


def test_the_decisions_follow_the_threshold_of_the_bundle(
    cancernet: Callable, model: Path, patches: Path, tmp_path: Path
) -> None:
    cancernet("predict", patches, "--model", model, "--out", tmp_path / "p.csv")
    threshold = load_model(model).threshold
    for row in rows(tmp_path / "p.csv"):
        assert row["decision"] == ("malignant" if float(row["probability"]) >= threshold else "benign")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda m: (m / "manifest.json").unlink(), "is no model"),
        (lambda m: (m / "manifest.json").write_text("{"), "cannot read"),
        (lambda m: (m / GRAPH).write_bytes((m / GRAPH).read_bytes()[:-9]), "copy the bundle again"),
        (lambda m: (m / GRAPH).write_bytes((m / GRAPH).read_bytes()[::-1]), "its content was changed"),
    ],
)
def test_a_spoilt_model_is_one_line(
    cancernet: Callable, one_line_error: Callable, model: Path, patches: Path, spoil: Callable, says: str
) -> None:
    spoil(model)
    assert says in one_line_error(cancernet("predict", patches, "--model", model))


def test_a_path_that_is_not_there_is_one_line(cancernet: Callable, one_line_error: Callable, model: Path) -> None:
    assert "nowhere" in one_line_error(cancernet("predict", "nowhere", "--model", model))


def test_a_place_that_cannot_be_written_is_one_line(
    cancernet: Callable, one_line_error: Callable, model: Path, patches: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    said = one_line_error(cancernet("predict", patches, "--model", model, "--out", tmp_path / "file" / "p.csv"))
    assert "cannot write" in said
    assert str(tmp_path) in one_line_error(cancernet("predict", patches, "--model", model, "--out", tmp_path))


def test_without_a_model_named_the_shipped_one_answers(cancernet: Callable, no_tensorflow: str, patches: Path) -> None:
    one = next(patches.iterdir())
    ended = cancernet("predict", one, before=no_tensorflow)
    assert ended.returncode == 0, ended.stderr
    header, row = ended.stdout.splitlines()
    assert header.startswith("path,")
    assert row.split(",")[5] in ("benign", "malignant")
    assert f"of {SHIPPED}" in ended.stderr
    assert "SYNTHETIC" not in ended.stderr


def test_abstaining_says_how_many_are_left_to_a_person(cancernet: Callable, patches: Path, tmp_path: Path) -> None:
    ended = cancernet("predict", patches, "--abstain", "0.3", "--out", tmp_path / "p.csv")
    assert ended.returncode == 0, ended.stderr
    unsure = sum(row["decision"] == "unsure" for row in rows(tmp_path / "p.csv"))
    assert f"unsure: {unsure} (" in ended.stderr


def test_a_share_that_no_band_was_fitted_for_is_refused_with_those_there_are(
    cancernet: Callable, patches: Path
) -> None:
    ended = cancernet("predict", patches, "--abstain", "0.15")
    assert ended.returncode == 2
    assert "'0.05', '0.1', '0.2', '0.3'" in ended.stderr


def test_glass_is_unsure_with_its_reason_and_exit_1(
    cancernet: Callable, model: Path, patches: Path, tmp_path: Path
) -> None:
    cv2.imwrite(str(patches / "glass.png"), np.full((50, 50, 3), 243, np.uint8))
    ended = cancernet("predict", patches, "--model", model, "--out", tmp_path / "p.csv")
    assert ended.returncode == 1
    assert "patches that cannot be judged: 1" in ended.stderr
    [glass] = [row for row in rows(tmp_path / "p.csv") if row["path"] == "glass.png"]
    assert glass["decision"] == "unsure"
    assert "no stained tissue" in glass["reason"]


def test_an_image_named_as_its_own_table_stays_what_it_is(
    cancernet: Callable, one_line_error: Callable, model: Path, patches: Path
) -> None:
    image = next(patches.iterdir())
    before = image.read_bytes()
    said = one_line_error(cancernet("predict", image, "--model", model, "--out", image))
    assert "is what is read" in said
    assert image.read_bytes() == before


def test_a_tilde_is_the_home_folder(cancernet: Callable, model: Path, patches: Path, tmp_path: Path) -> None:
    home = f"import os; os.environ['HOME'] = {str(tmp_path)!r}\n"
    ended = cancernet("predict", patches, "--model", model, "--out", "~/found/p.csv", before=home, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "found" / "p.csv").is_file()
    assert not (tmp_path / "~").exists()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("manifest.json", '{"a": ' + "[" * 100_000, "cannot read"),
        ("manifest.json", '{"format": 1e999}', "not a valid manifest"),
        ("manifest.json", '{"format": 2}', "newer CancerNet"),
    ],
)
def test_a_hostile_manifest_is_one_line(
    cancernet: Callable, one_line_error: Callable, model: Path, patches: Path, name: str, content: str, says: str
) -> None:
    (model / name).write_text(content)
    assert says in one_line_error(cancernet("predict", patches, "--model", model))
