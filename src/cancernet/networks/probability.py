"""From a logit to the probability that a bundle ships."""

from __future__ import annotations

import keras
from keras import layers


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
