"""The errors a model was surest of: where to look first for what it has not learned, or for a wrong label."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cancernet.model.decide import MALIGNANT, decide

MISSED, FALSE_ALARM = "missed", "false alarm"


def confident_errors(rows: pd.DataFrame, threshold: float, *, n: int, per_patient: int) -> pd.DataFrame:
    """Return the malignant patches of lowest and the benign of highest probability that were called wrongly.

    Args:
        rows: with path, patient, label, probability.
        threshold: at and above it a patch is called malignant.
        n: most of each kind.
        per_patient: most of each kind of one patient; patches of an unknown patient ("") are not capped.

    Returns:
        Those rows with a column `kind`: first those missed, then the false alarms, the surest first.
    """
    called = decide(rows["probability"], threshold) == MALIGNANT
    label = rows["label"].to_numpy() == 1
    found = []
    for kind, wrong, sign in ((MISSED, label & ~called, 1), (FALSE_ALARM, ~label & called, -1)):
        some = rows[wrong]
        order = np.lexsort((some["path"].astype(str), sign * some["probability"]))
        some = some.iloc[order]
        patient = some["patient"].fillna("").astype(str)
        kept = (some.groupby(patient).cumcount() < per_patient) | (patient == "")
        found.append(some[kept.to_numpy()].head(n).assign(kind=kind))
    return pd.concat(found, ignore_index=True)
