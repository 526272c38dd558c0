"""Where in a patch the evidence lies: the head of a network, applied to each cell of its last map.

Every network here ends in the mean over a map A (N, h, w, C) and dense layers, so the logit is piecewise linear in
A and equals the mean over the cells of sum_c g_c A_c + b, with g the gradient of the logit by the pooled vector and b
what the biases of the active units add. Plain operations compute it; no gradient is taken.

Source: class activation maps (Zhou et al. 2016) where one dense layer follows the mean; HiResCAM (Draelos & Carin
2020) where more do. Unlike Grad-CAM (Selvaraju et al. 2017) nothing is averaged or cut off, so nothing is lost.
"""

from __future__ import annotations

import keras
from keras import KerasTensor, layers


def with_probability(network: keras.Model, *, scale: float = 1.0, offset: float = 0.0) -> keras.Model:
    """Append `sigmoid(scale * logit + offset)`, so an exported graph answers in probabilities.

    Args:
        network: a model that ends in one logit.
        scale: inverse temperature of the calibration; 1 leaves the network as trained.
        offset: shift of the calibrated logit; 0 leaves the network as trained.

    Returns:
        A model from uint8 patches to float32 (N, 1): the probability of malignant.
    """
    x = layers.Rescaling(scale, offset=offset, name="calibration", dtype="float32")(network.output)
    probability = layers.Activation("sigmoid", name="probability", dtype="float32")(x)
    return keras.Model(network.input, probability, name=network.name)


def with_evidence(network: keras.Model, *, scale: float = 1.0, offset: float = 0.0) -> keras.Model:
    """Append the calibrated probability, the evidence of each cell, and the embedding.

    Args:
        network: ends in a mean over a map, dropout and dense layers (relu or none), and one logit; it has a layer
            `embedding`.
        scale: of the calibrated logit.
        offset: of the calibrated logit.

    Returns:
        A model from uint8 patches to `cancernet.model.inference.OUTPUTS`: float32 (N, 1); float32 (N, h, w) in
        calibrated log odds, whose mean over h and w is the logit of the probability; float32 (N, D).

    Raises:
        ValueError: the head has a layer for which this does not hold.
    """
    model = with_probability(network, scale=scale, offset=offset)
    evidence = layers.Rescaling(scale, offset=offset, name="evidence_calibration", dtype="float32")(
        _logit_of_cells(network)
    )
    height, width = evidence.shape[1:3]
    evidence = layers.Reshape((height, width), name="evidence", dtype="float32")(evidence)
    embedding = network.get_layer("embedding").output
    return keras.Model(network.input, [model.output, evidence, embedding], name=network.name)


def _logit_of_cells(network: keras.Model) -> KerasTensor:
    """Return the logit that each cell of the last map adds to the mean, (N, h, w, 1)."""
    pools = [i for i, each in enumerate(network.layers) if isinstance(each, layers.GlobalAveragePooling2D)]
    if not pools:
        raise ValueError(f"network {network.name} has no mean over a map to take apart")
    cells = network.layers[pools[-1]].input
    for layer in network.layers[pools[-1] + 1 :]:
        if isinstance(layer, layers.Dropout):
            continue
        if not isinstance(layer, layers.Dense) or layer.activation.__name__ not in ("linear", "relu"):
            raise ValueError(f"layer {layer.name} of network {network.name} is not piecewise linear")
        cells = _by_cell(layer)(cells)
        if layer.activation.__name__ == "relu":
            active = keras.ops.cast(layer.output > 0, "float32")  # for the patch as a whole: relu's derivative
            cells = cells * active[:, None, None, :]
    return cells


def _by_cell(dense: layers.Dense) -> layers.Conv2D:
    """Return a dense layer without its activation as a 1x1 convolution, with a copy of its weights."""
    kernel, bias = (keras.ops.convert_to_numpy(each) for each in (dense.kernel, dense.bias))
    return layers.Conv2D(
        dense.units,
        1,
        kernel_initializer=keras.initializers.Constant(kernel[None, None]),
        bias_initializer=keras.initializers.Constant(bias),
        name=f"{dense.name}_by_cell",
        dtype="float32",
    )
