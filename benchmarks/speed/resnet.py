"""ResNet-34 (He et al. 2016) on patches of 350 px at 0.25 um/px: what WSInfer runs for breast tumours, as to its cost.

Random weights: how long it takes does not depend on them.
"""

from __future__ import annotations

from typing import Any

SIDE, MPP = 350, 0.25  # px and um/px of WSInfer's breast-tumor-resnet34.tcga-brca
BLOCKS = ((64, 3), (128, 4), (256, 6), (512, 3))  # filters and blocks of the four stages
SQUARE_MM = (SIDE * MPP / 1000) ** 2  # of a patch


def build() -> Any:
    """Return the network as a Keras model: uint8 (N, SIDE, SIDE, 3) to two logits."""
    from keras import Input, Model, layers

    def convolve(x: Any, filters: int, side: int, step: int) -> Any:
        x = layers.Conv2D(filters, side, strides=step, padding="same", use_bias=False)(x)
        return layers.BatchNormalization()(x)

    given = Input((SIDE, SIDE, 3), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, offset=-1)(given)
    x = layers.ReLU()(convolve(x, BLOCKS[0][0], 7, 2))
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    for stage, (filters, blocks) in enumerate(BLOCKS):
        for block in range(blocks):
            step = 2 if stage and not block else 1
            shortcut = convolve(x, filters, 1, step) if step > 1 else x
            x = convolve(layers.ReLU()(convolve(x, filters, 3, step)), filters, 3, 1)
            x = layers.ReLU()(layers.Add()([x, shortcut]))
    return Model(given, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))


def graph() -> bytes:
    """Return it as an ONNX graph, exported as this project exports its own."""
    from cancernet.training.quiet import import_quietly

    import_quietly()
    from cancernet.training.export import to_onnx

    return to_onnx(build())
