"""One model's numbers on every split of its predictions, as plain JSON data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.evaluation import metrics
from cancernet.evaluation.answered import answered
from cancernet.evaluation.bootstrap import PLAIN_METRICS, Replicates, intervals, patient_names, replicate
from cancernet.evaluation.distribution import distribution
from cancernet.evaluation.net_benefit import decision_curve
from cancernet.evaluation.operating_points import OPERATING_POINTS
from cancernet.evaluation.per_patient import per_patient, worst
from cancernet.evaluation.prevalence import PREVALENCES, Restating, over_prevalences
from cancernet.evaluation.ranking import finite
from cancernet.model.judge import kind_of
from cancernet.model.manifest import Band

SPLIT_ORDER = ("test", "val", "train")  # the split to read comes first; any other follows by name
COLUMNS = ("path", "patient", "label", "probability", "split")
CELLS = ("tn", "fp", "fn", "tp")  # of a confusion matrix
N_WORST = 5  # patients named in the report


def join_labels(predictions: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Give predictions the labels of `table`, by path and never by position.

    A generator that shuffles hands its predictions back in another order than its labels: scored by
    position, a good model then looks like chance. Joined by path, order does not matter.

    Args:
        predictions: columns path, probability; any order.
        table: columns path, label and whichever of patient, x, y, split are there; rows without a
            prediction are left out.

    Returns:
        the rows of `predictions` in their order, with the columns of `table`.

    Raises:
        UserError: a path twice on either side, or predictions that `table` does not know.
    """
    for name, frame in (("predictions", predictions), ("table of patches", table)):
        twice = frame.loc[frame["path"].duplicated(), "path"]
        if len(twice):
            raise UserError(f"the {name} hold {twice.iloc[0]} more than once: keep one row a patch")
    lost = ~predictions["path"].isin(table["path"])
    if lost.any():
        first = predictions.loc[lost, "path"].iloc[0]
        raise UserError(f"{int(lost.sum())} predictions have no patch, the first {first}: predict this folder again")
    columns = [name for name in ("path", "patient", "x", "y", "label", "split") if name in table]
    joined = predictions[["path", "probability"]].merge(table[columns], on="path", how="left", validate="1:1")
    wanted = ["path", "patient", "x", "y", "label", "probability", "split"]
    return joined[[name for name in wanted if name in joined]]


def evaluate(
    predictions: pd.DataFrame,
    thresholds: Mapping[str, float],
    *,
    model: str,
    bands: Sequence[Band] = (),
    restating: Restating | None = None,
    samples: int = defaults.BOOTSTRAP_SAMPLES,
    seed: int = defaults.SEED,
) -> dict[str, Any]:
    """Evaluate one model on every split present.

    Args:
        predictions: columns path, patient, label, probability, split; one row a patch. Rows of split ""
            (in no split) are left out. Where there is a column reason, it says why a patch cannot be judged.
        thresholds: operating point -> threshold, chosen on validation patients before.
        model: its name.
        bands: of abstention, from `fit_selective` on validation patients before.
        restating: of the probabilities for another share of malignant patches; what it changes is reported apart.
        samples: resamples of the patients.
        seed: of the resampling.

    Returns:
        {"model", "splits": {split: {n_patches, n_patients, n_malignant, prevalence, auc,
        average_precision, brier, ece, operating_points, decision_curve, distribution, predictive_values, restated,
        per_patient, class_report, unsure, selective, bootstrap}}}, "test" first; each statistic {"value", "low",
        "high"}; None where undefined. `predictive_values` are of the first operating point. `unsure` has how many
        patches cannot be judged, why, and what leaving them does to the rates at the first operating point, which
        elsewhere count every patch by its probability; None without a column reason.

    Raises:
        UserError: columns missing, a path twice, no labelled rows, scores that are not finite.
    """
    missing = [name for name in COLUMNS if name not in predictions]
    if missing:
        raise UserError(f"the predictions of {model} lack the column {missing[0]!r}: make them again")
    if predictions["path"].duplicated().any():
        first = predictions.loc[predictions["path"].duplicated(), "path"].iloc[0]
        raise UserError(f"the predictions of {model} hold {first} more than once: keep one row a patch")
    unusable = int((~predictions["probability"].between(0, 1)).sum())
    if unusable:
        raise UserError(
            f"{unusable} predictions of {model} are not probabilities (NaN or outside 0-1): "
            "its training may have diverged; train it again with a lower learning rate"
        )
    present = [str(name) for name in predictions["split"].dropna().unique() if name]
    if not present:
        raise UserError(f"no prediction of {model} belongs to a split: nothing to evaluate")
    return {
        "model": model,
        "splits": {
            name: _one_split(
                predictions[predictions["split"] == name], thresholds, bands, restating, samples=samples, seed=seed
            )
            for name in _ordered(present, SPLIT_ORDER)
        },
    }


def _one_split(
    rows: pd.DataFrame,
    thresholds: Mapping[str, float],
    bands: Sequence[Band],
    restating: Restating | None,
    *,
    samples: int,
    seed: int,
) -> dict[str, Any]:
    points = {name: thresholds[name] for name in _ordered(thresholds, OPERATING_POINTS)}
    drawn = replicate(rows, thresholds, samples=samples, seed=seed)
    found, first = intervals(drawn), next(iter(points), None)
    patients = patient_names(rows)
    label, probability = rows["label"].to_numpy(), rows["probability"].to_numpy()
    return {
        "n_patches": len(rows),
        "n_patients": int(patients[patients != ""].nunique()),
        "n_malignant": int(label.sum()),
        "prevalence": float(label.mean()),
        **{name: found[name].to_dict() for name in PLAIN_METRICS},
        "operating_points": {
            point: {
                "threshold": float(at),
                **{name: found[f"{name}@{point}"].to_dict() for name in metrics.RATES},
                "confusion": dict(zip(CELLS, metrics.confusion(label, probability, at), strict=True)),
            }
            for point, at in points.items()
        },
        "decision_curve": decision_curve(rows, samples=samples, seed=seed),
        "distribution": distribution(label, probability),
        "predictive_values": over_prevalences(drawn, first, [*PREVALENCES, float(label.mean())]) if first else [],
        "restated": _restated(rows, drawn, points, restating, samples, seed) if restating and points else None,
        "per_patient": _patients(rows, points[first]) if first else None,
        "class_report": {point: metrics.class_report(label, probability, at) for point, at in points.items()},
        "unsure": _unsure(rows, points[first], samples, seed) if first and "reason" in rows else None,
        "selective": [
            {"target": band.target, **_answered(rows, band.threshold, band.width, samples, seed)} for band in bands
        ],
        "bootstrap": {
            "unit": "patch" if (patients == "").any() else "patient",
            "samples": samples,
            "seed": seed,
            "confidence": defaults.CONFIDENCE,
            "skipped": max(entry.skipped for entry in found.values()),
        },
    }


def _restated(
    rows: pd.DataFrame, drawn: Replicates, points: Mapping[str, float], restating: Restating, samples: int, seed: int
) -> dict[str, Any]:
    """What restating probabilities for another prevalence changes; the calls at each threshold stay as they are."""
    point = next(iter(points))
    restated = rows.assign(probability=restating(rows["probability"]))
    [values] = over_prevalences(drawn, point, [restating.prevalence])
    return {
        "stated_for": restating.stated_for,
        **values,
        "thresholds": {name: float(restating(at)) for name, at in points.items()},
        "decision_curve": decision_curve(restated, prevalence=restating.prevalence, samples=samples, seed=seed),
    }


def _unsure(rows: pd.DataFrame, threshold: float, samples: int, seed: int) -> dict[str, Any]:
    """How many patches cannot be judged, by reason, and the rates where they are left unsure."""
    reasons = rows.loc[rows["reason"] != "", "reason"].map(kind_of).value_counts()
    counted = {"n": int(reasons.sum()), "reasons": {str(reason): int(n) for reason, n in reasons.items()}}
    return {**counted, **_answered(rows, threshold, 0.0, samples, seed)}


def _answered(rows: pd.DataFrame, threshold: float, width: float, samples: int, seed: int) -> dict[str, Any]:
    found = answered(rows, threshold, width=width, samples=samples, seed=seed)
    return {name: each.to_dict() for name, each in found.items()}


def _patients(rows: pd.DataFrame, threshold: float) -> dict[str, Any]:
    """Median recall over patients and the worst named, at the headline operating point."""
    table = per_patient(rows, threshold)
    lowest = worst(table, N_WORST)
    return {
        "median_recall": finite(table["recall"].median()),
        "worst": lowest[["patient", "n_malignant", "recall"]].to_dict("records"),
    }


def _ordered(names: Iterable[str], first: Sequence[str]) -> list[str]:
    """Return names in the order of `first`, and those it lacks behind them, by name."""
    return sorted(names, key=lambda name: (first.index(name) if name in first else len(first), name))
