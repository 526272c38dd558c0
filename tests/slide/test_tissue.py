"""Tissue is what is stained; glass, dust and ink are not."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from cancernet.common.defaults import PATCH_SIZE
from cancernet.slide.section import Section
from cancernet.slide.tissue import BLOCK, CHROMA_LIMITS, MIN_TISSUE, block_means, find_tissue, tissue_share

GLASS, PINK = (240, 240, 238), (205, 140, 190)


def blocks(colour: tuple[int, int, int] = GLASS, size: int = 60) -> np.ndarray:
    noise = np.random.default_rng(0).integers(-2, 3, (size, size, 3))
    return (np.array(colour) + noise).astype(np.uint8)


def section(tmp_path: Path, image: np.ndarray) -> Section:
    (tmp_path / "s").write_bytes(image.tobytes())
    return Section(tmp_path / "s", image.shape[1], image.shape[0], 16.0, 16.0, (0, 0), 0)


def test_glass_is_none_and_a_field_of_tissue_is_all() -> None:
    assert not find_tissue(blocks()).mask.any()
    assert find_tissue(blocks(PINK)).mask.all()


def test_a_piece_on_glass_is_found_to_its_edge() -> None:
    image = blocks()
    image[10:40, 20:50] = PINK
    expected = np.zeros((60, 60), bool)
    expected[10:40, 20:50] = True
    np.testing.assert_array_equal(find_tissue(image).mask, expected)


def test_pale_tissue_on_glass_is_found() -> None:
    image = blocks()
    image[10:40, 20:50] = (236, 214, 228)
    assert find_tissue(image).mask[10:40, 20:50].all()


@pytest.mark.parametrize("ink", [(30, 30, 32), (120, 120, 120)])
def test_black_ink_and_grey_dust_are_no_tissue(ink: tuple[int, int, int]) -> None:
    image = blocks()
    image[10:30, 10:30] = ink
    assert not find_tissue(image).mask.any()


@pytest.mark.parametrize("ink", [(40, 140, 60), (30, 70, 190)])
def test_green_and_blue_ink_are_left_out_and_told(ink: tuple[int, int, int]) -> None:
    image = blocks()
    image[30:55, 10:50] = PINK
    image[5:20, 10:50] = ink
    found = find_tissue(image)
    assert not found.mask[:25].any()
    assert found.mask[30:55, 10:50].all()
    assert found.pen == pytest.approx(600 / 1600, abs=0.01)


def test_specks_go_and_small_holes_close() -> None:
    image = blocks()
    image[10:40, 20:50] = PINK
    image[20:23, 30:33] = GLASS
    image[50:53, 5:8] = PINK
    found = find_tissue(image).mask
    assert found[10:40, 20:50].all()
    assert not found[45:].any()


def test_shares_count_only_what_lies_on_the_section() -> None:
    mask = np.zeros((20, 20), bool)
    mask[:, 10:] = True
    x, y = np.array([0, 25, 50, 75]), np.array([0, 0, 0, 75])
    np.testing.assert_allclose(tissue_share(mask, x, y, 50), [0, 0.5, 1, 1])


def test_block_means_are_means_and_partial_blocks_are_kept(tmp_path: Path) -> None:
    image = np.random.default_rng(1).integers(0, 256, (1013, 22, 3), dtype=np.uint8)
    found = block_means(section(tmp_path, image))
    assert found.shape == (203, 5, 3)
    assert np.abs(found[0, 0] - image[:5, :5].mean(axis=(0, 1))).max() <= 0.51
    assert np.abs(found[201, 3] - image[1005:1010, 15:20].mean(axis=(0, 1))).max() <= 0.51


@pytest.mark.real
def test_the_share_asked_for_keeps_99_percent_of_real_malignant_patches(real_data: Path) -> None:
    size = PATCH_SIZE // BLOCK
    shares = []
    for path in sorted((real_data / "idc").glob("*/1/*.png"))[::7]:
        image = cv2.imread(str(path))
        if image.shape[:2] == (50, 50):
            mean = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA).astype(int)
            shares.append(np.mean(mean.max(2) - mean.min(2) >= CHROMA_LIMITS[1]))
    assert len(shares) > 800
    assert np.mean(np.array(shares) >= MIN_TISSUE) >= 0.99


@pytest.mark.real
def test_a_field_of_another_scanner_is_all_tissue(real_data: Path) -> None:
    image = cv2.imread(str(real_data / "tiles" / "bcss_1008.jpg"))[..., ::-1]
    means = cv2.resize(image, (44, 32), interpolation=cv2.INTER_AREA)
    assert find_tissue(means).mask.mean() > 0.98
