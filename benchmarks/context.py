"""Does what lies around a patch help? Patients in folds that chose nothing, and patients the model has never seen.

python benchmarks/context.py --held models/cancernet/out_of_fold.csv --new results/cancernet/predictions.csv

Takes predictions by networks that had not seen the patient: those of a cross-fit, of which each fold is judged with
threshold and context fitted on the others; and those of the model on its test patients, with the model's own. Prints
Markdown: all patients, by how many malignant patches a patient has, and each complete specimen.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from cancernet.context.smooth import by_patient
from cancernet.evaluation import choose_thresholds, paired_difference, patient_bootstrap
from cancernet.evaluation.metrics import auc
from cancernet.evaluation.scoring import places
from cancernet.model.decide import logit, sigmoid
from cancernet.model.model import load_model
from cancernet.training.fit_context import fit_context

COMPLETE = ("8863", "8865", "8867", "8913", "8914", "8917", "8950", "8955", "10253", "10254")
SIZES = ((1, 5), (6, 15), (16, 40), (41, 10_000))  # malignant patches of a patient
RATES = ("recall", "specificity", "balanced_accuracy", "f1", "ece")


def main() -> None:
    """Judge and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--held", type=Path, required=True, help="out_of_fold.csv of a cross-fit")
    parser.add_argument("--new", type=Path, required=True, help="predictions.csv of the test patients")
    parser.add_argument("--model", type=Path, help="folder; by default the one that ships")
    options = parser.parse_args()
    model = load_model(options.model)
    held = out_of_fold(pd.read_csv(options.held, dtype={"patient": "str"}), model.manifest.target_recall)
    new = pd.read_csv(options.new, dtype={"patient": "str"})
    new = new[new["split"] == "test"].assign(threshold=model.threshold)
    columns = ["patient", "label", "alone", "probability", "threshold"]
    print("| patients | | AUC | " + " | ".join(RATES) + " |\n| --- |" + " --- |" * (2 + len(RATES)))
    floor = held.assign(probability=held["floor"])
    colour = out_of_fold(floor.drop(columns=["alone", "threshold"]), model.manifest.target_recall)
    for name, rows in (("cross-validated", held), ("test", new), ("cross-validated, colour floor", colour)):
        for column in ("alone", "probability"):
            print(f"| {name}, {rows['patient'].nunique()} | {column} | {overall(rows, column)} |")
    for name, theirs in (("alone", "alone"), ("with its own surroundings", "probability")):
        gap = paired_difference(sided(colour, theirs), sided(held, "probability"), {}, {})["auc"]
        print(f"\nAgainst the floor {name}, by patient: {gap['value']:+.3f} ({gap['low']:+.3f} to {gap['high']:+.3f}).")
    both = pd.concat([held[columns], new[columns]])
    print(
        "\n| malignant patches of a patient | patients | recall alone | with surroundings |\n| --- | --- | --- | --- |"
    )
    malignant = both[both["label"] == 1]
    found = pd.DataFrame(
        {name: malignant[name] >= malignant["threshold"] for name in ("alone", "probability")}
    ).groupby(malignant["patient"])
    recall, count = found.mean(), found.size()
    for low, high in SIZES:
        some = recall[count.between(low, high)]
        print(f"| {low} to {high} | {len(some)} | {some['alone'].mean():.3f} | {some['probability'].mean():.3f} |")
    print("\n| specimen | patches | AUC alone | with | recall alone | with | specificity alone | with |")
    print("| --- |" + " --- |" * 7)
    values = np.array([specimen(both[both["patient"] == name]) for name in COMPLETE])
    for name, row in zip(COMPLETE, values, strict=True):
        print(f"| {name} | {(both['patient'] == name).sum():,} | {' | '.join(f'{value:.3f}' for value in row)} |")
    print(f"| mean | | {' | '.join(f'{value:.3f}' for value in values.mean(axis=0))} |")


def out_of_fold(rows: pd.DataFrame, target: float) -> pd.DataFrame:
    """Return the rows with `alone`, `probability` (with surroundings) and the threshold that the other folds chose."""
    parts = []
    for fold in rows["fold"].unique():
        others, own = rows[rows["fold"] != fold], rows[rows["fold"] == fold]
        threshold = choose_thresholds(others["label"], others["probability"], target_recall=target)["target_recall"]
        context = fit_context(others, threshold=threshold, target_recall=target)
        taken, _ = by_patient(context, *places(own), own["probability"])
        parts.append(own.assign(alone=own["probability"], probability=taken, threshold=threshold))
    return pd.concat(parts)


def sided(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the rows with a column as their probability, as `paired_difference` takes them."""
    return rows.assign(probability=rows[column], split="test").sort_values("path", ignore_index=True)


def overall(rows: pd.DataFrame, column: str) -> str:
    """Return AUC and rates with intervals that resample patients; each row's own threshold is moved to one half."""
    moved = sigmoid(logit(rows[column]) - logit(rows["threshold"]))
    ranked = patient_bootstrap(rows.assign(probability=rows[column], split="test"))
    called = patient_bootstrap(rows.assign(probability=moved, split="test"), {"own": 0.5 - 1e-9})
    shown = [ranked["auc"], *(called[f"{name}@own"] for name in RATES[:-1]), ranked["ece"]]
    return " | ".join(f"{each.value:.3f} ({each.low:.3f}-{each.high:.3f})" for each in shown)


def specimen(rows: pd.DataFrame) -> list[float]:
    """Return AUC, recall and specificity of one specimen, each alone and with surroundings."""
    label = rows["label"].to_numpy()
    scores = [rows[name].to_numpy() for name in ("alone", "probability")]
    called = [score >= rows["threshold"].to_numpy() for score in scores]
    return [
        *(auc(label, score) for score in scores),
        *(float(each[label == 1].mean()) for each in called),
        *(float((~each[label == 0]).mean()) for each in called),
    ]


if __name__ == "__main__":
    main()
