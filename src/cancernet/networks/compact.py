"""A compact residual network (He et al. 2016) that looks at 50 px patches at full resolution first."""

from __future__ import annotations

import keras
from keras import KerasTensor, layers

from cancernet.networks.patch import scaled_patch

STEM = 16  # channels at 50 px, where a nucleus is two or three pixels wide
STAGES = (32, 64, 128)  # channels at 25, 13 and 7 px, one residual block each
MOMENTUM = 0.95  # of the batch statistics: they follow within tens of steps, as the short schedule wants


def build_compact(*, input_size: int, dropout: float) -> keras.Model:
    """Build the network: 0.31 million parameters, 36 million multiplications a patch; see `build_network`."""
    patch, x = scaled_patch(input_size, scale=1 / 127.5, offset=-1)
    x = layers.Activation("relu")(normalised(x, STEM, 3))
    x = layers.Activation("relu")(normalised(x, STAGES[0], 3, strides=2))
    return with_head(patch, residual_stages(x, STAGES), dropout=dropout, name="compact")


def normalised(x: KerasTensor, channels: int, kernel: int, *, strides: int = 1) -> KerasTensor:
    """Return a convolution without bias and its batch normalisation."""
    x = layers.Conv2D(channels, kernel, strides=strides, padding="same", use_bias=False)(x)
    return layers.BatchNormalization(momentum=MOMENTUM)(x)


def residual_stages(x: KerasTensor, stages: tuple[int, ...]) -> KerasTensor:
    """Return x after one residual block a stage; each but the first halves the map."""
    for index, channels in enumerate(stages):
        strides, shortcut = (2 if index else 1), x
        if index:
            shortcut = normalised(layers.AveragePooling2D(2, padding="same")(x), channels, 1)
        y = layers.Activation("relu")(normalised(x, channels, 3, strides=strides))
        x = layers.Activation("relu")(layers.Add()([normalised(y, channels, 3), shortcut]))
    return x


def with_head(patch: KerasTensor, x: KerasTensor, *, dropout: float, name: str) -> keras.Model:
    """Return the model from a patch to one logit: the mean over the map, dropout, a weighted sum."""
    x = layers.GlobalAveragePooling2D(name="embedding")(x)
    x = layers.Dropout(dropout)(x)
    return keras.Model(patch, layers.Dense(1, name="logit", dtype="float32")(x), name=name)
