"""Pictures show the section where it is, at a size that can be looked at."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from cancernet.common.output import Output
from cancernet.slide.geometry import CellMap
from cancernet.slide.pages import THUMBNAIL_PX, reduced, reduction, write_overlay, write_thumbnail
from cancernet.slide.section import Section


def section(folder: Path, height: int, width: int) -> Section:
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    (folder / "s").write_bytes(image.tobytes())
    return Section(folder / "s", width, height, 16.0, 16.0, (0, 0), 0)


@pytest.mark.parametrize(
    ("longer", "step", "by"),
    [(300, 50, 1), (1800, 50, 1), (2500, 50, 2), (3750, 50, 2), (12_500, 25, 5), (18_000, 50, 10), (9000, 5, 5)],
)
def test_a_cell_stays_a_whole_number_of_pixels(longer: int, step: int, by: int) -> None:
    assert reduction(Section(Path("none"), longer, 100, 1.0, 1.0, (0, 0), 0), step) == by


def test_reducing_in_bands_is_the_mean_of_blocks(tmp_path: Path) -> None:
    made = section(tmp_path, 2203, 52)
    found = reduced(made, 5)
    means = made.rows(0, 2200)[:, :50].reshape(440, 5, 10, 5, 3).mean(axis=(1, 3))
    assert found.shape == (440, 10, 3)
    assert np.abs(found - means).max() <= 0.51


def test_the_thumbnail_has_the_colours_and_the_shape_of_the_section(output: Output) -> None:
    blocks = np.full((300, 1500, 3), (200, 100, 50), np.uint8)
    write_thumbnail(output, blocks)
    image = cv2.imread(str(output.folder / "thumbnail.png"))[..., ::-1]
    assert image.shape == (102, THUMBNAIL_PX, 3)
    assert (image == (200, 100, 50)).all()


def test_the_overlay_is_a_whole_picture_that_differs_with_the_map(output: Output, tmp_path: Path) -> None:
    made = section(tmp_path, 100, 150)
    seen = []
    for value in (0.05, 0.95):
        values = np.full((2, 3), value, np.float32)
        cells = CellMap(made, 50, 4.0, values, values, values > 0.5)
        write_overlay(output, cells, title="t", caption="c", warning="")
        seen.append(cv2.imread(str(output.folder / "overlay.png")))
    assert seen[0].shape == seen[1].shape
    assert np.abs(seen[0].astype(int) - seen[1]).max() > 80


def test_what_is_not_judged_is_seen_on_the_overlay(output: Output, tmp_path: Path) -> None:
    made = section(tmp_path, 100, 150)
    values = np.full((2, 3), 0.2, np.float32)
    values[0, 1] = np.nan
    seen = []
    for unjudged in (np.zeros((2, 3), bool), np.isnan(values)):
        cells = CellMap(made, 50, 4.0, values, values, values > 0.5)
        write_overlay(output, cells, title="t", caption="c", warning="", unjudged=unjudged)
        seen.append(cv2.imread(str(output.folder / "overlay.png")).astype(int))
    changed = np.abs(seen[0] - seen[1]).max(axis=2) > 40
    assert changed.sum() > 5000
    assert not changed[:, : changed.shape[1] // 2].any()  # the section beside it is left alone
