"""Tables and pictures come back as they were, and a failed write leaves nothing."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from cancernet.common.errors import UserError
from cancernet.common.files import write_csv, write_figure, write_png


def test_a_table_has_no_index(tmp_path: Path) -> None:
    write_csv(tmp_path / "new" / "t.csv", pd.DataFrame({"a": [1, 2]}, index=[7, 8]))
    assert (tmp_path / "new" / "t.csv").read_text() == "a\n1\n2\n"


def test_a_picture_comes_back_in_its_colours(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    write_png(tmp_path / "p.png", image)
    assert np.array_equal(cv2.imread(str(tmp_path / "p.png"))[..., ::-1], image)


def test_a_picture_without_pixels_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written as PNG"):
        write_png(tmp_path / "p.png", np.zeros((0, 4, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_a_figure_is_a_png(tmp_path: Path) -> None:
    write_figure(tmp_path / "f.png", Figure(figsize=(1, 1), dpi=50))
    assert cv2.imread(str(tmp_path / "f.png")).shape == (50, 50, 3)
