"""Each distortion does what its name says, against numbers worked out another way."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from cancernet.evaluation import distortions
from cancernet.evaluation.distortions import DRAWS
from cancernet.model.floor import STAINS

PLUS, MINUS = np.full((1, DRAWS), 0.9, np.float32), np.full((1, DRAWS), 0.1, np.float32)


def flat(colour: tuple[int, int, int]) -> np.ndarray:
    return np.full((1, 50, 50, 3), colour, np.uint8)


@pytest.mark.parametrize(("drawn", "sign"), [(PLUS, 1), (MINUS, -1)])
def test_stain_scales_and_shifts_each_optical_density(drawn: np.ndarray, sign: int) -> None:
    colour = (190, 120, 160)
    density = -np.log((np.array(colour) + 1) / 256)
    stains = (density @ np.linalg.inv(STAINS)) * (1 + sign * 0.1) + sign * 0.1
    expected = 256 * np.exp(-(stains @ STAINS)) - 1
    made = distortions.stain(flat(colour), 0.1, drawn)[0, 0, 0]
    np.testing.assert_allclose(made, np.clip(expected, 0, 255), atol=1)


def test_more_of_every_stain_is_darker_and_less_is_lighter() -> None:
    patch = flat((190, 120, 160))
    assert distortions.stain(patch, 0.1, PLUS).mean() < patch.mean() < distortions.stain(patch, 0.1, MINUS).mean()


def test_brightness_moves_the_largest_channel_by_the_level() -> None:
    assert distortions.brightness(flat((100, 50, 80)), 0.2, PLUS)[0, 0, 0, 0] == 151
    assert distortions.brightness(flat((100, 50, 80)), 0.2, MINUS)[0, 0, 0, 0] == 49


def test_saturation_keeps_the_largest_channel_and_moves_the_least() -> None:
    more, less = (distortions.saturation(flat((200, 100, 150)), 0.2, drawn)[0, 0, 0] for drawn in (PLUS, MINUS))
    np.testing.assert_allclose(more, (200, 60, 130), atol=1)  # saturation 0.5 to 0.7
    np.testing.assert_allclose(less, (200, 140, 170), atol=1)


def test_contrast_keeps_the_mean_and_scales_the_spread_or_its_inverse() -> None:
    patch = np.random.default_rng(1).normal(128, 10, (1, 50, 50, 3)).clip(0, 255).astype(np.uint8)
    for drawn, factor in ((PLUS, 0.5), (MINUS, 2.0)):
        made = distortions.contrast(patch, 0.5, drawn)
        assert made.mean() == pytest.approx(patch.mean(), abs=0.5)
        assert made.std() == pytest.approx(factor * patch.std(), rel=0.03)


@pytest.mark.parametrize("radius", [0.75, 1.0, 1.75, 3.6])
def test_a_disc_is_even_round_and_sums_to_one(radius: float) -> None:
    kernel = distortions.disc(radius)
    assert kernel.sum() == pytest.approx(1)
    np.testing.assert_allclose(kernel, kernel.T)
    np.testing.assert_allclose(kernel, kernel[::-1])
    assert kernel.max() == pytest.approx(1 / (np.pi * radius**2), rel=0.08) or radius < 1
    reach = np.arange(len(kernel)) - len(kernel) // 2
    variance = (kernel.sum(axis=0) * reach**2).sum()
    assert variance == pytest.approx(radius**2 / 4 + 1 / 12, rel=0.2)  # a disc's, and a pixel's own


def test_blur_and_defocus_keep_the_mean_and_lose_detail() -> None:
    patch = np.random.default_rng(2).integers(0, 256, (1, 50, 50, 3), dtype=np.uint8)
    for blur in (distortions.gaussian_blur, distortions.defocus):
        made = blur(patch, 1.5, PLUS)
        assert made.mean() == pytest.approx(patch.mean(), abs=1.5)
        assert made.std() < 0.5 * patch.std()


def test_jpeg_is_what_reading_such_a_file_gives() -> None:
    patch = np.random.default_rng(3).integers(0, 256, (1, 50, 50, 3), dtype=np.uint8)
    coded = cv2.imencode(".jpg", cv2.cvtColor(patch[0], cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 40])[1]
    read = cv2.cvtColor(cv2.imdecode(coded, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    np.testing.assert_array_equal(distortions.jpeg(patch, 40, PLUS)[0], read)


def test_jpeg_keeps_red_red() -> None:
    made = distortions.jpeg(flat((220, 20, 20)), 50, PLUS)[0, 25, 25]
    np.testing.assert_allclose(made, (220, 20, 20), atol=6)


def test_pixelation_leaves_as_many_colours_as_pixels_kept() -> None:
    ramp = np.arange(2500).reshape(1, 50, 50, 1) % 251
    made = distortions.pixelation(np.repeat(ramp, 3, axis=3).astype(np.uint8), 0.2, PLUS)
    blocks = made[0].reshape(10, 5, 10, 5, 3)
    assert (blocks == blocks[:, :1, :, :1]).all()


def test_a_bubble_has_a_dark_rim_at_its_radius_and_pales_what_lies_within() -> None:
    middle = np.full((1, DRAWS), 0.5, np.float32)
    made = distortions.bubbles(flat((150, 80, 120)), 10, middle)[0].astype(int)
    assert made[25, 35].sum() < 0.6 * 350  # on the rim
    assert (made[25, 25] > (150, 80, 120)).all()  # within
    np.testing.assert_array_equal(made[0, 0], (150, 80, 120))  # far off


def test_each_speck_darkens_a_small_place_and_nothing_is_brightened() -> None:
    patch = flat((200, 150, 180))
    drawn = np.random.default_rng(4).random((1, DRAWS), np.float32)
    for count in (1, 12):
        made = distortions.dust(patch, count, drawn)
        assert (made <= patch).all()
        assert 1 <= (made < 0.7 * patch).all(axis=3).sum() <= 14 * count
