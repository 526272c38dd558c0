"""A small residual network at full resolution (He et al. 2016), for 50 px patches."""

from __future__ import annotations

import keras
from keras import KerasTensor, layers

from cancernet.networks.patch import scaled_patch

STAGES = (32, 64, 128)  # channels; the first stage keeps 25 px, then 13, then 7


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
    x = layers.Activation("relu")(_normalised(x, STAGES[0], 3, strides=2))
    x = _block(x, STAGES[0], strides=1)
    for channels in STAGES[1:]:
        x = _block(x, channels, strides=2)
        x = _block(x, channels, strides=1)
    x = layers.GlobalAveragePooling2D(name="embedding")(x)
    x = layers.Dropout(dropout)(x)
    logit = layers.Dense(1, name="logit", dtype="float32")(x)
    return keras.Model(patch, logit, name="residual")
