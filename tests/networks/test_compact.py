"""The compact network sees every pixel before it halves the map, and stays small."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("keras")
import keras

from cancernet.networks.compact import STAGES, STEM, build_compact, normalised

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return build_compact(input_size=50, dropout=0.3)


def of(network: keras.Model, kind: type) -> list[keras.layers.Layer]:
    return [layer for layer in network.layers if isinstance(layer, kind)]


def test_the_first_convolution_keeps_all_50_px(network: keras.Model) -> None:
    assert of(network, keras.layers.Conv2D)[0].output.shape == (None, 50, 50, STEM)


def test_one_block_a_stage_at_25_13_and_7_px(network: keras.Model) -> None:
    blocks = [layer.output.shape[1:] for layer in of(network, keras.layers.Add)]
    assert blocks == list(zip((25, 13, 7), (25, 13, 7), STAGES, strict=True))


def test_every_convolution_is_normalised_and_needs_no_bias(network: keras.Model) -> None:
    convolutions = of(network, keras.layers.Conv2D)
    assert len(convolutions) == len(of(network, keras.layers.BatchNormalization))
    assert not any(layer.use_bias for layer in convolutions)


def test_the_embedding_is_the_mean_of_the_last_map(network: keras.Model) -> None:
    assert network.get_layer("embedding").output.shape == (None, STAGES[-1])


def test_it_is_small_enough_to_ship(network: keras.Model) -> None:
    assert 250_000 < network.count_params() < 350_000


def test_it_takes_raw_bytes_and_gives_one_logit_a_patch(network: keras.Model) -> None:
    patches = np.random.default_rng(0).integers(0, 256, (3, 50, 50, 3), dtype=np.uint8)
    logit = np.asarray(network(patches))
    assert logit.shape == (3, 1)
    assert logit.dtype == np.float32
    assert len(np.unique(logit)) == 3


def test_a_normalised_convolution_has_mean_0_and_variance_1_in_training() -> None:
    x = keras.Input((8, 8, 4))
    layer = keras.Model(x, normalised(x, 6, 3))
    values = np.random.default_rng(0).normal(5, 3, (64, 8, 8, 4)).astype("float32")
    y = np.asarray(layer(values, training=True))
    assert y.mean(axis=(0, 1, 2)) == pytest.approx(0, abs=1e-3)
    assert y.var(axis=(0, 1, 2)) == pytest.approx(1, abs=0.01)
