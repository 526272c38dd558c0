"""MobileNetV2 (Sandler et al. 2018) with the patch upsampled inside the graph."""

from __future__ import annotations

import keras

from cancernet.networks.compact import with_head
from cancernet.networks.patch import scaled_patch

BACKBONE = "mobilenetv2"


def build_mobilenet(*, input_size: int, dropout: float) -> keras.Model:
    """Build MobileNetV2 with random weights and a new head; see `build_network`.

    At 50 px MobileNetV2 ends in a 2x2 map, too coarse to see nuclei, so the patch is resized to
    `input_size` by a layer of the graph. The batch normalisation of the backbone keeps the statistics of
    ImageNet, frozen or not: see `trainable_from`.
    """
    patch, x = scaled_patch(input_size, scale=1 / 127.5, offset=-1)
    backbone = keras.applications.MobileNetV2(
        include_top=False, weights=None, input_shape=(input_size, input_size, 3), name=BACKBONE
    )
    return with_head(patch, backbone(x, training=False), dropout=dropout, name="mobilenet")
