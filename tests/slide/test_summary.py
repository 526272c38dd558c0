"""The areas are those of the tissue, and the last file of a slide is plain JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.common.defaults import PATCH_SIZE
from cancernet.slide import summary
from cancernet.slide.geometry import CellMap, find_regions, unjudged_cells
from cancernet.slide.section import Section
from cancernet.slide.tissue import BLOCK, Tissue

BLOCKS = PATCH_SIZE // BLOCK  # a cell
CELL_MM2 = 0.04


def measured(mask: np.ndarray, size: tuple[int, int], values: np.ndarray) -> dict:
    cells = values.astype("float32")
    made = CellMap(Section(Path("none"), *size, 16.0, 16.0, (0, 0), 0), 50, 4.0, cells, cells, cells > 0.5)
    return summary.measure(Tissue(mask, 20.0, 0.0), made, find_regions(made))


def test_areas_count_tissue_and_not_glass() -> None:
    mask = np.ones((2 * BLOCKS, 2 * BLOCKS), bool)
    mask[:BLOCKS, BLOCKS // 2 : BLOCKS] = False  # half of the first cell is glass
    found = measured(mask, (100, 100), np.array([[0.9, 0.1], [np.nan, 0.8]]))
    assert found["tissue_mm2"] == pytest.approx(3.5 * CELL_MM2)
    assert found["analysed_mm2"] == pytest.approx(2.5 * CELL_MM2)
    assert found["malignant_mm2"] == pytest.approx(1.5 * CELL_MM2)
    assert found["malignant_share"] == pytest.approx(0.6)
    assert found["malignant_regions"] == 2
    assert found["largest_region_mm2"] == pytest.approx(CELL_MM2)


def test_a_cell_at_the_edge_counts_the_blocks_it_has() -> None:
    width = 50 + 3 * BLOCK - 2  # the last block has lost two columns
    found = measured(np.ones((BLOCKS, BLOCKS + 3), bool), (width, 50), np.array([[0.1, 0.9]]))
    share = (3 * BLOCK - 2) / 50
    assert found["malignant_mm2"] == pytest.approx(share * CELL_MM2)
    assert found["tissue_mm2"] == pytest.approx((1 + share) * CELL_MM2)


def test_nothing_analysed_has_no_share_and_no_region() -> None:
    found = measured(np.zeros((BLOCKS, BLOCKS), bool), (50, 50), np.array([[np.nan]]))
    assert found["malignant_share"] is None
    assert (found["malignant_regions"], found["largest_region_mm2"]) == (0, 0.0)


@given(st.floats(1e-6, 1e4))
def test_an_area_never_reads_as_none(mm2: float) -> None:
    assert float(summary.area(mm2)) == pytest.approx(mm2, rel=0.06)
    assert "e" not in summary.area(mm2)


@pytest.mark.parametrize(("mm2", "text"), [(0.0, "0"), (0.0041, "0.0041"), (0.5734, "0.57"), (574.04, "574.0")])
def test_areas_have_two_digits_or_more(mm2: float, text: str) -> None:
    assert summary.area(mm2) == text


@pytest.mark.parametrize(
    ("share", "text"), [(None, "-"), (0.0, "0%"), (2e-5, "under 0.1%"), (0.214, "21.4%"), (1.0, "100.0%")]
)
def test_a_small_share_is_not_none(share: float | None, text: str) -> None:
    assert summary.share(share) == text


@pytest.mark.parametrize(
    "content",
    [
        *(None, b"{", b"[]", b"\xff\xfe", b'{"slide": "of another program"}'),
        json.dumps({"slide": "s", "settings": {}, "malignant_share": None, "alarms": []}).encode(),  # format 1
        json.dumps({"format": summary.FORMAT + 1}).encode(),
    ],
)
def test_files_of_others_and_of_other_formats_are_no_summary(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / summary.NAME).write_bytes(content)
    assert summary.read_summary(tmp_path) is None


def unjudged(reasons: list[str], values: list[float]) -> dict:
    cells = np.array([values], np.float32)
    made = CellMap(Section(Path("none"), 150, 50, 16.0, 16.0, (0, 0), 0), 50, 4.0, cells, cells, cells > 0.5)
    x, y, why = np.array([0, 50, 100]), np.zeros(3, int), np.array(reasons, object)
    mask = np.ones((BLOCKS, 3 * BLOCKS), bool)
    mask[:, : BLOCKS // 2] = False
    return summary.measure_unjudged(Tissue(mask, 20.0, 0.0), made, unjudged_cells(made, x, y, why))


def test_tissue_without_an_answer_is_measured_by_reason_largest_first() -> None:
    found = unjudged(["fold", "", "air bubble"], [np.nan, 0.2, np.nan])
    assert list(found["not_judged_mm2"].items()) == [("air bubble", 0.04), ("fold", 0.02)]
    assert found["not_judged_share"] == pytest.approx(0.6)


def test_where_all_is_answered_nothing_is_not_judged() -> None:
    assert unjudged(["", "", ""], [0.1, 0.2, 0.3]) == {"not_judged_mm2": {}, "not_judged_share": 0.0}


def test_much_tissue_without_an_answer_is_told_with_the_reasons() -> None:
    found = {"not_judged_mm2": {"fold": 0.4, "air bubble": 0.0}, "not_judged_share": 0.051}
    assert summary.doubts(found, refused=False) == ["5.1% of the tissue is not judged (fold: 0.40 mm2)"]
    assert not summary.doubts(found, refused=True)
    assert not summary.doubts({**found, "not_judged_share": 0.05}, refused=False)
    assert not summary.doubts({"not_judged_mm2": {}, "not_judged_share": None}, refused=False)
