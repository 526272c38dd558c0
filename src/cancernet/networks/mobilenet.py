"""MobileNetV2 (Sandler et al. 2018) with the patch upsampled inside the graph."""

from __future__ import annotations

import keras
from keras import layers

from cancernet.networks.patch import scaled_patch

BACKBONE = "mobilenetv2"
EMBEDDING_UNITS = 1280


def build_mobilenet(*, input_size: int, dropout: float) -> keras.Model:
    """Build MobileNetV2 with random weights and a new head.

    At 50 px MobileNetV2 ends in a 2x2 map, too coarse to see nuclei, so the patch is resized to
    `input_size` by a layer of the graph. The batch normalisation of the backbone keeps the statistics of
    ImageNet, frozen or not: see `trainable_from`.

    Args:
        input_size: side in px that the backbone sees.
        dropout: share of the embedding dropped in training.

    Returns:
        A model from uint8 (N, 50, 50, 3) to logits float32 (N, 1).
    """
    patch, x = scaled_patch(input_size, scale=1 / 127.5, offset=-1)
    backbone = keras.applications.MobileNetV2(
        include_top=False, weights=None, input_shape=(input_size, input_size, 3), name=BACKBONE
    )
    x = backbone(x, training=False)
    x = layers.GlobalAveragePooling2D(name="embedding")(x)
    x = layers.Dropout(dropout)(x)
    logit = layers.Dense(1, name="logit", dtype="float32")(x)
    return keras.Model(patch, logit, name="mobilenet")
