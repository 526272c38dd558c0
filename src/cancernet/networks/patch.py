"""What every network begins with: a raw patch, scaled, and enlarged where the network wants more pixels."""

from __future__ import annotations

import keras
from keras import KerasTensor, layers

from cancernet.common.defaults import PATCH_SIZE


def scaled_patch(input_size: int, *, scale: float, offset: float = 0.0) -> tuple[KerasTensor, KerasTensor]:
    """Begin a network.

    Args:
        input_size: side in px that the network sees; another than the patch's is resized in the graph.
        scale: factor of the pixels 0 to 255.
        offset: added after scaling.

    Returns:
        The input uint8 (N, 50, 50, 3), and float32 (N, input_size, input_size, 3) to go on from.
    """
    patch = keras.Input((PATCH_SIZE, PATCH_SIZE, 3), dtype="uint8", name="patch")
    x = layers.Rescaling(scale, offset=offset, name="scale")(patch)
    if input_size != PATCH_SIZE:
        x = layers.Resizing(input_size, input_size, interpolation="bilinear", name="upsample")(x)
    return patch, x
