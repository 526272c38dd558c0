"""Two models on the same patches: the difference, with an interval over patients.

Two intervals that overlap do not show that two models are alike: both rise and fall with the same
easy and hard patients. Resampling the patients of both together removes what they share.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.evaluation.bootstrap import interval, replicate
from cancernet.evaluation.ranking import finite

RANKING = ("auc", "average_precision")
RATES = ("recall", "specificity", "balanced_accuracy")


def align(predictions_a: pd.DataFrame, predictions_b: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put both predictions in the order of their paths.

    Raises:
        UserError: a path twice, other paths on the two sides, or other labels or patients for one path.
    """
    sides = []
    for name, frame in (("first", predictions_a), ("second", predictions_b)):
        twice = frame.loc[frame["path"].duplicated(), "path"]
        if len(twice):
            raise UserError(f"the {name} predictions hold {twice.iloc[0]} more than once: keep one row a patch")
        sides.append(frame.sort_values("path", kind="stable").reset_index(drop=True))
    a, b = sides
    lone = set(a["path"]) ^ set(b["path"])
    if lone:
        raise UserError(
            f"the two models were run on different patches ({len(lone)} in one only, such as {min(lone)}): "
            "predict the same folder with both"
        )
    for column in ("label", "patient"):
        differ = a[column].astype(str) != b[column].astype(str)
        if differ.any():
            path = a.loc[differ, "path"].iloc[0]
            raise UserError(f"the two predictions disagree on the {column} of {path}: make them from the same data")
    return a, b


def paired_difference(
    predictions_a: pd.DataFrame,
    predictions_b: pd.DataFrame,
    thresholds_a: Mapping[str, float],
    thresholds_b: Mapping[str, float],
    *,
    samples: int = defaults.BOOTSTRAP_SAMPLES,
    seed: int = defaults.SEED,
) -> dict[str, Any]:
    """Model b minus model a, each at its own thresholds, on the same resamples of patients.

    Args:
        predictions_a: columns path, patient, label, probability; rows in any order.
        predictions_b: the same patches scored by the other model.
        thresholds_a: operating point -> threshold of model a.
        thresholds_b: the same of model b; points that only one model has are left out.
        samples: resamples of the patients.
        seed: of the resampling.

    Returns:
        plain JSON: {"n_patches", "n_units", "auc", "average_precision", "operating_points": {point:
        {"recall", "specificity", "balanced_accuracy"}}}; each entry {"a", "b", "value" (b - a), "low",
        "high"}, None where undefined. An interval that excludes 0 tells the models apart.

    Raises:
        UserError: the paths, labels or patients of the two differ; or there are none.

    Source: paired cluster bootstrap; Efron & Tibshirani 1993, chapter 8, for pairs.
    """
    a, b = align(predictions_a, predictions_b)
    if a.empty:
        raise UserError("there are no predictions to compare: give two files with at least one patch")
    points = [name for name in thresholds_a if name in thresholds_b]
    # The draw depends on the patients and the seed alone, so both models see the same resamples.
    one = replicate(a, {name: thresholds_a[name] for name in points}, samples=samples, seed=seed)
    two = replicate(b, {name: thresholds_b[name] for name in points}, samples=samples, seed=seed)

    def difference(name: str) -> dict[str, float | None]:
        gap = interval(two.value[name] - one.value[name], two.resampled[name] - one.resampled[name], one.n_units)
        return {"a": finite(one.value[name]), "b": finite(two.value[name]), **gap.to_dict()}

    return {
        "n_patches": len(a),
        "n_units": one.n_units,
        **{name: difference(name) for name in RANKING},
        "operating_points": {point: {rate: difference(f"{rate}@{point}") for rate in RATES} for point in points},
    }
