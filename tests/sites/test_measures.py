"""What is measured of patches, and what becomes of it for a patient."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from cancernet.data.synthetic import draw_section
from cancernet.model.judge import BLANK, NO_STAIN, OUT_OF_FOCUS, Stain
from cancernet.sites.measures import BRIGHTNESS, SHARPNESS, TISSUE, UNSURE, measure, summarise

STAIN = Stain(0.4, 1.5, 2, "")


@pytest.fixture(scope="module")
def patches() -> np.ndarray:
    image = draw_section(np.random.default_rng(5), 100, 200, malignant_share=0.4).image
    return np.stack([image[y : y + 50, x : x + 50] for y in (0, 50) for x in (0, 50, 100, 150)])


def test_a_blur_lowers_sharpness_and_leaves_brightness(patches: np.ndarray) -> None:
    blurred = np.stack([cv2.GaussianBlur(each, (0, 0), 1.0) for each in patches])
    before, after = measure(patches), measure(blurred)
    assert (after.sharpness < before.sharpness - 0.5).all()
    np.testing.assert_allclose(after.colours[:, :3], before.colours[:, :3], atol=3)


def test_glass_has_no_stained_share_and_stained_tissue_nearly_all() -> None:
    glass = np.full((1, 50, 50, 3), 240, np.uint8)
    stained = np.full((1, 50, 50, 3), (200, 120, 180), np.uint8)
    assert measure(np.concatenate([glass, stained])).tissue.tolist() == [0, 1]


def test_many_patches_are_measured_as_few(patches: np.ndarray) -> None:
    many = np.concatenate([patches] * 20)
    np.testing.assert_array_equal(measure(many).sharpness, np.tile(measure(patches).sharpness, 20))
    assert measure(patches[:0]).colours.shape == (0, 9)


def test_glass_counts_for_the_stained_share_alone(patches: np.ndarray) -> None:
    both = np.concatenate([patches[:1], np.full((1, 50, 50, 3), 240, np.uint8)])
    numbers = measure(both)
    group = summarise("P", numbers, np.array([0.5, 0.5]), ["", BLANK], ["", BLANK], STAIN)
    assert (group.n, group.n_tissue) == (2, 1)
    assert group.means[BRIGHTNESS] == pytest.approx(numbers.colours[0, :3].mean())
    assert group.means[TISSUE] == pytest.approx(numbers.tissue.mean())
    assert group.means[UNSURE] == 0.5
    assert group.odds.tolist() == [0.0]
    assert group.counted(TISSUE) == 2
    assert group.counted(SHARPNESS) == 1


def test_what_is_out_of_focus_tells_sharpness_and_no_score(patches: np.ndarray) -> None:
    numbers = measure(patches[:2])
    seen = ["", OUT_OF_FOCUS]
    group = summarise("P", numbers, np.array([0.5, 0.9]), seen, ["foreign", "foreign"], STAIN)
    assert group.n_tissue == 2
    assert len(group.odds) == 1
    assert group.reasons == {"foreign": 2}


def test_a_patient_without_tissue_has_no_numbers_but_a_reason() -> None:
    numbers = measure(np.full((2, 50, 50, 3), 128, np.uint8))
    group = summarise("P", numbers, np.array([0.5, 0.5]), [NO_STAIN] * 2, [NO_STAIN] * 2, STAIN)
    assert np.isnan(group.means[BRIGHTNESS])
    assert np.isnan(group.colours).all()
    assert group.reasons == {NO_STAIN: 2}
    assert not len(group.odds)
