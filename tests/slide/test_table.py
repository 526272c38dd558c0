"""patches.csv: WSInfer's columns, full-resolution px, nothing rounded away."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cancernet.context.smooth import Contextual
from cancernet.slide.section import Section
from cancernet.slide.table import COLUMNS, NAME, write_patches

CONTEXT = Contextual(np.array([0.5, 0.1, 0.9]), np.array([0.6, 0.05, 0.6]), np.array([True, False, True]))


def written(folder: Path, *, origin: tuple[int, int] = (0, 0), factor: float = 16.0) -> pd.DataFrame:
    section = Section(folder / "section.rgb", 120, 100, factor, factor, origin, 0)
    x, y = np.array([0, 50, 100]), np.array([0, 0, 50])
    write_patches(folder, section, x, y, np.array([0.25, 1e-7, 0.999999]), CONTEXT)
    return pd.read_csv(folder / NAME)


def test_columns_are_those_of_wsinfer_and_one_more(tmp_path: Path) -> None:
    assert tuple(written(tmp_path).columns) == COLUMNS
    assert COLUMNS[:6] == ("minx", "miny", "width", "height", "prob_benign", "prob_malignant")


def test_coordinates_are_full_resolution_px_and_end_at_the_edge(tmp_path: Path) -> None:
    rows = written(tmp_path)
    assert rows["minx"].tolist() == [0, 800, 1600]
    assert rows["miny"].tolist() == [0, 0, 800]
    assert rows["width"].tolist() == [800, 800, 320]  # 20 px of the section are left
    assert rows["height"].tolist() == [800, 800, 800]


def test_a_fractional_factor_is_kept(tmp_path: Path) -> None:
    rows = written(tmp_path, factor=15.8731)
    assert rows["minx"][1] == pytest.approx(50 * 15.8731, abs=1e-3)


def test_a_scanned_area_is_placed_on_the_slide(tmp_path: Path) -> None:
    assert written(tmp_path, origin=(3000, 70))[["minx", "miny"]].iloc[0].tolist() == [3000, 70]


def test_small_probabilities_survive_and_classes_add_up(tmp_path: Path) -> None:
    rows = written(tmp_path)
    assert rows["prob_malignant"][1] == pytest.approx(1e-7)
    assert np.allclose(rows["prob_benign"] + rows["prob_malignant"], 1, atol=1e-6)
    assert rows["context_prob_malignant"].tolist() == [0.5, 0.1, 0.9]


def test_the_call_can_be_made_again_from_the_row(tmp_path: Path) -> None:
    rows = written(tmp_path)
    assert rows["decision"].tolist() == ["benign", "malignant", "malignant"]
    again = rows["context_prob_malignant"] >= rows["threshold"]
    assert again.tolist() == (rows["decision"] == "malignant").tolist()


def test_no_third_class_is_seen_by_readers_of_prob_columns(tmp_path: Path) -> None:
    assert [name for name in written(tmp_path).columns if name.startswith("prob_")] == COLUMNS_OF_CLASSES


COLUMNS_OF_CLASSES = ["prob_benign", "prob_malignant"]
