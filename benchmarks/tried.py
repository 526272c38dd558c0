"""Networks that were tried for the flagship, by name; what was kept of them is in the package.

`cross_validate.py` knows them beside the package's own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import keras
from keras import KerasTensor, layers, ops

from cancernet.networks.compact import normalised, residual_stages, with_head
from cancernet.networks.patch import scaled_patch


def build_mobile(*, input_size: int, dropout: float, last: str = "block_12_add") -> keras.Model:
    """MobileNetV2 cut after a layer; its batch statistics learn too."""
    patch, x = scaled_patch(input_size, scale=1 / 127.5, offset=-1)
    whole = keras.applications.MobileNetV2(include_top=False, weights=None, input_tensor=x)
    for layer in whole.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.9
    x = layers.GlobalAveragePooling2D(name="embedding")(whole.get_layer(last).output)
    x = layers.Dropout(dropout)(x)
    return keras.Model(patch, layers.Dense(1, name="logit", dtype="float32")(x), name="mobile")


@keras.saving.register_keras_serializable(package="tried")
class ColourMoments(layers.Layer):
    """Mean and standard deviation of pixels and optical densities by channel, and their correlations."""

    def call(self, patch: KerasTensor) -> KerasTensor:
        """From float32 (N, side, side, 3), 0 to 255, to (N, 15)."""
        density = -ops.log((patch + 1.0) / 256.0)
        both = ops.concatenate([patch / 64.0, density * 2.0], axis=-1)
        mean = ops.mean(both, axis=(1, 2), keepdims=True)
        centred = both - mean
        std = ops.sqrt(ops.mean(centred**2, axis=(1, 2)) + 1e-4)
        rolled = ops.roll(centred[..., 3:], 1, axis=-1)
        product = ops.mean(centred[..., 3:] * rolled, axis=(1, 2))
        return ops.concatenate([mean[:, 0, 0, :], std, product], axis=-1)


def with_colour(build: Callable[..., keras.Model]) -> Callable[..., keras.Model]:
    """Return a builder whose embedding has the colour moments beside it."""

    def built(*, input_size: int, dropout: float) -> keras.Model:
        network = build(input_size=input_size, dropout=dropout)
        embedding = network.get_layer("embedding").output
        colour = ColourMoments()(ops.cast(network.input, "float32"))
        colour = layers.BatchNormalization(momentum=0.9)(colour)
        colour = layers.Dense(32, activation="relu")(colour)
        x = layers.Concatenate()([embedding, colour])
        x = layers.Dropout(dropout)(x)
        return keras.Model(network.input, layers.Dense(1, name="logit", dtype="float32")(x), name="colour")

    return built


def build_lean(*, input_size: int, dropout: float, stages: tuple[int, ...] = (32, 64, 128)) -> keras.Model:
    """The compact network without its stem at full resolution: one strided convolution instead."""
    patch, x = scaled_patch(input_size, scale=1 / 127.5, offset=-1)
    x = layers.Activation("relu")(normalised(x, stages[0], 4, strides=2))
    return with_head(patch, residual_stages(x, stages), dropout=dropout, name="lean")


RESIDUAL_STAGES = (32, 64, 128)  # channels; the first keeps 25 px, then 13, then 7


def _normalised(x: KerasTensor, channels: int, kernel: int, *, strides: int = 1) -> KerasTensor:
    x = layers.Conv2D(channels, kernel, strides=strides, padding="same", use_bias=False)(x)
    return layers.BatchNormalization()(x)


def _block(x: KerasTensor, channels: int, *, strides: int) -> KerasTensor:
    shortcut = x
    if strides > 1 or x.shape[-1] != channels:
        if strides > 1:
            shortcut = layers.AveragePooling2D(strides, padding="same")(shortcut)
        shortcut = _normalised(shortcut, channels, 1)
    x = layers.Activation("relu")(_normalised(x, channels, 3, strides=strides))
    x = _normalised(x, channels, 3)
    return layers.Activation("relu")(layers.Add()([x, shortcut]))


def build_residual(*, input_size: int, dropout: float) -> keras.Model:
    """Build the residual CNN.

    Args:
        input_size: side in px that the network sees.
        dropout: share of the embedding dropped in training.

    Returns:
        A model from uint8 (N, 50, 50, 3) to logits float32 (N, 1).
    """
    patch, x = scaled_patch(input_size, scale=1 / 127.5, offset=-1)
    x = layers.Activation("relu")(_normalised(x, RESIDUAL_STAGES[0], 3, strides=2))
    x = _block(x, RESIDUAL_STAGES[0], strides=1)
    for channels in RESIDUAL_STAGES[1:]:
        x = _block(x, channels, strides=2)
        x = _block(x, channels, strides=1)
    x = layers.GlobalAveragePooling2D(name="embedding")(x)
    x = layers.Dropout(dropout)(x)
    logit = layers.Dense(1, name="logit", dtype="float32")(x)
    return keras.Model(patch, logit, name="residual")


TRIED: dict[str, Callable[..., keras.Model]] = {
    "mobile": build_mobile,
    "mobile_colour": with_colour(build_mobile),
    "residual": build_residual,
    "lean": build_lean,
    "wide": partial(build_lean, stages=(48, 96, 192)),
    "lean_colour": with_colour(build_lean),
}
