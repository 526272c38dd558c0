"""From areas to labels: the share decides, and what is contradicted or unknown gets none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely

from cancernet.slide.annotation import Annotation
from cancernet.slide.annotation_classes import ClassNames, LabelRule
from cancernet.slide.annotations import Annotations
from cancernet.slide.cell_labels import BORDER, BOTH, IGNORED_AREA, UNANNOTATED, CellLabels, areas_of, label_cells
from cancernet.slide.section import Section

SECTION = Section(Path("s"), 200, 50, 1.0, 1.0, (0, 0), 0)  # four patches


def label(*areas: tuple[str, float, float], rule: LabelRule = LabelRule()) -> CellLabels:  # noqa: B008
    items = tuple(Annotation(name, shapely.box(left, 0, right, 50), name == "Ignore*") for name, left, right in areas)
    found = Annotations(Path("a"), "", items)
    return label_cells(areas_of(found, ClassNames(ignore=["DCIS"]).meanings(found.classes)), SECTION, 50, rule)


def test_a_patch_is_of_the_class_that_has_half_of_it() -> None:
    found = label(("Tumor", 0, 80), ("Stroma", 80, 200))
    assert found.label[0].tolist() == [1, 1, 0, 0]
    assert found.malignant[0].tolist() == pytest.approx([1, 0.6, 0, 0])
    assert (found.why == "").all()


def test_as_much_of_one_as_of_the_other_gets_no_label() -> None:
    found = label(("Tumor", 0, 75), ("Stroma", 75, 200))
    assert found.label[0].tolist() == [1, -1, 0, 0]
    assert found.why[0, 1] == BORDER


def test_what_is_not_annotated_is_not_benign_unless_it_is_said() -> None:
    assert label(("Tumor", 0, 50)).label[0].tolist() == [1, -1, -1, -1]
    assert set(label(("Tumor", 0, 50)).why[0, 1:]) == {UNANNOTATED}
    assert label(("Tumor", 0, 80), rule=LabelRule(rest="benign")).label[0].tolist() == [1, 1, 0, 0]


def test_the_rest_is_benign_only_where_somebody_looked() -> None:
    found = label(("Tumor", 0, 50), ("Region*", 0, 100), rule=LabelRule(rest="benign"))
    assert found.label[0].tolist() == [1, 0, -1, -1]


def test_a_border_patch_is_left_out_or_kept_in_the_larger() -> None:
    areas = ("Tumor", 0, 85), ("Stroma", 85, 200)
    assert label(*areas, rule=LabelRule(share=0.8)).label[0].tolist() == [1, -1, 0, 0]
    assert label(*areas, rule=LabelRule(share=0.8, border="keep")).label[0].tolist() == [1, 1, 0, 0]


def test_a_patch_hardly_annotated_is_not_kept_by_the_sliver_it_has() -> None:
    assert label(("Tumor", 0, 60), rule=LabelRule(border="keep")).label[0].tolist() == [1, -1, -1, -1]


def test_what_is_annotated_as_both_or_ignored_gets_no_label() -> None:
    found = label(("Tumor", 0, 100), ("Stroma", 50, 150), ("DCIS", 140, 200), ("Ignore*", 0, 30))
    assert found.label[0].tolist() == [-1, -1, 0, -1]
    assert found.why[0].tolist() == [IGNORED_AREA, BOTH, "", IGNORED_AREA]


def test_rounded_coordinates_do_not_decide() -> None:
    found = label(("Tumor", 0.002, 49.998), ("Stroma", 50.002, 199.998), rule=LabelRule(share=1.0))
    assert found.label[0].tolist() == [1, 0, 0, 0]
    assert np.all(found.outlined)
