"""How much a model loses when patches look otherwise, at the threshold it is used with.

The area under the curve hides what a shift of stain does to a frozen threshold: the order of the patches
may hold while all of them fall below it. So recall and specificity there are measured beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.common.progress import progress
from cancernet.data.sampling import limit
from cancernet.evaluation.bootstrap import patient_names
from cancernet.evaluation.compare import paired_difference
from cancernet.evaluation.corruptions import CORRUPTIONS, SEVERITIES, corrupt

Predict = Callable[[NDArray[np.uint8]], ArrayLike]
MEASURES = ("auc", "recall", "specificity")
POINT = "target_recall"


def robustness(
    predict: Predict,
    images: NDArray[np.uint8],
    label: ArrayLike,
    patient: ArrayLike,
    threshold: float,
    *,
    names: Sequence[str] = tuple(CORRUPTIONS),
    severities: Sequence[int] = SEVERITIES,
    max_patches: int = defaults.AUDIT_PATCHES,
    samples: int = defaults.BOOTSTRAP_SAMPLES,
    seed: int = defaults.SEED,
) -> dict[str, Any]:
    """Measure a model on corrupted copies of patches against the clean ones, patient by patient.

    Args:
        predict: uint8 RGB (n, H, W, 3) -> probability (n,) of malignant.
        images: uint8 RGB (N, H, W, 3), in memory or memory-mapped.
        label: (N,) of 0 and 1.
        patient: (N,) names, "" where unknown; a patient's patches share their shift of stain and colour.
        threshold: the frozen one; malignant at or above it.
        names: corruptions to try, of `corruptions.CORRUPTIONS`.
        severities: of 1 to 5.
        max_patches: at most so many patches, drawn evenly over the patients.
        samples: resamples of the patients.
        seed: of the patches drawn, the corruptions and the resampling.

    Returns:
        plain JSON: {"n_patches", "n_patients", "threshold", "samples", "seed", "clean": {"auc", "recall",
        "specificity"}, "corruptions": {name: {"unit", "says", "source", "levels": [{"severity", "level",
        "auc", "recall", "specificity"}]}}}. Each of the last three is {"clean", "corrupted", "change",
        "low", "high"}: corrupted minus clean and its interval, paired by patient; None where undefined.

    Raises:
        UserError: no patches, or fewer than 1 asked for.
        ValueError: shapes, labels or scores that make no sense.
    """
    frame = pd.DataFrame({"label": np.asarray(label), "patient": np.asarray(patient)})
    frame["patient"] = patient_names(frame)
    if frame.empty:
        raise UserError("there are no patches to corrupt: give labelled patches of patients new to the model")
    rows = limit(frame, max_patches, seed)
    drawn = np.ascontiguousarray(images[rows])
    table = frame.iloc[rows].reset_index(drop=True)
    table["path"] = [f"{row:09d}" for row in rows]
    slide = np.where(table["patient"] == "", table["path"], table["patient"])
    clean = table.assign(probability=np.asarray(predict(drawn), np.float64))
    found: dict[str, Any] = {}
    measured: dict[str, Any] = {}
    with progress(total=len(names) * len(severities), what="corrupt and predict", unit=" sets") as bar:
        for name in names:
            kind = CORRUPTIONS[name]
            levels = []
            for severity in severities:
                copies = corrupt(drawn, name, severity, seed=seed, slide=slide)
                changed = table.assign(probability=np.asarray(predict(copies), np.float64))
                measured = _change(clean, changed, threshold, samples=samples, seed=seed)
                levels.append({"severity": severity, "level": kind.levels[severity - 1], **measured})
                bar.update()
            found[name] = {"unit": kind.unit, "says": kind.says, "source": kind.source, "levels": levels}
    return {
        "n_patches": len(table),
        "n_patients": int(table.loc[table["patient"] != "", "patient"].nunique()),
        "threshold": float(threshold),
        "samples": samples,
        "seed": seed,
        "clean": {measure: measured[measure]["clean"] for measure in MEASURES if measured},
        "corruptions": found,
    }


def _change(
    clean: pd.DataFrame, changed: pd.DataFrame, threshold: float, *, samples: int, seed: int
) -> dict[str, dict[str, float | None]]:
    point = {POINT: threshold}
    compared = paired_difference(clean, changed, point, point, samples=samples, seed=seed)
    entries = {"auc": compared["auc"], **compared["operating_points"][POINT]}
    renamed = {"clean": "a", "corrupted": "b", "change": "value", "low": "low", "high": "high"}
    return {measure: {new: entries[measure][old] for new, old in renamed.items()} for measure in MEASURES}
