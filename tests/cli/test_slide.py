"""`cancernet slide`: maps for the good, reasons for the bad, an exit code that tells, no TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from cancernet.common.output import Output
from cancernet.data.synthetic import draw_section

pytest.importorskip("pyvips")
pytest.importorskip("openslide")
pytest.importorskip("shapely")


@pytest.fixture(scope="module")
def slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    image = draw_section(np.random.default_rng(5), 300, 400, malignant_share=0.4).image
    path = tmp_path_factory.mktemp("slides") / "a slide.png"
    cv2.imwrite(str(path), image[..., ::-1])
    return path


def test_all_good_is_exit_0_and_needs_no_tensorflow(
    cancernet: Callable, no_tensorflow: str, model: Path, slide: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = cancernet("slide", slide, "--mpp", "4", "--model", model, "--out", out, before=no_tensorflow)
    assert first.returncode == 0, first.stderr
    assert "slides: 1 mapped (0 of them before)" in first.stdout
    assert "SYNTHETIC" in first.stderr
    assert "patches that cannot be judged" not in first.stderr
    assert (out / "cohort.html").is_file()
    assert (out / "cohort.csv").read_text("utf-8").count("\n") == 2
    assert (out / "a slide" / "overlay.png").is_file()
    again = cancernet("slide", slide, "--mpp", "4", "--model", model, "--out", out)
    assert again.returncode == 0
    assert "done before with these settings" in again.stdout


def test_a_foreign_stain_is_exit_2_and_beside_a_slide_of_ours_exit_1(
    cancernet: Callable, model: Path, slide: Path, tmp_path: Path
) -> None:
    dark = tmp_path / "dark.png"
    cv2.imwrite(str(dark), cv2.imread(str(slide)) // 2)
    out = tmp_path / "out"
    ended = cancernet("slide", dark, "--mpp", "4", "--model", model, "--out", out)
    assert (ended.returncode, ended.stderr.count("REFUSED: stained or scanned unlike")) == (2, 1)
    assert "cancernet: no slide got an answer, of 1" in ended.stderr
    both = cancernet("slide", dark, slide, "--mpp", "4", "--model", model, "--out", out)
    assert both.returncode == 1
    assert "slides refused: 1" in both.stderr


def test_some_bad_is_exit_1_and_they_are_listed(cancernet: Callable, model: Path, slide: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.svs").write_text("no slide")
    ended = cancernet("slide", tmp_path / "bad.svs", slide, "--mpp", "4", "--model", model, "--out", tmp_path / "o")
    assert ended.returncode == 1
    assert "bad.svs" in (tmp_path / "o" / "errors.csv").read_text("utf-8")
    assert "Traceback" not in ended.stderr


def test_none_is_exit_2_and_says_what_to_pass(cancernet: Callable, slide: Path, tmp_path: Path) -> None:
    ended = cancernet("slide", slide, "--out", tmp_path / "o")
    assert ended.returncode == 2
    assert "pass --mpp" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("mpp", ["0", "-1", "nan", "999"])
def test_an_impossible_scale_is_one_line(
    cancernet: Callable, one_line_error: Callable, slide: Path, tmp_path: Path, mpp: str
) -> None:
    assert "--mpp" in one_line_error(cancernet("slide", slide, f"--mpp={mpp}", "--out", tmp_path / "o"))


def test_a_place_that_cannot_be_written_is_one_line(
    cancernet: Callable, one_line_error: Callable, slide: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    for out, says in ((tmp_path / "file", "is a file"), (tmp_path / "file" / "o", "cannot write")):
        assert says in one_line_error(cancernet("slide", slide, "--mpp", "4", "--out", out))


def test_a_folder_that_is_being_written_is_one_line(
    cancernet: Callable, one_line_error: Callable, slide: Path, tmp_path: Path
) -> None:
    with Output(tmp_path / "o", "slide"):
        ended = cancernet("slide", slide, "--mpp", "4", "--out", tmp_path / "o")
    assert "is being written" in one_line_error(ended)


def test_a_missing_extra_is_one_line_that_names_it(
    cancernet: Callable, one_line_error: Callable, slide: Path, tmp_path: Path
) -> None:
    without = "import sys; sys.modules['openslide'] = None\n"
    said = one_line_error(cancernet("slide", slide, "--mpp", "4", "--out", tmp_path / "o", before=without))
    assert "pip install 'cancernet[slide]'" in said


def test_help_states_the_limits(cancernet: Callable) -> None:
    shown = " ".join(cancernet("slide", "--help").stdout.split())
    assert "up to 10 gigapixels" in shown
    assert "250 megapixels" in shown


def test_a_region_of_interest_is_judged_alone_and_one_that_is_missing_is_told(
    cancernet: Callable, one_line_error: Callable, model: Path, slide: Path, tmp_path: Path
) -> None:
    ring = [[0, 0], [200, 0], [200, 300], [0, 300], [0, 0]]
    (tmp_path / "r.geojson").write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    common = ("slide", slide, "--mpp", "4", "--model", model, "--out", tmp_path / "o")
    ended = cancernet(*common, "--roi", tmp_path / "r.geojson")
    assert ended.returncode == 0, ended.stderr
    found = json.loads((tmp_path / "o" / "a slide" / "summary.json").read_text("utf-8"))
    assert found["roi"]["mm2"] == pytest.approx(0.96)
    wrong = cancernet(*common, "--roi", tmp_path / "r.geojson", "--roi-class", "Tumor")
    assert wrong.returncode == 2
    assert "no area of class Tumor; it has unclassified (1)" in wrong.stderr
    assert "no such file" in one_line_error(cancernet(*common, "--roi", tmp_path / "none"))
