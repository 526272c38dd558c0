"""What a recipe costs, foretold from its patches, so that a run can say how long the rest of it will take.

Only ratios matter: the unit is a millisecond of one CPU (AMD EPYC with AVX-512), taken per patch in batches of 64.
"""

from __future__ import annotations

from cancernet.model.recipe import Recipe
from cancernet.training.batches import epoch_size
from cancernet.training.engine import Examples

PASS = {"cnn": 0.25, "compact": 1.15, "mobilenet": 4.7}  # of a patch once through the network
STEP = {"cnn": 1.0, "compact": 4.0, "mobilenet": 8.8}  # of a patch in a training step; of MobileNetV2 its upper part
HEAD_STEP = 0.035  # of the features of a patch in a step of a head
COLOURS = 0.18  # of the colour statistics of a patch, and whether there is something to see on it


def pass_cost(recipe: Recipe) -> float:
    """Return what a patch costs that goes through the whole network of a recipe once."""
    return PASS.get(recipe.network, 1.0)


def step_cost(recipe: Recipe) -> float:
    """Return what a patch costs in a training step."""
    return HEAD_STEP if recipe.train == "head" else STEP.get(recipe.network, 1.0)


def validation_cost(recipe: Recipe) -> float:
    """Return what a patch costs when an epoch is validated: of features next to nothing."""
    return HEAD_STEP if recipe.train == "head" else pass_cost(recipe)


def recipe_cost(recipe: Recipe, examples: Examples) -> float:
    """Return what it costs to train a recipe on these patches: epochs, calibration, thresholds, colour floor."""
    n_train, n_val = len(examples.train), len(examples.val)
    per_epoch = epoch_size(examples.patient, recipe.patient_cap) * step_cost(recipe)
    per_epoch += len(examples.choosing) * validation_cost(recipe)
    passes = n_train + n_val if recipe.train == "head" else n_val  # a head's: its features
    again = 0 if examples.choose is not None else n_val  # of the graph that ships
    whole = recipe.epochs * per_epoch + (passes + again) * pass_cost(recipe) + (n_train + n_val) * COLOURS
    return whole * (recipe.cross_fit + 1)
