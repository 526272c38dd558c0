"""The numbers of a run as words and rows: what the HTML report prints, worked out before the template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cancernet.evaluation.results import FLOOR, RunResults, Shown, chosen, floor, random_weights, shown, target_recall

# key in metrics, heading, what it says, whether it belongs to a threshold
COLUMNS = (
    ("auc", "AUC", "how well malignant patches rank above benign ones; 0.5 is chance", False),
    ("average_precision", "Average precision", "area under precision against recall; chance is prevalence", False),
    ("recall", "Recall", "share of malignant patches found (sensitivity)", True),
    ("specificity", "Specificity", "share of benign patches called benign", True),
    ("precision", "Precision", "share of malignant calls that are malignant", True),
    ("f1", "F1 malignant", "harmonic mean of precision and recall of the malignant class", True),
    (
        "f1_weighted",
        "F1 weighted",
        "F1 of both classes by their size; higher than malignant F1, not to be confused",
        True,
    ),
    ("balanced_accuracy", "Balanced accuracy", "mean of recall and specificity", True),
    ("accuracy", "Accuracy", "share called rightly; flattering where one class is rare", True),
    ("brier", "Brier", "mean squared error of the probabilities; lower is better", False),
    ("ece", "Calibration error", "expected gap between stated and observed probability; lower is better", False),
)
POINT_NAMES = {"target_recall": "target recall", "default": "0.5", "best_f1": "best F1"}
ANSWERED = {  # of answers with some left unsure
    "coverage": "Answered",
    "recall": "Recall of those",
    "recall_missed": "Recall, unsure as missed",
    "recall_found": "Recall, unsure as found",
    "specificity": "Specificity of those",
    "error": "Wrong of those",
}
QUARANTINE_ROWS = 30  # listed one by one; the rest is counted by reason


def interval(metric: Mapping[str, float | None] | None, digits: int = 3) -> tuple[str, str]:
    """Return a metric and its interval as text, ("0.912", "0.894-0.930"); ("n/a", "") where undefined."""
    if metric is None or metric["value"] is None:
        return "n/a", ""
    value = f"{metric['value']:.{digits}f}"
    if metric.get("low") is None or metric.get("high") is None:
        return value, ""
    return value, f"{metric['low']:.{digits}f}–{metric['high']:.{digits}f}"


def joined(metric: Mapping[str, float | None] | None) -> str:
    """Return a metric and its interval as one text, "0.912 (0.894–0.930)"."""
    value, between = interval(metric)
    return f"{value} ({between})" if between else value


def percent(metric: Mapping[str, float | None]) -> tuple[str, str]:
    """Return a metric and its interval in percent, ("95 %", "92 to 97 %"); ("n/a", "") where undefined."""
    value, low, high = (metric.get(key) for key in ("value", "low", "high"))
    if value is None:
        return "n/a", ""
    if low is None or high is None:
        return f"{100 * value:.0f} %", ""
    return f"{100 * value:.0f} %", f"{100 * low:.0f} to {100 * high:.0f} %"


def comparison(results: RunResults) -> list[dict[str, Any]]:
    """Return a row a model, floor last: its name, cells [(value, interval)] by `COLUMNS`, and flags."""
    return [
        {
            "model": entry.model,
            "cells": [_cell(entry, key, at_threshold) for key, _, _, at_threshold in COLUMNS],
            "minutes": f"{results.minutes[entry.model]:.1f}" if entry.model in results.minutes else "",
            "weights": results.weights.get(entry.model, ""),
            "below": entry.model in results.below_floor,
            "is_floor": entry.model == FLOOR,
        }
        for entry in shown(results)
    ]


def operating_points(entry: Shown) -> list[dict[str, Any]]:
    """Return a row a threshold of one model: name, threshold, cells of the metrics that depend on it."""
    return [
        {
            "name": POINT_NAMES.get(name, name),
            "threshold": f"{point['threshold']:.3g}",
            "cells": [interval(point[key]) for key, _, _, at_threshold in COLUMNS if at_threshold],
        }
        for name, point in entry.numbers["operating_points"].items()
    ]


def abstaining(numbers: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row a way to leave patches unsure: name, and cells by `ANSWERED`.

    First what cannot be judged alone, then with bands of abstention; a metric of results made before there was one is
    left empty.
    """
    ways = [("what cannot be judged", numbers["unsure"])] if numbers.get("unsure") else []
    ways += [
        (f"and {found['target']:.0%}" if ways else f"{found['target']:.0%}", found)
        for found in numbers.get("selective", [])
    ]
    return [{"name": name, "cells": [interval(found.get(key)) for key in ANSWERED]} for name, found in ways]


def unsure(numbers: Mapping[str, Any]) -> str:
    """Say how many patches cannot be judged and why; "" where there are none."""
    found = numbers.get("unsure") or {"n": 0}
    if not found["n"]:
        return ""
    reasons = "; ".join(f"{n:,} {reason}" for reason, n in found["reasons"].items())
    return f"{found['n']:,} of {numbers['n_patches']:,} patches cannot be judged: {reasons}"


def headline(results: RunResults) -> dict[str, Any]:
    """Return what the top of the report says of the model chosen, and how it compares with the floor."""
    entry, why = chosen(results)
    below = floor(results)
    return {
        "model": entry.model,
        "why": why,
        "of": len(shown(results)) - (below is not None),
        "split": entry.split,
        "recall": percent(entry.headline["recall"]),
        "specificity": percent(entry.headline["specificity"]),
        "auc": interval(entry.numbers["auc"]),
        "floor_auc": interval(below.numbers["auc"]) if below else None,
        "below_floor": entry.model in results.below_floor,
        "threshold": f"{entry.headline['threshold']:.3g}",
        "unit": entry.numbers.get("bootstrap", {}).get("unit", "patient"),
        "missed_target": _missed(entry, target_recall(results)),
    }


def banners(results: RunResults) -> list[tuple[str, str]]:
    """Return what must be read before any number: (title, sentence) each, loudest first."""
    found = []
    if results.synthetic:
        found.append((
            "Synthetic data: not evidence",
            "Every patch was drawn by a program. Nothing here says anything about tissue or about how well "
            "a model would do on it.",
        ))  # fmt: skip
    if results.shortened:
        found.append((
            "Quick run: not a result",
            f"What stands here is of {results.shortened}. It says whether the data can be learned from; run it in full "
            "before any number is told.",
        ))  # fmt: skip
    if not results.patient_safe:
        found.append((
            "Not split by patient: scores are too high",
            "Patches of the same patient were trained on and tested on. Expect clearly lower numbers on new "
            "patients; do not report these.",
        ))  # fmt: skip
    unfit = random_weights(results)
    if unfit:
        found.append((
            "Random weights: " + ", ".join(unfit),
            "The pretrained (ImageNet) weights could not be had or were not asked for, so transfer learning "
            "was not tested. Give them with --weights to test it.",
        ))  # fmt: skip
    if results.below_floor:
        found.append((
            "Not above the colour floor: " + ", ".join(results.below_floor),
            "A logistic regression on colour alone does as well or better. What such a network has learned "
            "may be no more than the stain.",
        ))  # fmt: skip
    return found


def quarantine(results: RunResults) -> dict[str, Any]:
    """Return the files left out: total, counts [(reason, n)] by kind, and the first rows [(path, reason)]."""
    table = results.data.get("quarantined")
    if table is None:
        table = pd.DataFrame({"path": [], "reason": []})
    kinds = table["reason"].astype(str).str.replace(r"(duplicate) of .*", r"\1", regex=True)
    rows = table.head(QUARANTINE_ROWS)
    return {
        "total": len(table),
        "counts": [(str(kind), int(n)) for kind, n in kinds.value_counts().items()],
        "rows": list(zip(rows["path"].astype(str), rows["reason"].astype(str), strict=True)),
        "more": len(table) - len(rows),
    }


def mistakes(results: RunResults) -> list[tuple[str, ...]]:
    """Return the most confident errors as rows: kind, patient, probability, path."""
    if results.mistakes is None:
        return []
    return [
        (row["kind"], str(row["patient"]), f"{row['probability']:.3f}", str(row["path"]))
        for row in results.mistakes.table.to_dict("records")
    ]


def facts(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return a nested dictionary as (name, text) rows; inner names follow the outer, as "versions, keras"."""
    rows: list[tuple[str, str]] = []
    for key, value in values.items():
        name = prefix + str(key).replace("_", " ")
        if isinstance(value, Mapping):
            rows += facts(value, f"{name}, ")
        elif isinstance(value, list | tuple):
            rows.append((name, ", ".join(str(item) for item in value)))
        else:
            rows.append((name, f"{value:.4g}" if isinstance(value, float) else str(value)))
    return rows


def _cell(entry: Shown, key: str, at_threshold: bool) -> tuple[str, str]:
    return interval((entry.headline if at_threshold else entry.numbers).get(key))


def _missed(entry: Shown, target: float) -> str:
    """Say that the recall aimed at was not reached on new patients, where the interval lies below it."""
    high = entry.headline["recall"]["high"]
    if high is None or high >= target:
        return ""
    return (
        f"The threshold was chosen for a recall of {target:.0%} on the validation patients, and that was not "
        "reached here: it did not carry over."
    )
