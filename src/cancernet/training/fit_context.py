"""Learn how much of its surroundings a patch is to take in, on patients that the network did not learn from.

A wide Gaussian sees more and drowns small tumours. So patients with few patches weigh nearly as much as whole sections,
and the width is the one whose fit predicts patients left out best.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GroupKFold

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.context.smooth import MIN_PATCHES, Odds, surroundings
from cancernet.evaluation.operating_points import choose_thresholds
from cancernet.evaluation.scoring import sections_of
from cancernet.model.decide import logit, sigmoid
from cancernet.model.manifest import Context
from cancernet.training.batches import patient_weights

SIGMAS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0)  # patches; the widths to choose from
MIN_PATIENTS = 8  # with fewer, one section would decide
FOLDS = 5


class Sections(NamedTuple):
    """Patches of patients with enough of them in known places, all columns (N,)."""

    patient: NDArray[np.object_]
    section: NDArray[np.object_]
    x: NDArray[np.int64]
    y: NDArray[np.int64]
    label: NDArray[np.int64]
    odds: Odds


def fit_context(
    predictions: pd.DataFrame, *, threshold: float, target_recall: float = defaults.TARGET_RECALL
) -> Context | None:
    """Choose the width of the Gaussian and fit the weights.

    Args:
        predictions: columns patient, x, y, label, probability, of patients the network did not learn from.
        threshold: of the model; what finds the target share of malignant patches among others is moved there.
        target_recall: that share.

    Returns:
        What `apply_context` takes, for the manifest; None with fewer than `MIN_PATIENTS`, or with one class.
    """
    found = sections(predictions)
    if len(np.unique(found.patient)) < MIN_PATIENTS or len(np.unique(found.label)) < 2:
        return None
    prior = float(np.mean([found.odds[found.patient == name].mean() for name in np.unique(found.patient)]))
    features = {sigma: features_of(found, sigma, prior) for sigma in SIGMAS}
    losses = {sigma: left_out_loss(found, features[sigma]) for sigma in SIGMAS}
    sigma = min(losses, key=losses.__getitem__)
    model = fit_weights(features[sigma], found.label, found.patient)
    odds = model.decision_function(features[sigma])
    scale, offset = through_threshold(found.label, odds, threshold, target_recall)
    own, near, whole = (scale * model.coef_[0]).tolist()
    return Context(
        method="surroundings",
        sigma_px=sigma * defaults.PATCH_SIZE,
        offset=float(scale * model.intercept_[0] + offset),
        weights=(own, near, whole),
        prior=prior,
        fitted_on={
            "n_patients": len(np.unique(found.patient)),
            "n_patches": len(found.label),
            "log_loss_by_sigma_patches": {f"{key:g}": round(value, 5) for key, value in losses.items()},
        },
    )


def sections(predictions: pd.DataFrame) -> Sections:
    """Return the patches of sections with `MIN_PATCHES` or more in places on one grid.

    Args:
        predictions: columns patient, x, y, label, probability, and path, whose name may state one of several slides of
            a patient; x and y may be missing.
    """
    known = predictions[predictions["x"].notna() & predictions["y"].notna() & (predictions["patient"] != "")]
    kept = []
    for _, rows in known.groupby(np.array(sections_of(known), object), sort=True):
        place = rows["x"].to_numpy(np.int64), rows["y"].to_numpy(np.int64)
        try:
            surroundings(*place, np.zeros(len(rows)), sigma_px=1.0, prior=0.0)
        except UserError:
            continue  # places of two sections, or on no grid
        if len(rows) >= MIN_PATCHES:
            kept.append(rows)
    rows = pd.concat([known.head(0), *kept])
    return Sections(
        rows["patient"].to_numpy(object),
        np.array(sections_of(rows), object),
        rows["x"].to_numpy(np.int64),
        rows["y"].to_numpy(np.int64),
        rows["label"].to_numpy(np.int64),
        logit(rows["probability"]),
    )


def features_of(found: Sections, sigma: float, prior: float) -> Odds:
    """Return own log odds, mean of the neighbours' and mean of the section's: float64 (N, 3)."""
    features = np.empty((len(found.odds), 3))
    features[:, 0] = found.odds
    for name in np.unique(found.section):
        rows = found.section == name
        features[rows, 1:] = np.column_stack(
            surroundings(
                found.x[rows], found.y[rows], found.odds[rows], sigma_px=sigma * defaults.PATCH_SIZE, prior=prior
            )
        )
    return features


def fit_weights(features: Odds, label: NDArray[np.int64], patient: NDArray[np.object_]) -> LogisticRegression:
    """Fit a logistic regression in which a patient with n patches weighs sqrt(n)."""
    return LogisticRegression(max_iter=1000).fit(features, label, sample_weight=patient_weights(patient))


def left_out_loss(found: Sections, features: Odds) -> float:
    """Return the log loss on patients left out in turn."""
    weight = patient_weights(found.patient)
    probability = np.empty(len(found.label))
    for fitted, held in GroupKFold(FOLDS).split(features, found.label, found.patient):
        if len(np.unique(found.label[fitted])) < 2:
            return np.inf
        model = fit_weights(features[fitted], found.label[fitted], found.patient[fitted])
        probability[held] = model.predict_proba(features[held])[:, 1]
    return float(log_loss(found.label, probability, sample_weight=weight))


def through_threshold(
    label: NDArray[np.int64], odds: Odds, threshold: float, target_recall: float
) -> tuple[float, float]:
    """Return scale and offset of log odds that leave them as well calibrated as they can be and yet reach the target.

    What finds the target share of the malignant patches is moved to the threshold of the model, so that one threshold
    holds for patches by themselves and among others; the scale about that point is the most likely one.
    """
    reach = float(logit(choose_thresholds(label, sigmoid(odds), target_recall=target_recall)["target_recall"]))
    goal = float(logit(threshold))
    signed = np.where(label == 1, 1.0, -1.0)

    def loss(scale: float) -> float:
        return float(np.logaddexp(0.0, -signed * (scale * (odds - reach) + goal)).mean())

    scale = float(minimize_scalar(loss, bounds=(0.05, 20.0), method="bounded").x)
    return scale, goal - scale * reach
