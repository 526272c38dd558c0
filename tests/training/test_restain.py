"""A restained patch is the same tissue in other colours, as wide apart as laboratories are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.training.restain import MEAN, SPREAD, draw_stains, patient_stains, restained, some_restained, stain_of
from hostile.made import tissue


@pytest.fixture(scope="module")
def patches() -> np.ndarray:
    return np.stack([tissue(seed) for seed in range(12)])


def test_colours_have_the_mean_and_spread_that_were_asked_for(patches: np.ndarray) -> None:
    source = np.tile(stain_of(patches), (len(patches), 1))
    target = np.tile(np.float32([60, 20, -10, 8, 6, 5]), (len(patches), 1))
    found = stain_of(restained(patches, source, target))
    assert np.abs(found - target[0]).max() < 1.5  # some colours no screen has, and what is half glass moves half


def test_to_its_own_colours_a_patch_stays(patches: np.ndarray) -> None:
    source = np.tile(stain_of(patches), (len(patches), 1))
    assert np.abs(restained(patches, source, source).astype(int) - patches).max() <= 1


def test_what_tells_patches_of_a_patient_apart_stays(patches: np.ndarray) -> None:
    source = np.tile(stain_of(patches), (len(patches), 1))
    target = np.tile(np.float32([60, 20, -10, 8, 6, 5]), (len(patches), 1))
    before, after = (images.mean(axis=(1, 2, 3)) for images in (patches, restained(patches, source, target)))
    assert np.corrcoef(before, after)[0, 1] > 0.9


@given(st.integers(0, 1000))
def test_white_glass_stays_white(seed: int) -> None:
    glass = np.full((3, 8, 8, 3), 250, np.uint8)
    target = draw_stains(np.random.default_rng(seed), 3)
    assert np.array_equal(restained(glass, np.tile(np.float32(MEAN + SPREAD), (3, 1)), target), glass)


def test_stains_are_drawn_about_those_of_laboratories() -> None:
    drawn = draw_stains(np.random.default_rng(0), 4000)
    assert drawn.shape == (4000, 6)
    assert np.allclose(drawn.mean(axis=0), MEAN + SPREAD, atol=0.6)
    assert drawn[:, 3:].min() >= 2.0


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_share_is_restained_and_the_rest_untouched(patches: np.ndarray, share: float) -> None:
    many = np.tile(patches, (20, 1, 1, 1))
    found = some_restained(many, np.tile(stain_of(patches), (len(many), 1)), share, seed=(1, 2, 3))
    changed = (found != many).any(axis=(1, 2, 3)).mean()
    assert changed == pytest.approx(share, abs=0.1)
    assert np.array_equal(many[:12], patches)  # what it was given stays
    again = some_restained(many, np.tile(stain_of(patches), (len(many), 1)), share, seed=(1, 2, 3))
    assert np.array_equal(found, again)


def test_each_patient_has_its_own_colours_and_one_without_tissue_those_of_the_others(patches: np.ndarray) -> None:
    images = np.concatenate([patches, (patches * 0.8).astype(np.uint8), np.full((2, 50, 50, 3), 255, np.uint8)])
    patient = np.array(["a"] * 12 + ["b"] * 12 + ["glass"] * 2, dtype=object)
    rows = np.arange(len(images))[::-1]
    found = patient_stains(images, rows, patient[rows])
    assert np.allclose(found[rows == 0], stain_of(patches), atol=1e-4)
    assert found[rows == 0][0, 0] > found[rows == 15][0, 0] + 5  # darker
    assert np.allclose(found[rows == 25], (found[rows == 0] + found[rows == 15]) / 2, atol=1e-4)


def test_without_any_tissue_the_usual_colours_are_taken() -> None:
    glass = np.full((3, 50, 50, 3), 255, np.uint8)
    assert np.isnan(stain_of(glass)).all()
    assert np.allclose(patient_stains(glass, np.arange(3), np.array(["a"] * 3, object)), MEAN + SPREAD)
