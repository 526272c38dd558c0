"""Print what a cross-fitted model's predictions out of fold say of it: a Markdown row for it and one for the floor.

Call it as `python benchmarks/cross_table.py models/cancernet`.

Every patient is scored by a network that never saw it, and for each fold the threshold and the calibration are
chosen on the other folds. Where the recipe itself was chosen on some of the folds, `--folds` reports the others alone.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from cancernet.evaluation import (
    Interval,
    apply_platt,
    choose_thresholds,
    fit_platt,
    paired_difference,
    patient_bootstrap,
)
from cancernet.model.decide import logit
from cancernet.model.model import load_model
from cancernet.training.finish import HELD

HEADINGS = (
    "AUC",
    "average precision",
    "recall",
    "specificity",
    "balanced accuracy",
    "F1 malignant",
    "F1 weighted",
    "ECE",
)
RATES = ("recall", "specificity", "balanced_accuracy", "f1", "f1_weighted")
POINTS = ("target_recall", "best_f1")


def nested(rows: pd.DataFrame, score: str, point: str, target: float, told: np.ndarray) -> dict[str, Interval]:
    """Every metric of the rows told, threshold and calibration of each fold chosen on all the others."""
    decided, calibrated = np.empty(len(rows)), np.empty(len(rows))
    for fold in rows["fold"].unique():
        held = (rows["fold"] == fold).to_numpy()
        others = rows.loc[~held, "label"], rows.loc[~held, score]
        threshold = choose_thresholds(*others, target_recall=target)[point]
        decided[held] = apply_platt(rows.loc[held, score], 1.0, -float(logit(threshold)))  # called at 0.5
        calibrated[held] = apply_platt(rows.loc[held, score], *fit_platt(*others))
    ranked = patient_bootstrap(rows.assign(probability=rows[score])[told])
    called = patient_bootstrap(rows.assign(probability=decided)[told], {point: 0.5 - 1e-9})
    stated = patient_bootstrap(rows.assign(probability=calibrated)[told])
    return {
        "auc": ranked["auc"],
        "average_precision": ranked["average_precision"],
        **{name: called[f"{name}@{point}"] for name in RATES},
        "ece": stated["ece"],
    }


def main() -> None:
    """Print the table of the bundle named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--folds", type=int, nargs="*", help="report these alone, from 1 [default: all]")
    options = parser.parse_args()
    folder = options.model
    model = load_model(folder)
    rows = pd.read_csv(folder / HELD, dtype={"patient": "str", "path": "str"})
    told = rows["fold"].isin(options.folds or rows["fold"].unique()).to_numpy()
    shown = rows[told]
    print(
        f"{len(shown):,} patches of {shown['patient'].nunique()} patients, {shown['label'].mean():.1%} malignant, "
        f"{shown['fold'].nunique()} folds.\n"
    )
    print(f"| model | threshold for | {' | '.join(HEADINGS)} |")
    print("| --- | --- |" + " --- |" * len(HEADINGS))
    for name, score in ((model.name, "probability"), ("colour floor", "floor")):
        for point in POINTS:
            found = nested(rows, score, point, model.manifest.target_recall, told)
            cells = [f"{value.value:.3f} ({value.low:.3f}-{value.high:.3f})" for value in found.values()]
            print(f"| {name} | {point.replace('_', ' ')} | {' | '.join(cells)} |")
    apart = paired_difference(shown.assign(probability=shown["floor"]), shown, {}, {})["auc"]
    print(
        f"\nAgainst the floor, paired by patient: AUC {apart['value']:+.3f} "
        f"({apart['low']:+.3f} to {apart['high']:+.3f})."
    )


if __name__ == "__main__":
    main()
