"""The picture of what was taken: every outline and every cell in its place, told apart without colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch

from cancernet.slide.cell_labels import Areas
from cancernet.slide.labelled_picture import draw_taken
from cancernet.slide.section import Section

NOTHING = shapely.Polygon()


def draw(tmp_path: Path, width: int = 200, height: int = 100) -> Figure:
    np.full((height, width, 3), 200, np.uint8).tofile(tmp_path / "s")
    section = Section(tmp_path / "s", width, height, 4.0, 4.0, (0, 0), 0)
    areas = Areas(shapely.box(0, 0, 400, 400), shapely.box(400, 0, 800, 400), NOTHING, NOTHING, NOTHING)
    x, y, label = np.array([0, 50, 100]), np.array([0, 0, 50]), np.array([1, 1, 0])
    return draw_taken(section, areas, x, y, label, title="a", caption="b")


def test_outlines_are_drawn_to_scale_and_by_lines_that_differ(tmp_path: Path) -> None:
    first = draw(tmp_path).axes[0]
    assert [each.get_segments()[0].max(axis=0).tolist() for each in first.collections] == [[200, 100], [100, 100]]
    assert len({str(each.get_linestyle()) for each in first.collections}) == 2
    assert [text.get_text() for text in first.get_legend().get_texts()] == ["benign", "malignant"]


def test_taken_patches_are_squares_and_only_malignant_ones_are_hatched(tmp_path: Path) -> None:
    second = draw(tmp_path).axes[1]
    benign, malignant = (patch for patch in second.patches if isinstance(patch, PathPatch))
    assert len(malignant.get_path().vertices) == 10
    assert (bool(benign.get_hatch()), bool(malignant.get_hatch())) == (False, True)
    assert benign.get_path().get_extents().bounds == (100, 50, 50, 50)
    assert [text.get_text() for text in second.get_legend().get_texts()] == ["benign (1)", "malignant (2)"]


@pytest.mark.parametrize(("width", "height"), [(3000, 200), (200, 3000)])
def test_long_sections_are_drawn(tmp_path: Path, width: int, height: int) -> None:
    made = draw(tmp_path, width, height)
    made.canvas.draw()  # type: ignore[attr-defined]
    first, second = (axes.get_window_extent() for axes in made.axes)
    assert not first.overlaps(second)
