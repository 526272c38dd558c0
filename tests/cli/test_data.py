"""`cancernet data`: what a folder holds, said and written; samples drawn; mistakes in one line."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from cancernet.data.synthetic import draw_section


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_check_says_what_is_there_and_writes_it(cancernet: Callable, sample: Path, tmp_path: Path) -> None:
    ended = cancernet("data", "check", sample, "--out", tmp_path / "out")
    assert ended.returncode == 0
    assert "layout patient/class, 192 patches, 8 patients" in ended.stdout
    assert "SYNTHETIC" in ended.stdout
    assert "leak audit: 0 patients on two sides" in ended.stdout
    assert len(rows(tmp_path / "out" / "catalog.csv")) == 192
    assert {row["split"] for row in rows(tmp_path / "out" / "split.csv")} == {"train", "val", "test"}
    assert {path.name for path in (tmp_path / "out").iterdir() if path.name[0] != "."} == {
        "catalog.csv", "quarantine.csv", "split.csv", "duplicates.csv",
    }  # fmt: skip


def test_a_site_can_be_held_out(cancernet: Callable, one_line_error: Callable, sample: Path, tmp_path: Path) -> None:
    cohort, out = tmp_path / "cohort.csv", tmp_path / "out"
    cohort.write_text("patient,site\n" + "".join(f"S00{n},{'far' if n in (2, 7) else 'near'}\n" for n in range(1, 9)))
    command = ("data", "check", sample, "--out", out, "--split", "column", "--split-by", f"{cohort}:site")
    assert "--test-value says which site" in one_line_error(cancernet(*command))
    ended = cancernet(*command, "--test-value", "far")
    assert ended.returncode == 0, ended.stderr
    assert "Test patients are those of site far in cohort.csv; train and val are patients of near" in ended.stdout
    sides = {row["patient"]: row["split"] for row in rows(out / "split.csv")}
    assert {patient for patient, side in sides.items() if side == "test"} == {"S002", "S007"}


def test_check_names_what_it_sets_aside_and_changes_nothing(cancernet: Callable, sample: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(sample, tmp_path / "data"))
    one = next((folder / "S001" / "0").glob("*.png"))
    (folder / "S001" / "0" / "S001_idx5_x901_y1_class0.png").write_bytes(one.read_bytes()[:100])
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    ended = cancernet("data", "check", folder)
    assert ended.returncode == 0
    assert "set aside 1: truncated" in ended.stdout
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_check_counts_copies_in_one_line_however_many_there_are(
    cancernet: Callable, sample: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(sample, tmp_path / "data"))
    for i, one in enumerate(sorted((folder / "S001" / "0").glob("*.png"))[:5]):
        shutil.copy(one, one.with_name(f"S001_idx5_x{901 + 50 * i}_y901_class0.png"))
    ended = cancernet("data", "check", folder)
    assert "set aside 5: exact duplicate" in ended.stdout
    assert ended.stdout.count("duplicate of") == 0


@pytest.mark.slow
def test_anonymous_patches_are_refused_until_allowed_and_then_marked(
    cancernet: Callable, one_line_error: Callable, sample: Path, tmp_path: Path
) -> None:
    for label, name in enumerate(("benign", "malignant")):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i, path in enumerate(sorted(sample.glob(f"*/{label}/*.png"))[:30]):
            shutil.copy(path, tmp_path / "data" / name / f"{i}.png")
    refused = cancernet("data", "check", tmp_path / "data")
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr
    assert "--allow-patch-split" in refused.stderr.splitlines()[-1]
    allowed = cancernet("data", "check", tmp_path / "data", "--allow-patch-split")
    assert allowed.returncode == 0
    assert "NOT SPLIT BY PATIENT" in allowed.stderr


@pytest.mark.parametrize(
    "make",
    ["missing", "one patient", *(pytest.param(m, marks=pytest.mark.slow) for m in ("empty", "file", "one class"))],
)
def test_a_folder_that_cannot_be_used_is_one_line(
    cancernet: Callable, one_line_error: Callable, sample: Path, tmp_path: Path, make: str
) -> None:
    folder = tmp_path / "data"
    if make == "empty":
        folder.mkdir()
    elif make == "file":
        folder.write_text("not a folder")
    elif make == "one class":
        shutil.copytree(sample, folder, ignore=shutil.ignore_patterns("1", "SYNTHETIC.txt"))
    elif make == "one patient":
        shutil.copytree(sample / "S001", folder / "S001")
    assert one_line_error(cancernet("data", "check", folder))


def test_sample_draws_as_many_as_asked_and_will_not_mix_two(
    cancernet: Callable, one_line_error: Callable, tmp_path: Path
) -> None:
    ended = cancernet("data", "sample", tmp_path / "s", "--patients", 3, "--patches-per-patient", 5)
    assert (ended.returncode, ended.stdout) == (0, f"3 synthetic patients in {tmp_path / 's'}\n")
    assert len([p for p in (tmp_path / "s").iterdir() if p.is_dir()]) == 3
    assert "another data set" in one_line_error(cancernet("data", "sample", tmp_path / "s", "--patients", 4))


def test_a_missing_folder_name_is_a_usage_error(cancernet: Callable) -> None:
    assert cancernet("data", "download").returncode == 2


def feature(name: str, left: int, right: int) -> dict[str, object]:
    ring = [[left, 0], [right, 0], [right, 300], [left, 300], [left, 0]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "geometry": geometry, "properties": {"classification": {"name": name}}}


@pytest.fixture
def slides(tmp_path: Path) -> list[Path]:
    """Four annotated sections at 4 um/px."""
    pytest.importorskip("pyvips")
    pytest.importorskip("openslide")
    pytest.importorskip("shapely")
    found = []
    for i in range(4):
        image = draw_section(np.random.default_rng(i), 300, 400, malignant_share=0.4).image
        found.append(tmp_path / f"p{i}.png")
        cv2.imwrite(str(found[-1]), image[..., ::-1])
        features = [feature("Tumor", 0, 180), feature("Other", 180, 400)]
        found[-1].with_suffix(".geojson").write_text(json.dumps(features))
    return found


def test_annotated_slides_become_a_labelled_folder_that_check_reads(
    cancernet: Callable, no_tensorflow: str, slides: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    common = ("--annotations", tmp_path, "--mpp", "4", "--patient-is-slide", "--out", out)
    ended = cancernet("data", "from-slides", *slides, *common, before=no_tensorflow)
    assert ended.returncode == 0, ended.stderr
    assert "patches of 4 patients" in ended.stdout
    assert {row["split"] for row in rows(out / "split.csv")} == {"train", "val", "test"}
    checked = cancernet("data", "check", out / "patches", "--split-file", out / "split.csv")
    assert checked.returncode == 0, checked.stderr
    assert f"{len(rows(out / 'catalog.csv')):,} patches, 4 patients" in checked.stdout
    (tmp_path / "p1.geojson").unlink()
    some = cancernet("data", "from-slides", *slides, *common)
    assert some.returncode == 1
    assert "slides that could not be used: 1" in some.stderr
    assert some.stdout.count("done before") == 3
    assert [Path(row["path"]).name for row in rows(out / "errors.csv")] == ["p1.png"]


def test_slides_that_cannot_be_labelled_are_one_line(
    cancernet: Callable, one_line_error: Callable, slides: list[Path], tmp_path: Path
) -> None:
    common = ("data", "from-slides", slides[0], "--annotations", tmp_path, "--mpp", "4", "--out", tmp_path / "out")
    assert "--patient-is-slide" in one_line_error(cancernet(*common))
    (tmp_path / "p0.geojson").write_text(json.dumps([feature("DCIS", 0, 400)]))
    ended = cancernet(*common, "--patient-is-slide")
    assert ended.returncode == 2
    assert "--ignore NAME" in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr
