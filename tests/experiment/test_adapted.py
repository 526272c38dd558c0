from __future__ import annotations

from pathlib import Path

import pytest

from cancernet.common.errors import UserError
from cancernet.evaluation.adaptation import ASSURED, PLAIN, Chosen, Fitted, Rule
from cancernet.experiment.adapted import checked_name, in_words, moved
from cancernet.model.model import load_model


def test_a_name_that_no_model_can_have_is_refused() -> None:
    assert checked_name(Path("models/ours-2.1")) == "ours-2.1"
    with pytest.raises(UserError, match="its name becomes the model's"):
        checked_name(Path("our model"))


def test_where_no_patch_has_surroundings_the_child_takes_none_in() -> None:
    alone = Fitted(0.0, 1.0, 0.0, Chosen(0.0, ASSURED), 1.0, 0.0)
    assert moved(load_model().context, alone) is None
    assert moved(None, alone) is None


def test_a_fit_that_changes_nothing_leaves_the_surroundings_as_they_were() -> None:
    context = load_model().context
    assert context is not None
    same = moved(context, Fitted(0.0, 1.0, 0.0, Chosen(0.0, ASSURED), 1.0, 0.0, Chosen(0.0, ASSURED)))
    assert same is not None
    assert same.weights == pytest.approx(context.weights)
    assert (same.offset, same.prior) == pytest.approx((context.offset, context.prior))


def test_how_a_threshold_was_chosen_is_said_in_words() -> None:
    found = Fitted(0.0, 1.0, 0.0, Chosen(0.0, ASSURED, lower=0.951), 1.0, 0.0)
    assert in_words(found, Rule()) == "recall of 0.95 on patients to come with assurance 0.9 (lower bound here 0.951)"
    plain = Fitted(0.0, 1.0, 0.0, Chosen(0.0, PLAIN, "too few"), 1.0, 0.0)
    assert in_words(plain, Rule()).endswith("on others half of the time: too few")
