"""How a model does on each patient: an average over patches hides the patient it fails."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cancernet.evaluation.bootstrap import patient_names
from cancernet.evaluation.ranking import auc, checked, ratio

COLUMNS = ["patient", "n_patches", "n_malignant", "recall", "specificity", "auc"]


def per_patient(predictions: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Recall, specificity and AUC of every patient at one threshold.

    Args:
        predictions: columns patient, label, probability; one row a patch. The patient "" (unknown) is
            left out: its patches are not one person's.
        threshold: called malignant at or above it.

    Returns:
        columns patient, n_patches, n_malignant, recall, specificity, auc; one row a patient, sorted by
        name; NaN where a patient lacks the class that a metric needs.

    Raises:
        ValueError: labels or scores that make no sense.
    """
    names = patient_names(predictions)
    known = predictions.assign(patient=names).loc[names != ""]
    label, probability = checked(known["label"], known["probability"])
    called = probability >= threshold
    cells = pd.DataFrame(
        {
            "patient": known["patient"].to_numpy(),
            "n_patches": 1,
            "n_malignant": label,
            "found": label * called,
            "cleared": (1 - label) * ~called,
        }
    )
    table = cells.groupby("patient", sort=True).sum().reset_index()
    table["recall"] = ratio(table["found"], table["n_malignant"])
    table["specificity"] = ratio(table["cleared"], table["n_patches"] - table["n_malignant"])
    by_patient = known.groupby("patient", sort=True)
    table["auc"] = np.array([auc(rows["label"], rows["probability"]) for _, rows in by_patient], float)
    return table[COLUMNS]


def worst(table: pd.DataFrame, n: int) -> pd.DataFrame:
    """The `n` patients of lowest recall, of equals those with most malignant patches first.

    Args:
        table: from `per_patient`; patients without a malignant patch are left out.
        n: how many at most.
    """
    having = table.dropna(subset=["recall"])
    return having.sort_values(["recall", "n_malignant", "patient"], ascending=[True, False, True], kind="stable").head(
        n
    )
