"""The network a recipe starts from: built, and given the weights that it begins with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
from safetensors import SafetensorError
from safetensors.numpy import load

from cancernet.common.errors import UserError
from cancernet.model.bundle import MANIFEST, WEIGHTS
from cancernet.model.model import Model, load_model
from cancernet.model.recipe import Recipe
from cancernet.networks import build_network
from cancernet.training.checkpoint import load_weights
from cancernet.training.engine import Examples
from cancernet.training.options import TrainingOptions
from cancernet.training.precision import policy
from cancernet.training.pretrained import SETTLE_PATCHES, find_weights, load_pretrained, settle_statistics


def starting_network(
    recipe: Recipe, models: Path, options: TrainingOptions, examples: Examples
) -> tuple[keras.Model, str]:
    """Return the network a recipe starts from and how the results name its weights.

    Args:
        recipe: what to train.
        models: folder that holds the bundle of the recipe it continues from, if any.
        options: its seed draws random weights.
        examples: some of their patches settle the batch statistics of a random backbone.

    Raises:
        UserError: no weights, or no bundle to continue from.
    """
    keras.utils.set_random_seed(options.seed)
    with dtype_policy(policy(recipe.mixed_precision)):
        return _starting_network(recipe, models, options, examples)


def _starting_network(
    recipe: Recipe, models: Path, options: TrainingOptions, examples: Examples
) -> tuple[keras.Model, str]:
    if not recipe.start_from:
        network = build_network(recipe.network, input_size=recipe.input_size, dropout=recipe.dropout)
        if not recipe.pretrained:
            return network, "none (trained from scratch)"
        pretrained = find_weights(options.weights)
        if pretrained.path is None:
            settle_statistics(network, examples.inputs[examples.train[:SETTLE_PATCHES]])
        return network, load_pretrained(network, pretrained)
    if not (models / recipe.start_from / MANIFEST).exists():
        raise UserError(
            f"recipe {recipe.name} continues from {recipe.start_from}, which {models} does not hold; "
            f"train {recipe.start_from} first"
        )
    parent = load_model(models / recipe.start_from)
    before = parent.manifest.recipe
    if (before.network, before.input_size) != (recipe.network, recipe.input_size):
        raise UserError(f"recipe {recipe.name} cannot continue from {parent.folder}: another network or input size")
    return load_network(parent), parent.manifest.weights_from


def load_network(model: Model) -> keras.Model:
    """Build the network of a model and give it the model's weights.

    Raises:
        UserError: the weights are damaged or of another network.
    """
    recipe = model.manifest.recipe
    network = build_network(recipe.network, input_size=recipe.input_size, dropout=recipe.dropout)
    try:
        load_weights(network, load(model.read(WEIGHTS)))
    except SafetensorError as error:
        raise UserError(f"{model.folder / WEIGHTS}: no weights ({error})") from error
    return network


@contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Build layers under a Keras dtype policy, then put back the one before."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
