"""What a run is foretold to cost: what is done once is counted once, and what is not done is not counted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cancernet.model.recipe import Recipe
from cancernet.training.costs import COLOURS, RECIPE, foretold, pass_cost, scoring_cost
from cancernet.training.options import MOST_CHOOSING, TrainingOptions

PLAIN = Recipe("plain", "", "cnn", epochs=8)
CROSSED = Recipe("crossed", "", "compact", epochs=8, cross_fit=5)


def table(train: int, val: int, test: int) -> tuple[pd.DataFrame, pd.Series]:
    """Patients of 100 patches."""
    side = pd.Series(np.repeat(["train", "val", "test"], [train, val, test]))
    return pd.DataFrame({"patient": [f"{name}{row // 100}" for row, name in enumerate(side)]}), side


def test_colours_are_described_once_for_recipes_that_learn_from_the_same_patches() -> None:
    patches, side = table(1000, 300, 300)
    again = Recipe("again", "", "cnn", epochs=8)
    costs = foretold([PLAIN, again, CROSSED], patches, side, TrainingOptions())
    assert costs["plain"] - costs["again"] == pytest.approx(1300 * COLOURS)
    limited = foretold([PLAIN, again], patches, side, TrainingOptions(limit=500))
    assert limited["plain"] - limited["again"] == pytest.approx(800 * COLOURS)


def test_fewer_epochs_cost_less_and_never_nothing() -> None:
    patches, side = table(1000, 300, 300)
    whole, one = (foretold([PLAIN], patches, side, TrainingOptions(epochs=n))["plain"] for n in (0, 1))
    assert RECIPE < one < whole


@pytest.mark.parametrize(
    ("recipe", "n_val", "asked"),
    [(PLAIN, MOST_CHOOSING, MOST_CHOOSING + 200), (PLAIN, MOST_CHOOSING + 100, 200), (CROSSED, 300, 200)],
)
def test_val_patches_are_scored_only_where_they_are_not_known(recipe: Recipe, n_val: int, asked: int) -> None:
    _, side = table(1000, n_val, 200)
    assert scoring_cost(recipe, side) == pytest.approx(asked * pass_cost(recipe))
