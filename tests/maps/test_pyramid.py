"""Tiles put together again are the picture, at every level."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.maps.pyramid import TILE_PX, halved, sizes_of, write_pyramid


def picture(height: int, width: int) -> np.ndarray:
    """A picture that JPEG keeps well: smooth, and nowhere like elsewhere."""
    y, x = np.mgrid[:height, :width]
    return np.stack(
        [x * 255 / max(width, 200), y * 255 / max(height, 200), 128 + 100 * np.sin((x + 2 * y) / 60)], axis=2
    ).astype(np.uint8)


def in_bands(image: np.ndarray, rows: int) -> Iterator[np.ndarray]:
    yield from (image[start : start + rows] for start in range(0, len(image), rows))


def together(folder: Path) -> np.ndarray:
    """A level put together from its tiles, RGB."""
    places = [tuple(map(int, path.stem.split("_"))) for path in folder.iterdir()]
    columns, rows = (max(each) + 1 for each in zip(*places, strict=True))
    assert len(places) == rows * columns
    tiles = [[cv2.imread(str(folder / f"{column}_{row}.jpg")) for column in range(columns)] for row in range(rows)]
    return np.concatenate([np.concatenate(row, axis=1) for row in tiles])[..., ::-1]


@given(st.integers(1, 400_000), st.integers(1, 400_000))
def test_each_level_halves_the_next_and_the_first_is_one_tile(width: int, height: int) -> None:
    sizes = sizes_of(width, height)
    assert max(sizes[0]) <= TILE_PX
    assert sizes[-1] == (width, height)
    for number, size in enumerate(reversed(sizes)):
        assert size == (-(-width // 2**number), -(-height // 2**number))
    assert all(max(size) > TILE_PX for size in sizes[1:])


@pytest.mark.parametrize(("height", "width"), [(700, 1301), (512, 1024), (513, 20), (40, 60)])
@pytest.mark.parametrize("band", [77, 512, 2000])
def test_tiles_together_are_the_picture_whatever_the_bands(tmp_path: Path, height: int, width: int, band: int) -> None:
    image = picture(height, width)
    write_pyramid(in_bands(image, band), width, height, tmp_path / "tiles")
    sizes = sizes_of(width, height)
    assert {path.name for path in (tmp_path / "tiles").iterdir()} == {str(number) for number in range(len(sizes))}
    expected = image
    for number in reversed(range(len(sizes))):
        found = together(tmp_path / "tiles" / str(number))
        assert found.shape == (sizes[number][1], sizes[number][0], 3)
        assert np.abs(found.astype(int) - expected).mean() < 2
        expected = halved(expected)


def test_an_odd_edge_is_the_mean_of_what_there_is() -> None:
    found = halved(np.array([[[10], [20], [70]], [[30], [40], [90]], [[5], [7], [9]]], np.uint8).repeat(3, axis=2))
    assert found[..., 0].tolist() == [[25, 80], [6, 9]]


def test_the_same_picture_makes_the_same_bytes(tmp_path: Path) -> None:
    image = picture(600, 700)
    for name, band in (("one", 64), ("two", 600)):
        write_pyramid(in_bands(image, band), 700, 600, tmp_path / name)
    for path in (tmp_path / "one").rglob("*.jpg"):
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()


def test_rows_that_are_missing_are_no_picture(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="50 rows of 60"):
        write_pyramid([picture(50, 40)], 40, 60, tmp_path / "tiles")
