"""What a model with a band of abstention answers, and how well: coverage, recall, specificity, error."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cancernet.common import defaults
from cancernet.evaluation.bootstrap import Interval, interval, multiplicities, units
from cancernet.evaluation.metrics import rates
from cancernet.evaluation.ranking import Floats, checked, ratio
from cancernet.model.decide import UNSURE, decide
from cancernet.model.manifest import Band

CELLS = 5  # columns counted by patient: all patches, then those answered as tn, fp, fn, tp


def answered(
    predictions: pd.DataFrame, band: Band, *, samples: int = defaults.BOOTSTRAP_SAMPLES, seed: int = defaults.SEED
) -> dict[str, Interval]:
    """Measure a band of abstention on patients that did not fit it.

    Args:
        predictions: columns path, patient, label, probability; one row a patch.
        band: from `fit_selective`.
        samples: resamples of the patients.
        seed: of the resampling.

    Returns:
        coverage (share of patches answered), recall, specificity and error, the three among the answered.

    Raises:
        ValueError: labels or scores that make no sense, or no rows.
    """
    label, probability = checked(predictions["label"], predictions["probability"])
    if not label.size:
        raise ValueError("no predictions to measure a band of abstention on")
    unit, n_units = units(predictions)
    answer = decide(probability, band.threshold, width=band.width)
    cell = np.where(answer == UNSURE, 0, 1 + 2 * label + answer)
    counts = np.bincount(unit * CELLS + cell, minlength=n_units * CELLS).reshape(n_units, CELLS).astype(float)
    counts[:, 0] += counts[:, 1:].sum(axis=1)
    whole = _statistics(counts.sum(axis=0, keepdims=True))
    drawn = _statistics(np.concatenate(list(multiplicities(n_units, samples, seed, samples))) @ counts)
    return {name: interval(float(whole[name][0]), drawn[name], n_units) for name in whole}


def _statistics(counts: Floats) -> dict[str, Floats]:
    """The four statistics (B,) of counts (B, CELLS)."""
    tn, fp, fn, tp = counts[:, 1:].T
    found = rates(tn, fp, fn, tp)
    n_answered = tn + fp + fn + tp
    return {
        "coverage": ratio(n_answered, counts[:, 0]),
        "recall": found["recall"],
        "specificity": found["specificity"],
        "error": ratio(fp + fn, n_answered),
    }
