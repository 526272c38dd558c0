"""The residual network keeps detail and passes its input on."""

from __future__ import annotations

import pytest

pytest.importorskip("keras")
import keras

from cancernet.networks.residual import STAGES, build_residual

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return build_residual(input_size=50, dropout=0.3)


def test_the_maps_shrink_to_25_13_and_7_px(network: keras.Model) -> None:
    sides = [layer.output.shape[1] for layer in network.layers if isinstance(layer, keras.layers.Add)]
    assert sides == [25, 13, 13, 7, 7]


def test_every_convolution_is_normalised_and_needs_no_bias(network: keras.Model) -> None:
    convolutions = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    normal = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(convolutions) == len(normal)
    assert not any(layer.use_bias for layer in convolutions)


def test_each_block_adds_what_came_in(network: keras.Model) -> None:
    additions = [layer for layer in network.layers if isinstance(layer, keras.layers.Add)]
    assert len(additions) == 2 * len(STAGES) - 1
    assert all(len(layer.input) == 2 for layer in additions)


def test_the_embedding_is_the_mean_of_the_last_map(network: keras.Model) -> None:
    assert network.get_layer("embedding").output.shape == (None, STAGES[-1])


def test_it_stays_under_a_million_parameters(network: keras.Model) -> None:
    assert 300_000 < network.count_params() < 1_000_000
