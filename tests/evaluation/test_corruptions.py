"""Corruptions are deterministic, leave their input alone, and grow with severity."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cancernet.common.errors import UserError
from cancernet.evaluation.corruptions import CHUNK, CORRUPTIONS, SEVERITIES, corrupt

NAMES = list(CORRUPTIONS)


@pytest.fixture(scope="module")
def patches() -> np.ndarray:
    """Eight patches of pink ground with dark blobs, of tissue's colours and contrast."""
    generator = np.random.default_rng(5)
    coarse = generator.random((8, 10, 10, 1)).repeat(5, axis=1).repeat(5, axis=2)
    pink, violet = np.array([215, 150, 190]), np.array([110, 70, 140])
    noise = generator.normal(0, 6, (8, 50, 50, 3))
    return np.clip(pink + (violet - pink) * (coarse > 0.6) + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", NAMES)
def test_patches_keep_their_shape_and_type_and_are_left_as_they_were(name: str, patches: np.ndarray) -> None:
    before = patches.copy()
    patches.setflags(write=False)  # a packed array is read-only
    made = corrupt(patches, name, 3)
    assert made.shape == patches.shape
    assert made.dtype == np.uint8
    np.testing.assert_array_equal(patches, before)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "pixelation"])
def test_every_severity_changes_patches_more_than_the_one_before(name: str, patches: np.ndarray) -> None:
    change = [np.abs(corrupt(patches, name, severity).astype(float) - patches).mean() for severity in SEVERITIES]
    assert change[0] > 0
    assert all(np.diff(change) > 0), change


def test_pixelation_leaves_fewer_grey_levels_at_every_severity(patches: np.ndarray) -> None:
    # How far the pixels move depends on how blocks fall on edges; how many differ does not.
    left = [len(np.unique(corrupt(patches[:1], "pixelation", s)[0].reshape(-1, 3), axis=0)) for s in SEVERITIES]
    assert all(np.diff([2500, *left]) < 0), left


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_copies(name: str, patches: np.ndarray) -> None:
    slide = list("aabbccdd")
    one, two = (corrupt(patches, name, 4, seed=9, slide=slide) for _ in range(2))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", ["stain", "bubbles", "dust"])
def test_another_seed_gives_other_copies(name: str, patches: np.ndarray) -> None:
    assert (corrupt(patches, name, 4, seed=1) != corrupt(patches, name, 4, seed=2)).any()


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_does_not_depend_on_what_else_is_in_the_batch(name: str, patches: np.ndarray) -> None:
    slide = np.array(list("aabbccdd"))
    some = np.arange(4)
    whole = corrupt(patches, name, 5, slide=slide)
    np.testing.assert_array_equal(corrupt(patches[some], name, 5, slide=slide[some]), whole[some])


def test_batches_larger_than_a_chunk_are_whole(patches: np.ndarray) -> None:
    many = np.resize(patches, (CHUNK + 6, 50, 50, 3))
    made = corrupt(many, "contrast", 2, slide=["one"] * len(many))
    np.testing.assert_array_equal(made[CHUNK:], corrupt(many[CHUNK:], "contrast", 2, slide=["one"] * 6))


@pytest.mark.parametrize("name", [name for name in NAMES if CORRUPTIONS[name].by_slide])
def test_patches_of_a_slide_shift_together(name: str, patches: np.ndarray) -> None:
    same = np.resize(patches[:1], (6, 50, 50, 3))
    made = corrupt(same, name, 3, slide=["a"] * 6)
    assert (made == made[0]).all()


def test_slides_shift_either_way(patches: np.ndarray) -> None:
    same = np.resize(patches[:1], (30, 50, 50, 3))
    means = corrupt(same, "brightness", 3).mean(axis=(1, 2, 3)) - patches[0].mean()
    assert (means > 0).any()
    assert (means < 0).any()


def test_bubbles_and_dust_lie_elsewhere_on_each_patch_of_a_slide(patches: np.ndarray) -> None:
    same = np.resize(patches[:1], (4, 50, 50, 3))
    for name in ("bubbles", "dust"):
        made = corrupt(same, name, 3, slide=["a"] * 4)
        assert (made[0] != made[1]).any()


@pytest.mark.parametrize("severity", [0, 6, -1])
def test_a_severity_outside_one_to_five_is_refused(severity: int, patches: np.ndarray) -> None:
    with pytest.raises(UserError, match="must be 1 to 5"):
        corrupt(patches, "jpeg", severity)


def test_an_unknown_corruption_names_the_known_ones(patches: np.ndarray) -> None:
    with pytest.raises(UserError, match=r"'snow'; there are stain, brightness"):
        corrupt(patches, "snow", 1)


def test_patches_of_another_kind_are_refused(patches: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        corrupt(patches.astype(np.float32), "jpeg", 1)
    with pytest.raises(ValueError, match="must be"):
        corrupt(patches[0], "jpeg", 1)


@pytest.mark.parametrize("name", NAMES)
def test_no_patches_give_no_copies(name: str) -> None:
    nothing = np.empty((0, 50, 50, 3), np.uint8)
    assert corrupt(nothing, name, 1, slide=[]).shape == nothing.shape


@given(side=st.integers(8, 70), name=st.sampled_from(NAMES), severity=st.sampled_from(SEVERITIES))
@settings(max_examples=40)
def test_patches_of_any_side_and_any_grey_level_stay_patches(side: int, name: str, severity: int) -> None:
    ramp = np.linspace(0, 255, side * side * 3).reshape(1, side, side, 3).astype(np.uint8)
    for patch in (ramp, np.zeros_like(ramp), np.full_like(ramp, 255)):
        made = corrupt(patch, name, severity)
        assert made.shape == patch.shape
        assert made.dtype == np.uint8


def test_every_corruption_states_its_unit_its_meaning_and_its_source() -> None:
    for kind in CORRUPTIONS.values():
        assert kind.unit
        assert kind.says
        assert any(year in kind.source for year in ("2019", "2022", "2024"))
        steps = np.diff(kind.levels)
        assert (steps > 0).all() or (steps < 0).all()


def test_every_seed_has_draws_of_its_own() -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 50, 50, 3), dtype=np.uint8)
    made = [corrupt(images, "bubbles", 3, seed=seed).tobytes() for seed in range(6)]
    assert len(set(made)) == 6


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_level_is_beyond_the_one_before(name: str) -> None:
    steps = np.diff(CORRUPTIONS[name].levels)
    assert (steps > 0).all() or (steps < 0).all()
    if name in ("pixelation", "contrast"):  # shares and factors, of which 1 leaves a patch as it is
        assert CORRUPTIONS[name].levels[0] < 1
