"""Options of a run are the defaults in one place."""

from __future__ import annotations

import dataclasses

import pytest

from cancernet.common import defaults
from cancernet.training.options import TrainingOptions


def test_the_defaults_are_those_of_the_project() -> None:
    options = TrainingOptions()
    assert options.seed == defaults.SEED
    assert options.max_per_patient == defaults.MAX_PER_PATIENT
    assert options.target_recall == defaults.TARGET_RECALL
    assert (options.epochs, options.limit, options.threads) == (0, 0, 0)


def test_weights_are_imagenet_unless_asked_otherwise() -> None:
    assert TrainingOptions().weights == "imagenet"


def test_they_cannot_be_changed_in_passing() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainingOptions().seed = 2  # type: ignore[misc]
