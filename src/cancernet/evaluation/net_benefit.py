"""Decision curves: what acting on the calls is worth, against calling every patch malignant and calling none.

A threshold probability t says how a missed cancer is weighed against a false alarm: whoever acts from t on holds one
true call worth (1 - t) / t false ones. Net benefit counts both in one number, in true calls a patch:

    TP / n - FP / n * t / (1 - t)

Source: Vickers & Elkin 2006, "Decision curve analysis", Medical Decision Making 26:565-574.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cancernet.common import defaults
from cancernet.evaluation.bootstrap import CHUNK_CELLS, interval, multiplicities, units
from cancernet.evaluation.ranking import Floats, checked, finite, ratio

if TYPE_CHECKING:  # SciPy is asked for where it is used
    from scipy.sparse import csr_array

# Every second percent: a curve drawn over these cannot be told from one over all, and the file is half as long.
THRESHOLDS = tuple(np.round(np.arange(0.02, 1.0, 0.02), 2).tolist())


def decision_curve(
    predictions: pd.DataFrame,
    *,
    prevalence: float | None = None,
    samples: int = defaults.BOOTSTRAP_SAMPLES,
    seed: int = defaults.SEED,
) -> dict[str, Any]:
    """Net benefit over `THRESHOLDS`, with intervals over patients.

    Args:
        predictions: columns path, patient, label, probability; one row a patch.
        prevalence: share of malignant patches to weigh the classes to, with probabilities that were restated for it; by
            default as they are here.
        samples: resamples of the patients.
        seed: of the resampling.

    Returns:
        plain JSON, lists of one entry a threshold: threshold, net_benefit, low, high; call_all, the net benefit of
        calling every patch malignant (that of calling none is 0); advantage, advantage_low, advantage_high: net benefit
        less that of the better of the two, which is drawn with it. And better: the ranges [from, to] of thresholds at
        which the whole interval of the advantage lies above 0; prevalence. None where undefined.

    Raises:
        ValueError: no rows, or labels or scores that make no sense.
    """
    label, probability = checked(predictions["label"], predictions["probability"])
    if not label.size:
        raise ValueError("no predictions to draw a decision curve of")
    unit, n_units = units(predictions)
    counts = _counts(label, probability, unit, n_units)
    whole = _statistics(np.asarray(counts.sum(axis=0))[None, :], prevalence)
    chunk = max(1, CHUNK_CELLS // n_units)  # of patches of unknown patients there may be many
    drawn = [_statistics((counts.T @ rows.T).T, prevalence) for rows in multiplicities(n_units, samples, seed, chunk)]
    found: dict[str, Any] = {"threshold": list(THRESHOLDS)}
    for name, key in (("net_benefit", ""), ("advantage", "advantage_")):
        resampled = np.concatenate([part[name] for part in drawn] or [np.empty((0, len(THRESHOLDS)))])
        each = [interval(float(whole[name][0, k]), resampled[:, k], n_units) for k in range(len(THRESHOLDS))]
        found[name] = [finite(one.value) for one in each]
        found[f"{key}low"] = [finite(one.low) for one in each]
        found[f"{key}high"] = [finite(one.high) for one in each]
    found["call_all"] = [finite(value) for value in whole["call_all"][0]]
    return {**found, "better": ranges(found["advantage_low"]), "prevalence": float(whole["prevalence"][0, 0])}


def ranges(low: list[float | None]) -> list[list[float]]:
    """Return [from, to] of the runs of `THRESHOLDS` at which a lower end lies above 0.

    Example:
        >>> ranges([None, 0.1, 0.2, -0.1] + [0.0] * 45)
        [[0.04, 0.06]]
    """
    found: list[list[float]] = []
    inside = False
    for threshold, end in zip(THRESHOLDS, low, strict=True):
        above = end is not None and end > 0
        if above and inside:
            found[-1][1] = threshold
        elif above:
            found.append([threshold, threshold])
        inside = above
    return found


def _counts(label: np.ndarray, probability: Floats, unit: np.ndarray, n_units: int) -> csr_array:
    """Count patches by unit, class and how many thresholds they reach: (n_units, 2 * (K + 1)), benign first."""
    from scipy.sparse import csr_array

    reached = np.searchsorted(THRESHOLDS, probability, side="right")  # called malignant at or above a threshold
    column = label * (len(THRESHOLDS) + 1) + reached
    shape = (n_units, 2 * (len(THRESHOLDS) + 1))
    return csr_array((np.ones(label.size), (unit, column)), shape=shape)


def _statistics(counts: Floats, prevalence: float | None) -> Mapping[str, Floats]:
    """Net benefits (B, K) of counts (B, 2 * (K + 1)) under as many sets of weights."""
    size = len(THRESHOLDS) + 1
    # From the back: those that reach this threshold or a higher one.
    false, true = (np.cumsum(half[:, ::-1], axis=1)[:, ::-1] for half in (counts[:, :size], counts[:, size:]))
    benign, malignant = false[:, :1], true[:, :1]
    share = malignant / (benign + malignant) if prevalence is None else np.full_like(benign, prevalence)
    # A class that is not there weighs nothing where the share is its own; at a stated one, nothing can be said.
    recall, alarms = ratio(true[:, 1:], malignant), ratio(false[:, 1:], benign)
    if prevalence is None:
        recall, alarms = np.nan_to_num(recall), np.nan_to_num(alarms)
    odds = np.array(THRESHOLDS) / (1 - np.array(THRESHOLDS))
    benefit = recall * share - alarms * (1 - share) * odds
    every = share - (1 - share) * odds
    return {"net_benefit": benefit, "call_all": every, "advantage": benefit - np.maximum(every, 0), "prevalence": share}
