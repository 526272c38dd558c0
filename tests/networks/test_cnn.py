"""The baseline is the CNN it says it is."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("keras")
import itertools

import keras

from cancernet.networks import cnn
from cancernet.networks.cnn import build_cnn

pytestmark = pytest.mark.train


def test_each_stage_halves_the_map() -> None:
    network = build_cnn(input_size=50, dropout=0.5)
    pooled = [layer.output.shape[1:] for layer in network.layers if isinstance(layer, keras.layers.MaxPooling2D)]
    assert pooled == [(25, 25, 16), (12, 12, 32), (6, 6, 64)]


def test_pixels_are_scaled_from_0_to_1() -> None:
    network = build_cnn(input_size=50, dropout=0.5)
    scaled = keras.Model(network.input, network.get_layer("scale").output)
    white = np.asarray(scaled(np.full((1, 50, 50, 3), 255, "uint8")))
    black = np.asarray(scaled(np.zeros((1, 50, 50, 3), "uint8")))
    assert (white.max(), black.min()) == (1.0, 0.0)


def test_dropout_acts_in_training_alone() -> None:
    keras.utils.set_random_seed(0)
    network = build_cnn(input_size=50, dropout=0.9)
    patch = np.full((1, 50, 50, 3), 99, "uint8")
    still = {float(network(patch, training=False)[0, 0]) for _ in range(3)}
    moving = {float(network(patch, training=True)[0, 0]) for _ in range(5)}
    assert len(still) == 1
    assert len(moving) > 1


def test_the_parameters_are_those_of_its_stages() -> None:
    channels = [3, *cnn.STAGES]
    convolutions = sum(9 * a * b + 4 * b for a, b in itertools.pairwise(channels))  # 4: batch normalisation
    dense = cnn.STAGES[-1] * cnn.DENSE_UNITS + cnn.DENSE_UNITS
    assert build_cnn(input_size=50, dropout=0.5).count_params() == convolutions + dense + cnn.DENSE_UNITS + 1
