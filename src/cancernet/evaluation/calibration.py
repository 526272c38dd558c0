"""Whether a stated probability can be read as one."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cancernet import defaults
from cancernet.evaluation.metrics import bin_of
from cancernet.evaluation.ranking import checked, ratio


def reliability(
    label: ArrayLike, probability: ArrayLike, bins: int = defaults.CALIBRATION_BINS
) -> pd.DataFrame:
    """The reliability diagram as a table: stated against observed, in equal-width bins.

    Args:
        label: (N,) of 0 and 1.
        probability: (N,) in [0, 1].
        bins: how many.

    Returns:
        one row a bin, empty bins too: low, high (edges), n, mean_probability, fraction_malignant (NaN
        where empty).

    Raises:
        ValueError: shapes, labels or scores that make no sense.

    Source: Guo et al. 2017, section 2.
    """
    labels, scores = checked(label, probability)
    member = bin_of(scores, bins)
    n = np.bincount(member, minlength=bins)
    edges = np.arange(bins + 1) / bins
    return pd.DataFrame(
        {
            "low": edges[:-1],
            "high": edges[1:],
            "n": n,
            "mean_probability": ratio(np.bincount(member, weights=scores, minlength=bins), n),
            "fraction_malignant": ratio(np.bincount(member, weights=labels, minlength=bins), n),
        }
    )
