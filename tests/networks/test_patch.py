"""Every network begins with the same raw patch."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("keras")
import keras

from cancernet.networks.patch import scaled_patch

pytestmark = pytest.mark.train


@pytest.mark.parametrize("size", [32, 50, 96])
def test_the_input_is_always_the_raw_patch(size: int) -> None:
    patch, x = scaled_patch(size, scale=1 / 255)
    assert (patch.shape, patch.dtype) == ((None, 50, 50, 3), "uint8")
    assert x.shape == (None, size, size, 3)


def test_a_patch_of_the_right_size_is_scaled_and_nothing_else() -> None:
    model = keras.Model(*scaled_patch(50, scale=1 / 127.5, offset=-1))
    patches = np.random.default_rng(0).integers(0, 256, (2, 50, 50, 3), dtype=np.uint8)
    assert "upsample" not in [layer.name for layer in model.layers]
    np.testing.assert_allclose(model(patches), patches / 127.5 - 1, atol=1e-6)


def test_enlarging_keeps_the_mean_colour() -> None:
    model = keras.Model(*scaled_patch(100, scale=1.0))
    patches = np.random.default_rng(0).integers(0, 256, (2, 50, 50, 3), dtype=np.uint8)
    np.testing.assert_allclose(np.asarray(model(patches)).mean((1, 2)), patches.mean((1, 2)), atol=0.5)
