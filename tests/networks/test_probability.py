"""The probability is the sigmoid of the calibrated logit."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("keras")
import keras

from cancernet.networks import with_probability

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def identity() -> keras.Model:
    """A network whose logit is the mean of its input."""
    x = keras.Input((3,))
    return keras.Model(x, keras.layers.Dense(1, kernel_initializer="ones", use_bias=False, name="logit")(x))


def sigmoid(logit: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logit))


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (0.5, 0.3), (2.0, -1.0)])
def test_it_is_the_sigmoid_of_scale_times_logit_plus_offset(
    identity: keras.Model, scale: float, offset: float
) -> None:
    x = np.random.default_rng(0).normal(0, 2, (5, 3)).astype("float32")
    found = with_probability(identity, scale=scale, offset=offset).predict_on_batch(x)
    np.testing.assert_allclose(found, sigmoid(scale * x.sum(1, keepdims=True) + offset), atol=1e-6)


def test_far_out_logits_stay_within_0_and_1(identity: keras.Model) -> None:
    found = with_probability(identity).predict_on_batch(np.array([[-900.0] * 3, [900.0] * 3]))
    assert found.tolist() == [[0.0], [1.0]]


def test_it_shares_the_weights_and_adds_none(identity: keras.Model) -> None:
    model = with_probability(identity)
    assert [id(v) for v in model.weights] == [id(v) for v in identity.weights]
