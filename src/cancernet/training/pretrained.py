"""ImageNet weights for a backbone: from a file, from the network, or openly not at all."""

from __future__ import annotations

import hashlib
import os
import socket
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from cancernet.common.errors import UserError
from cancernet.networks.mobilenet import BACKBONE
from cancernet.training.quiet import give_back

# MobileNetV2, alpha 1.0, no top, as keras.applications publishes it (Apache-2.0).
URL = (
    "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/"
    "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
)
# SHA-256 over the arrays of those weights, so that a file is known by its content whatever its format.
IMAGENET_DIGEST = "a709dead04e5c597c22b676b944c4a6f685c17787c0a1600819bd7bef550b34c"
SETTLE_PATCHES = 32  # patches that set the batch statistics of a random backbone; 512 cells of its last map at 128 px
CONNECT_SECONDS = 3.0  # how long `auto` waits for the network
OTHER_WAYS = "pass --weights PATH to a file of them, or --weights none to start from random weights"


@dataclass(frozen=True)
class Pretrained:
    """What a backbone starts from.

    Attributes:
        path: file of weights, or nothing for random ones.
        said: how the results name it, for example `imagenet` or `none (random)`.
    """

    path: Path | None
    said: str


def find_weights(choice: str) -> Pretrained:
    """Find the weights that `--weights` asks for.

    Args:
        choice: `imagenet` (download, cached and checked), `auto` (the same if the network answers within
            seconds, else random weights, and it says so), `none`, or the path of a file.

    Raises:
        UserError: the download or the file is not to be had; names the other ways.
    """
    if choice == "none":
        return Pretrained(None, "none (random)")
    if choice not in ("imagenet", "auto"):
        path = Path(choice).expanduser()
        if not path.is_file():
            raise UserError(f"--weights {choice}: no such file; give a file, imagenet, auto or none")
        return Pretrained(path, f"file {path.name}")
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    cached = home / "models" / Path(URL).name
    if choice == "auto" and not cached.is_file() and not _reachable():
        return Pretrained(None, "none (random: no network for the ImageNet weights)")
    try:
        return Pretrained(
            Path(keras.utils.get_file(cached.name, URL, cache_dir=home, cache_subdir="models")), "imagenet"
        )
    except Exception as error:  # get_file raises whatever the transport raises, bare Exception included
        if choice == "auto":
            return Pretrained(None, "none (random: the ImageNet weights could not be downloaded)")
        raise UserError(f"cannot download the ImageNet weights ({error}); {OTHER_WAYS}") from error


def load_pretrained(network: keras.Model, pretrained: Pretrained) -> str:
    """Put the weights into the backbone of a network.

    Returns:
        How the results name what was loaded.

    Raises:
        UserError: the file does not fit the backbone, or a download is not what it should be.
    """
    if pretrained.path is None:
        return pretrained.said
    whole = keras.applications.MobileNetV2(include_top=False, weights=None)
    try:
        whole.load_weights(pretrained.path)
    except (ValueError, OSError, KeyError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"{pretrained.path} holds no weights for MobileNetV2 without top: {reason}") from error
    known = digest(whole) == IMAGENET_DIGEST
    if pretrained.said == "imagenet" and not known:
        raise UserError(f"{pretrained.path} is not the ImageNet weights it should be; delete it and try again")
    names = {layer.name: layer for layer in whole.layers}
    nested = BACKBONE in [layer.name for layer in network.layers]
    backbone = network.get_layer(BACKBONE) if nested else network
    for layer in backbone.layers:  # the backbone may be cut short
        if layer.weights and layer.name in names:
            layer.set_weights(names[layer.name].get_weights())
    return "imagenet" if known else pretrained.said


def settle_statistics(network: keras.Model, patches: np.ndarray) -> None:
    """Give a backbone of random weights the batch statistics of some patches (Krähenbühl et al. 2016).

    With the statistics it is built with (mean 0, variance 1), 50 layers of random weights shrink every patch to the
    same answer, and a frozen backbone would tell nothing apart. As a graph it runs in a fifth of the memory: called
    by itself, Keras keeps all activations until the end.

    Args:
        network: has a backbone with random weights.
        patches: uint8 (N, 50, 50, 3), one batch.
    """
    import tensorflow as tf

    layers = network.get_layer(BACKBONE).layers
    normalisations = [x for x in layers if isinstance(x, keras.layers.BatchNormalization)]
    before = [layer.momentum for layer in normalisations]
    for layer in normalisations:
        layer.momentum = 0.0
    tf.function(network)(patches, training=True)
    for layer, momentum in zip(normalisations, before, strict=True):
        layer.momentum = momentum
    give_back()


def digest(backbone: keras.Model) -> str:
    """Return the SHA-256 over a backbone's arrays, sorted so that the order of layers does not matter."""
    parts = sorted(hashlib.sha256(np.array(v).tobytes()).hexdigest() for v in backbone.weights)
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def _reachable() -> bool:
    try:
        with socket.create_connection((URL.split("/")[2], 443), timeout=CONNECT_SECONDS):
            return True
    except OSError:
        return False
