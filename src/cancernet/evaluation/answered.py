"""What a model with a band of abstention answers, and how well: coverage, recall, specificity, error."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cancernet.common import defaults
from cancernet.evaluation.bootstrap import CHUNK_CELLS, Interval, interval, multiplicities, units
from cancernet.evaluation.metrics import rates
from cancernet.evaluation.ranking import Floats, checked, ratio
from cancernet.model.decide import UNSURE, decide

CELLS = 6  # columns counted by patient: unsure benign, unsure malignant, then those answered as tn, fp, fn, tp


def answered(
    predictions: pd.DataFrame,
    threshold: float,
    *,
    width: float = 0.0,
    samples: int = defaults.BOOTSTRAP_SAMPLES,
    seed: int = defaults.SEED,
) -> dict[str, Interval]:
    """Measure a model that answers only what it can: how much is left unsure, and what that does to the rates.

    Args:
        predictions: columns path, patient, label, probability; one row a patch. Where there is a column reason, a patch
            with one is unsure.
        threshold: malignant at or above it.
        width: log odds about the threshold within which a patch is unsure too, of a band fitted on other patients.
        samples: resamples of the patients.
        seed: of the resampling.

    Returns:
        coverage (share of patches answered); recall, specificity and error among the answered; and recall_missed and
        recall_found, of all malignant patches, the unsure counted as missed and as found.

    Raises:
        ValueError: labels or scores that make no sense, or no rows.
    """
    label, probability = checked(predictions["label"], predictions["probability"])
    if not label.size:
        raise ValueError("no predictions to measure answers on")
    unit, n_units = units(predictions)
    answer = decide(probability, threshold, width=width)
    if "reason" in predictions:
        answer[(predictions["reason"] != "").to_numpy()] = UNSURE
    cell = np.where(answer == UNSURE, label, 2 + 2 * label + answer)
    counts = np.bincount(unit * CELLS + cell, minlength=n_units * CELLS).reshape(n_units, CELLS).astype(float)
    whole = _statistics(counts.sum(axis=0, keepdims=True))
    chunk = max(1, CHUNK_CELLS // n_units)  # of patches of unknown patients there may be many
    drawn = _statistics(np.concatenate([rows @ counts for rows in multiplicities(n_units, samples, seed, chunk)]))
    return {name: interval(float(whole[name][0]), drawn[name], n_units) for name in whole}


def _statistics(counts: Floats) -> dict[str, Floats]:
    """The six statistics (B,) of counts (B, CELLS)."""
    benign, malignant, tn, fp, fn, tp = counts.T
    found = rates(tn, fp, fn, tp)
    n_answered = tn + fp + fn + tp
    return {
        "coverage": ratio(n_answered, n_answered + benign + malignant),
        "recall": found["recall"],
        "recall_missed": ratio(tp, tp + fn + malignant),
        "recall_found": ratio(tp + malignant, tp + fn + malignant),
        "specificity": found["specificity"],
        "error": ratio(fp + fn, n_answered),
    }
