"""Find a network by name, cut off its head, and say which part of it learns."""

from __future__ import annotations

from collections.abc import Callable

import keras

from cancernet.common.errors import UserError
from cancernet.networks.cnn import build_cnn
from cancernet.networks.compact import build_compact
from cancernet.networks.mobilenet import BACKBONE, build_mobilenet

NETWORKS: dict[str, Callable[..., keras.Model]] = {
    "cnn": build_cnn,
    "compact": build_compact,
    "mobilenet": build_mobilenet,
}


def build_network(name: str, *, input_size: int, dropout: float) -> keras.Model:
    """Build a network by name, with random weights.

    Args:
        name: one of NETWORKS.
        input_size: side in px that the network sees.
        dropout: share of what its last layer takes that is dropped in training.

    Returns:
        A model from uint8 (N, 50, 50, 3) to logits float32 (N, 1).

    Raises:
        UserError: no network has that name.
    """
    if name not in NETWORKS:
        raise UserError(f"no network is called {name!r}; there are: {', '.join(sorted(NETWORKS))}")
    return NETWORKS[name](input_size=input_size, dropout=dropout)


def head_of(network: keras.Model) -> keras.Model:
    """Return what follows the layer `embedding` as a model of its own, sharing its weights."""
    embedding = network.get_layer("embedding").output
    return keras.Model(embedding, network.output, name=f"{network.name}_head")


def cut(network: keras.Model) -> tuple[keras.Model, keras.Model] | None:
    """Cut a network with a backbone before the first layer that learns.

    Args:
        network: its trainable flags are set.

    Returns:
        The part before it, from patches, and the part from it to the logit, sharing its weights; nothing where
        there is no backbone, where its first convolution learns, or where more than one path crosses the cut.
    """
    names = [layer.name for layer in network.layers]
    if BACKBONE not in names:
        return None
    backbone = network.get_layer(BACKBONE)
    learning = [layer for layer in backbone.layers if layer.weights and layer.trainable]
    if not learning or learning[0] is next(layer for layer in backbone.layers if layer.weights):
        return None
    crossing = learning[0].input
    try:
        rest = keras.Model(crossing, backbone.output)
    except ValueError:  # a residual path leads around that layer
        return None
    at = names.index(BACKBONE)
    x = network.input
    for layer in network.layers[1:at]:
        x = layer(x)
    lower = keras.Model(network.input, keras.Model(backbone.input, crossing)(x, training=False))
    first = keras.Input(crossing.shape[1:], name="activations")
    x = rest(first, training=False)
    for layer in network.layers[at + 1 :]:
        x = layer(x)
    return lower, keras.Model(first, x, name=network.name)


def trainable_from(network: keras.Model, part: str) -> None:
    """Set which layers learn. Batch normalisation of a backbone never does, frozen or not.

    A functional model hands `training=True` on to a backbone that was called with `training=False`, so only
    a layer that cannot learn keeps the statistics of ImageNet.

    Args:
        network: the network to change.
        part: `all`, `head` (what follows the layer `embedding`), or the name of a layer of the
            backbone: that layer, those after it and the head learn.

    Raises:
        UserError: the network has no layer of that name.
    """
    network.trainable = False  # setting what is set already reaches no layer, so change it first
    network.trainable = True
    names = [layer.name for layer in network.layers]
    if BACKBONE not in names:
        if part == "all":
            return
        for layer in network.layers[: names.index("embedding") + 1]:
            layer.trainable = False
        if part != "head":
            raise UserError(f"network {network.name!r} has no backbone with a layer {part!r}; use all or head")
        return
    backbone = network.get_layer(BACKBONE)
    if part == "head":
        backbone.trainable = False
        return
    inner = [layer.name for layer in backbone.layers]
    if part not in ("all", *inner):
        raise UserError(f"network {network.name!r} has no layer {part!r} to train from")
    first = 0 if part == "all" else inner.index(part)
    for index, layer in enumerate(backbone.layers):
        layer.trainable = index >= first and not isinstance(layer, keras.layers.BatchNormalization)
