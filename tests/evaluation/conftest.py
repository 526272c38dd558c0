"""Predictions of a made-up model on made-up patients, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

# A busy machine is slow now and then; that is no fault of the code under test.
settings.register_profile("busy machine", deadline=None)
settings.load_profile("busy machine")


def draw_predictions(
    *,
    patients: int = 20,
    patches: int = 40,
    signal: float = 1.5,
    patient_spread: float = 0.0,
    prevalence: float = 0.3,
    split: str = "test",
    seed: int = 0,
) -> pd.DataFrame:
    """Patients with `patches` patches each; `patient_spread` shifts all scores of one patient together."""
    generator = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), patches)
    label = (generator.random(patient.size) < prevalence).astype(int)
    shift = generator.normal(0, patient_spread, patients)[patient]
    logit = generator.normal(0, 1, patient.size) + signal * (label - 0.5) + shift
    column = np.tile(np.arange(patches), patients)
    return pd.DataFrame(
        {
            "path": [f"{split}{p}/{y}/{x}.png" for p, y, x in zip(patient, label, column, strict=True)],
            "patient": [f"{split}{p}" for p in patient],
            "x": 1 + 50 * column,
            "y": 1,
            "label": label,
            "probability": 1 / (1 + np.exp(-logit)),
            "split": split,
        }
    )


@pytest.fixture
def make_predictions() -> Callable[..., pd.DataFrame]:
    return draw_predictions
