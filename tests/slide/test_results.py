"""What a reader of one slide's results is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cancernet.model.model import Model
from cancernet.slide.inputs import Options, SlideInput
from cancernet.slide.results import SYNTHETIC, alarms_of, areas_line, doubts, mark_of
from cancernet.slide.scale import Scale
from cancernet.slide.section import Section
from cancernet.slide.tissue import Tissue


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


def test_what_identifiers_depend_on(model: Model) -> None:
    """Slide by name and by what is on it, image, scale, stride and model; and not the folder it lies in."""
    item, blocks, options = SlideInput(Path("a/s.svs")), np.zeros((4, 4, 3), np.uint8), Options()
    about = {"scale": Scale(0.25, 0.25, "x")}
    first = mark_of(item, about, blocks, model, options)
    assert first == mark_of(SlideInput(Path("b/s.svs")), about, blocks, model, options)
    assert first not in {
        mark_of(SlideInput(Path("a/t.svs")), about, blocks, model, options),
        mark_of(SlideInput(Path("a/s.svs"), series=1), about, blocks, model, options),
        mark_of(item, about, blocks + 1, model, options),
        mark_of(item, {"scale": Scale(0.25, 0.2500001, "x")}, blocks, model, options),
        mark_of(item, about, blocks, model, Options(stride=25)),
    }
