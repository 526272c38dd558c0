"""MobileNetV2 sees an enlarged patch in [-1, 1] and keeps its batch statistics."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("keras")
import keras

from cancernet.networks import trainable_from
from cancernet.networks.mobilenet import BACKBONE, build_mobilenet

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(0)
    return build_mobilenet(input_size=64, dropout=0.2)


def test_the_backbone_sees_the_enlarged_patch_from_minus_1_to_1(network: keras.Model) -> None:
    seen = keras.Model(network.input, network.get_layer("upsample").output)
    white = np.asarray(seen(np.full((1, 50, 50, 3), 255, "uint8")))
    black = np.asarray(seen(np.zeros((1, 50, 50, 3), "uint8")))
    assert white.shape == (1, 64, 64, 3)
    np.testing.assert_allclose([white.min(), black.max()], [1, -1], atol=1e-6)


def test_the_embedding_is_that_of_the_paper(network: keras.Model) -> None:
    assert network.get_layer("embedding").output.shape == (None, 1280)


def statistics(network: keras.Model) -> list[np.ndarray]:
    moving = ("moving_mean", "moving_variance")
    return [np.array(v) for v in network.get_layer(BACKBONE).weights if v.path.endswith(moving)]


@pytest.mark.parametrize("part", ["head", "block_16_expand", pytest.param("all", marks=pytest.mark.slow)])
def test_a_step_of_training_leaves_batch_statistics_and_frozen_layers_as_they_were(
    network: keras.Model, part: str
) -> None:
    trainable_from(network, part)
    network.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=True))
    before = statistics(network)
    frozen = [np.array(v) for v in network.non_trainable_weights]
    learning = [np.array(v) for v in network.trainable_weights]
    patches = np.random.default_rng(0).integers(0, 256, (4, 50, 50, 3), dtype=np.uint8)
    network.train_on_batch(patches, np.array([[1.0], [1], [0], [1]]))
    assert len(before) == 104
    for old, new in zip(before, statistics(network), strict=True):
        np.testing.assert_array_equal(old, new)
    for old, new in zip(frozen, network.non_trainable_weights, strict=True):
        np.testing.assert_array_equal(old, np.array(new))
    assert any((old != np.array(new)).any() for old, new in zip(learning, network.trainable_weights, strict=True))


def test_without_the_rule_a_step_would_change_batch_statistics(network: keras.Model) -> None:
    """The test above can fail: this is what Keras does with `training=True` handed to the backbone."""
    for layer in network.get_layer(BACKBONE).layers:
        layer.trainable = True
    before = statistics(network)
    patches = np.random.default_rng(0).integers(0, 256, (4, 50, 50, 3), dtype=np.uint8)
    network.get_layer(BACKBONE)(network.get_layer("upsample")(patches.astype("float32")), training=True)
    assert any((old != new).any() for old, new in zip(before, statistics(network), strict=True))
