"""The areas are those of the tissue, and the last file of a slide is plain JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cancernet.common import defaults
from cancernet.model.bundle import Bundle
from cancernet.slide import summary
from cancernet.slide.section import Section
from cancernet.slide.tissue import Tissue

BLOCKS = 50 // defaults.SLIDE_BLOCK  # a cell
CELL_MM2 = 0.04


def tissue(mask: np.ndarray) -> Tissue:
    return Tissue(mask, 20.0, 0.0)


def test_areas_count_tissue_and_not_glass() -> None:
    mask = np.ones((2 * BLOCKS, 2 * BLOCKS), bool)
    mask[:BLOCKS, BLOCKS // 2 : BLOCKS] = False  # half of the first cell is glass
    values = np.array([[0.9, 0.1], [np.nan, 0.8]], "float32")
    found = summary.areas(tissue(mask), (100, 100), values, values > 0.5, 50, 4.0)
    assert found["tissue_mm2"] == pytest.approx(3.5 * CELL_MM2)
    assert found["analysed_mm2"] == pytest.approx(2.5 * CELL_MM2)
    assert found["malignant_mm2"] == pytest.approx(1.5 * CELL_MM2)
    assert found["malignant_share"] == pytest.approx(0.6)


def test_a_cell_at_the_edge_counts_the_blocks_it_has() -> None:
    mask = np.ones((BLOCKS, BLOCKS + 3), bool)
    values = np.array([[0.1, 0.9]], "float32")
    size = (50 + 3 * defaults.SLIDE_BLOCK - 2, 50)  # the last block has lost two columns
    found = summary.areas(tissue(mask), size, values, values > 0.5, 50, 4.0)
    share = (3 * defaults.SLIDE_BLOCK - 2) / 50
    assert found["malignant_mm2"] == pytest.approx(share * CELL_MM2, abs=1e-4)
    assert found["tissue_mm2"] == pytest.approx((1 + share) * CELL_MM2, abs=1e-4)


def test_nothing_analysed_has_no_share() -> None:
    values = np.full((1, 1), np.nan, "float32")
    found = summary.areas(tissue(np.zeros((BLOCKS, BLOCKS), bool)), (50, 50), values, values > 0.5, 50, 4.0)
    assert found["malignant_share"] is None


def test_a_model_without_neighbours_has_none_of_their_numbers(bundle: Bundle) -> None:
    found = summary.describe_model(bundle)
    assert found["threshold_in_context"] is None
    assert found["threshold"] == bundle.threshold
    assert found["graph_sha256"] == bundle.manifest["files"]["model.onnx"]["sha256"]


def test_the_section_says_where_it_lies() -> None:
    found = summary.describe_section(Section(Path("s"), 10, 20, 16.0, 15.5, (3, 4), 2))
    assert found == {
        "width_px": 10,
        "height_px": 20,
        "factor_x": 16.0,
        "factor_y": 15.5,
        "origin_px": [3, 4],
        "level": 2,
    }


def test_no_region_is_no_largest() -> None:
    assert summary.describe_regions([], []) == {"malignant_regions": 0, "largest_region_mm2": 0.0}


def test_versions_name_the_readers_and_not_what_was_not_used() -> None:
    names = summary.all_versions()
    assert {"onnxruntime", "openslide-python", "pyvips"} <= set(names)
    assert not any(name.startswith(("keras", "tensorflow")) for name in names)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    whole = {"slide": "Präparat 1.svs", "settings": {"mpp": None}, "malignant_share": None, "alarms": []}
    summary.write_summary(tmp_path, whole)
    assert summary.read_summary(tmp_path) == whole
    assert "Präparat" in (tmp_path / summary.NAME).read_text("utf-8")


def test_not_a_number_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        summary.write_summary(tmp_path, {"settings": float("nan")})
    assert not (tmp_path / summary.NAME).exists()


@pytest.mark.parametrize(
    "content", [None, "{", "[]", json.dumps({"slide": "of another program"}), json.dumps({"settings": {}})]
)
def test_files_of_others_are_no_summary(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / summary.NAME).write_text(content)
    assert summary.read_summary(tmp_path) is None


def test_bytes_that_are_no_text_are_no_summary(tmp_path: Path) -> None:
    (tmp_path / summary.NAME).write_bytes(b"\xff\xfe")
    assert summary.read_summary(tmp_path) is None


def test_a_summary_is_dropped_and_one_of_others_is_not(tmp_path: Path) -> None:
    (tmp_path / summary.NAME).write_text("{}")
    summary.drop_summary(tmp_path)
    assert (tmp_path / summary.NAME).exists()
    summary.write_summary(tmp_path, dict.fromkeys(summary.KEYS))
    summary.drop_summary(tmp_path)
    assert not (tmp_path / summary.NAME).exists()
