"""The colours of training patches: nine statistics, and how far others lie from them."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from cancernet.model.colours import IN_FLOOR, Colours, N, colour_statistics, colours_of_floor, fit_colours
from cancernet.model.floor import colour_features
from cancernet.model.model import load_model
from hostile.made import tissue

MANY = np.stack([tissue(seed) for seed in range(60)])
STATISTICS = colour_statistics(MANY)


@settings(max_examples=30)
@given(arrays(np.uint8, (2, 9, 7, 3)))
def test_the_statistics_are_those_that_numpy_gives(images: np.ndarray) -> None:
    found = colour_statistics(images)
    for image, row in zip(images.reshape(2, -1, 3).astype(float), found, strict=True):
        np.testing.assert_allclose(row[:3], image.mean(axis=0), atol=1e-3)
        np.testing.assert_allclose(row[3:6], image.std(axis=0), atol=0.2)
        if image.std(axis=0).min() > 5:
            expected = np.corrcoef(image.T)[[0, 0, 1], [1, 2, 2]]
            np.testing.assert_allclose(row[6:], expected, atol=1e-3)


def test_they_are_among_the_features_of_the_floor() -> None:
    np.testing.assert_allclose(STATISTICS, colour_features(MANY)[:, IN_FLOOR], atol=1e-3)


def test_training_patches_lie_within_one_on_average_and_their_mean_at_nought() -> None:
    colours = fit_colours(STATISTICS, np.arange(60))
    assert 0.1 < np.sqrt(np.mean(colours.distance(STATISTICS) ** 2)) < 1
    assert colours.distance(STATISTICS.mean(axis=0, keepdims=True))[0] == pytest.approx(0, abs=1e-3)


def test_each_patient_weighs_alike_however_many_patches_it_has() -> None:
    rows = np.r_[np.zeros(50, int), 1:60]
    patient = np.r_[np.zeros(50, int), 1:60]
    np.testing.assert_allclose(
        fit_colours(STATISTICS[rows], patient).mean, fit_colours(STATISTICS, np.arange(60)).mean, rtol=1e-4
    )


def test_colours_that_go_together_otherwise_are_far_though_none_is_odd_by_itself() -> None:
    draw = np.random.default_rng(0).normal(size=(500, 1))
    training = np.float32(100 + 10 * draw + np.random.default_rng(1).normal(size=(500, N)))
    colours = fit_colours(training, np.arange(500))
    along, across = np.full((1, N), 110.0), 100 + 10 * np.resize([1.0, -1.0], (1, N))
    assert colours.distance(along)[0] < 1
    assert colours.distance(across)[0] > 3


def test_patches_all_alike_give_colours_too() -> None:
    colours = fit_colours(np.repeat(STATISTICS[:1], 5, axis=0), np.arange(5))
    assert np.isfinite(colours.distance(STATISTICS)).all()


def test_a_bundle_made_before_colours_were_kept_knows_them_from_its_floor() -> None:
    floor = load_model().manifest.floor.model
    colours = colours_of_floor(floor)
    away = np.array(colours.mean) + 2 * np.array(floor.scale)[list(IN_FLOOR)]
    assert colours.distance(away[None])[0] == pytest.approx(2)


def test_they_survive_being_written_and_read() -> None:
    colours = fit_colours(STATISTICS, np.arange(60))
    assert msgspec.json.decode(msgspec.json.encode(colours), type=Colours) == colours


@pytest.mark.parametrize("shape", [(N - 1, N), (N, N - 1)])
def test_those_of_other_statistics_are_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="other than 9 statistics"):
        Colours((0.0,) * N, tuple((0.0,) * shape[1] for _ in range(shape[0])))
