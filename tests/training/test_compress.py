"""A compressed patch is the same patch, a little worse."""

from __future__ import annotations

import numpy as np
import pytest

from cancernet.training.compress import some_compressed
from hostile.made import tissue


@pytest.fixture(scope="module")
def patches() -> np.ndarray:
    return np.stack([tissue(seed) for seed in range(100)])


def test_what_is_compressed_stays_near_and_in_its_colours(patches: np.ndarray) -> None:
    found = some_compressed(patches, 1.0, seed=(1,)).astype(int)
    assert (found != patches).any(axis=(1, 2, 3)).all()
    assert np.abs(found - patches).mean() < 12
    assert np.abs((found - patches).mean(axis=(0, 1, 2))).max() < 1.5  # no channel in another's place


@pytest.mark.parametrize("share", [0.0, 0.4])
def test_the_share_is_compressed_and_the_rest_untouched(patches: np.ndarray, share: float) -> None:
    before = patches.copy()
    found = some_compressed(patches, share, seed=(1, 2))
    assert (found != patches).any(axis=(1, 2, 3)).mean() == pytest.approx(share, abs=0.12)
    assert np.array_equal(patches, before)
    assert np.array_equal(found, some_compressed(patches, share, seed=(1, 2)))
    if share:
        assert not np.array_equal(found, some_compressed(patches, share, seed=(1, 3)))


def test_each_patch_has_a_quality_of_its_own(patches: np.ndarray) -> None:
    same = np.repeat(patches[:1], 60, axis=0)
    assert len({patch.tobytes() for patch in some_compressed(same, 1.0, seed=(5,))}) > 20
