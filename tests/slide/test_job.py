"""What a reader of one slide's results is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cancernet.model.model import Model
from cancernet.slide.inputs import SlideInput
from cancernet.slide.job import SYNTHETIC, Options, alarms_of, areas_line, doubts, identify, settings_of
from cancernet.slide.scale import BadSlide
from cancernet.slide.section import Section
from cancernet.slide.tissue import Tissue

ITEM = SlideInput(Path("a.svs"))


def section(width: int, height: int) -> Section:
    return Section(Path("s"), width, height, 16.0, 16.0, (0, 0), 0)


def tissue(pen: float = 0.0) -> Tissue:
    return Tissue(np.ones((1, 1), bool), 20.0, pen)


@pytest.mark.parametrize(("width", "told"), [(100, False), (130, False), (124, True), (110, True)])
def test_an_edge_is_told_to_be_left_out_only_where_it_is(width: int, told: bool) -> None:
    found = doubts(section(width, 100), tissue(), 50)
    assert bool(found) == told
    if told:
        assert f"{width - 100} px at the right edge" in found[0]


def test_overlap_leaves_less_out() -> None:
    assert doubts(section(124, 100), tissue(), 50)
    assert not doubts(section(124, 100), tissue(), 5)


def test_ink_is_told() -> None:
    [said] = doubts(section(100, 100), tissue(pen=0.2), 50)
    assert "20%" in said
    assert "ink" in said


@pytest.mark.parametrize("synthetic", [True, False])
@pytest.mark.parametrize("stain", ["", "stained unlike"])
def test_alarms_are_of_a_synthetic_model_and_of_another_stain(synthetic: bool, stain: str) -> None:
    told = ["REFUSED: stained unlike. Nothing is called benign or malignant."] if stain else []
    assert alarms_of(synthetic, stain) == [SYNTHETIC] * synthetic + told


def test_area_and_share_agree() -> None:
    measured = {"tissue_mm2": 0.0187, "malignant_mm2": 0.004, "malignant_share": 0.214}
    assert areas_line(measured) == "tissue 0.019 mm2, called malignant 0.0040 mm2, 21.4% of the analysed"


def test_a_changed_file_is_another_state(tmp_path: Path) -> None:
    path = tmp_path / "x.svs"
    path.write_text("x")
    before = identify(SlideInput(path))
    path.write_text("xy")
    assert identify(SlideInput(path)) != before
    with pytest.raises(BadSlide, match="no such file"):
        identify(SlideInput(tmp_path / "none.svs"))


def test_all_files_of_a_slide_tell_its_state(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("x.mrxs", "Data0.dat")]
    for file in files:
        file.write_text("x")
    item = SlideInput(files[0], files=tuple(files))
    before = identify(item)
    files[1].write_text("xy")
    assert identify(item) != before


def test_settings_hold_what_results_depend_on_and_no_threads(model: Model) -> None:
    owner = {"path": "a.svs", "bytes": 1, "stamp": 2}
    base = settings_of(ITEM, owner, model, Options())
    assert base == settings_of(ITEM, owner, model, Options(threads=8))
    assert base != settings_of(SlideInput(ITEM.path, mpp=0.5), owner, model, Options())
    assert base != settings_of(SlideInput(ITEM.path, usual_mpp=0.5), owner, model, Options())
    assert base != settings_of(ITEM, owner, model, Options(stride=10))
    assert base != settings_of(ITEM, owner, model, Options(viewer_mpp=1.0))
    assert base != settings_of(ITEM, {**owner, "stamp": 3}, model, Options())


def test_mapping_a_slide_loads_no_scikit_learn() -> None:
    """It takes a second, longer than a small slide takes to map, and no slide needs it."""
    code = "import sys, cancernet.slide.batch; print(sorted({'sklearn', 'scipy'} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"
