"""What recipes cost, foretold from the patches at hand, so that a run can say how long the rest of it will take.

Only ratios matter: the unit is a millisecond of one CPU (AMD EPYC with AVX-512), taken per patch in batches of 64.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from cancernet.model.recipe import Recipe
from cancernet.training.options import MOST_CHOOSING, MOST_FOR_HEAD, TrainingOptions

PASS = {"cnn": 0.25, "compact": 1.15, "mobilenet": 4.7}  # of a patch once through the network
STEP = {"cnn": 1.0, "compact": 4.0, "mobilenet": 8.8}  # of a patch in a training step; of MobileNetV2 its upper part
HEAD_STEP = 0.035  # of the features of a patch in a step of a head
# Of a recipe however few its patches and epochs: graphs are traced and exported, floor, context and thresholds fitted.
# Processor time of `baseline`, one epoch, on 5,847 and 24,412 real patches to learn from and validate: 16 s and 29 s,
# where the rest of this table foretells 6 and 21.
RECIPE = 10_000.0
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


def foretold(
    recipes: Iterable[Recipe], table: pd.DataFrame, side: pd.Series, options: TrainingOptions
) -> dict[str, float]:
    """Return what it costs to train each recipe: epochs, calibration, thresholds and the colour floor.

    The colours of patches are kept, so of recipes that learn from the same patches the first one pays for them.

    Args:
        recipes: each with a name of its own.
        table: with `patient`, one row a patch.
        side: `train`, `val`, `test` or empty for each row.
        options: of training.
    """
    found: dict[str, float] = {}
    described: set[int] = set()  # patches whose colours are known; as many are the same ones
    for recipe in recipes:
        found[recipe.name], n = _cost(recipe, table["patient"], side, options)
        found[recipe.name] += 0 if n in described else n * COLOURS
        described.add(n)
    return found


def scoring_cost(recipe: Recipe, side: pd.Series) -> float:
    """Return what it costs to score a recipe that was just trained; see `foretold`.

    Of a large val side it is known what the network says, and that of a cross-fit is learned from and not scored.
    """
    count = side.value_counts()
    n_val = int(count.get("val", 0))
    asked_again = not recipe.cross_fit and n_val <= MOST_CHOOSING
    return (int(count.get("test", 0)) + (n_val if asked_again else 0)) * pass_cost(recipe)


def _cost(recipe: Recipe, patient: pd.Series, side: pd.Series, options: TrainingOptions) -> tuple[float, int]:
    """Return what training costs without the colours, and of how many patches those are needed."""
    learns = ["train", "val"] if recipe.cross_fit else ["train"]
    of_patient = patient[side.isin(learns).to_numpy()].value_counts()
    if options.max_per_patient:
        of_patient = of_patient.clip(upper=options.max_per_patient)
    n_train = int(of_patient.sum())
    for most in (options.limit, MOST_FOR_HEAD if recipe.train == "head" else 0):
        n_train = min(n_train, most) if most else n_train
    n_epoch = min(n_train, int(of_patient.clip(upper=recipe.patient_cap).sum())) if recipe.patient_cap else n_train
    n_val = 0 if recipe.cross_fit else int((side == "val").sum())
    epochs = options.epochs or recipe.epochs
    whole = epochs * (n_epoch * step_cost(recipe) + min(n_val, MOST_CHOOSING) * validation_cost(recipe))
    whole += (n_train + n_val if recipe.train == "head" else n_val) * pass_cost(recipe)  # a head's: its features
    whole += (n_val if n_val <= MOST_CHOOSING else 0) * pass_cost(recipe)  # of the graph that ships
    return (recipe.cross_fit + 1) * whole + RECIPE, n_train + n_val
