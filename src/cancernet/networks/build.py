"""Find a network by name, cut off its head, and say which part of it learns."""

from __future__ import annotations

from collections.abc import Callable

import keras

from cancernet.errors import UserError
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
            raise UserError(
                f"network {network.name!r} has no backbone with a layer {part!r}; use all or head"
            )
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
