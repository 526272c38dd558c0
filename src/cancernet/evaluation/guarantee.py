"""A threshold whose mean miss rate a patient is at most alpha on patients to come: conformal risk control.

What is held is an expectation, over the patients at hand and the next one: the share of her malignant patches that is
missed is at most alpha on average. It assumes that patients are exchangeable and nothing else - neither how alike their
patches are nor what the scores are like.

Source: Angelopoulos, Bates, Fisch, Lei & Schuster 2024, "Conformal risk control", theorem 1 (ICLR).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cancernet.common.errors import UserError


@dataclass(frozen=True)
class Guarantee:
    """A threshold, or why there is none.

    Attributes:
        threshold: in the scores' own unit, malignant at or above it; NaN where there is none.
        reason: why there is none; "" where there is one.
        alpha: mean miss rate a patient that is held.
        miss: mean miss rate of the patients at hand there; NaN where there is none.
        n_patients: with a malignant patch.
    """

    threshold: float
    reason: str
    alpha: float
    miss: float
    n_patients: int


def risk_threshold(patient: ArrayLike, label: ArrayLike, score: ArrayLike, *, alpha: float) -> Guarantee:
    """Return the largest threshold whose expected miss rate a patient is at most alpha, or why there is none.

    Args:
        patient: (N,) names, all known.
        label: (N,) of 0 and 1; benign patches do not matter.
        score: (N,) probability of malignant, or its log odds.
        alpha: in (0, 1).

    Raises:
        UserError: alpha out of range, or a patient that is not known.

    Example:
        >>> risk_threshold(["a", "b"], [1, 1], [0.9, 0.8], alpha=0.05).reason[:27]
        '2 patients with tumour: a m'
    """
    if not 0 < alpha < 1:
        raise UserError(f"--guarantee {alpha:g}: give a mean miss rate between 0 and 1, such as 0.05")
    malignant = np.asarray(label) == 1
    names, scores = np.asarray(patient)[malignant].astype(str), np.asarray(score, np.float64)[malignant]
    if (names == "").any():
        raise UserError("a guarantee for other patients needs the patient of every patch; some here have none")
    _, code, size = np.unique(names, return_inverse=True, return_counts=True)
    n = len(size)
    least = int(np.ceil(1 / alpha - 1 - 1e-9))
    if n < least:
        why = (
            f"{n} patients with tumour: a mean miss rate of {alpha:g} needs {least} at least, even where none is missed"
        )
        return Guarantee(np.nan, why, alpha, np.nan, n)
    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    missed = np.concatenate([[0.0], np.cumsum(1 / size[code[order]])])  # summed over patients, of those below each
    first = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))  # a threshold there misses what comes before
    held = missed[first] <= (n + 1) * alpha - 1 + 1e-9
    at = first[np.flatnonzero(held)[-1]]  # the first always holds; the miss rate only grows
    return Guarantee(float(ranked[at]), "", alpha, float(missed[at] / n), n)
