"""Labels that look wrong: those that the model's score and the labels of neighbours contradict alike.

A model that disagrees with a label is wrong more often than the label is. So its score alone lists nothing: what lies
around the patch, or where that is not known the training patches most like it, has to be labelled otherwise too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cancernet.common import defaults
from cancernet.common.defaults import PATCH_SIZE
from cancernet.context.grid import MIN_NEIGHBOURS
from cancernet.evaluation.bootstrap import patient_bootstrap
from cancernet.evaluation.metrics import RATES
from cancernet.evaluation.ranking import checked

UNDECIDED = -1
CONTRADICTED = 0.75  # of the neighbours are labelled otherwise: three of four, six of eight
IN_PLACE, ALIKE = "in place", "alike"  # which neighbours spoke
POINT = "at"


def confident_class(label: ArrayLike, probability: ArrayLike) -> NDArray[np.int8]:
    """Return the class that a model is confident in: 0, 1, or `UNDECIDED` (N,).

    It is confident in a class where it gives it at least the probability that it gives it on average where that is the
    label; of both, in the likelier.

    Args:
        label: (N,) of 0 and 1.
        probability: (N,) of malignant, by a model that did not learn from these patches.

    Raises:
        ValueError: labels or scores that make no sense.

    Source: Northcutt, Jiang & Chuang 2021, "Confident learning", J. Artificial Intelligence Research 70, eq. 2.

    Example:
        >>> confident_class([0, 0, 0, 1, 1, 1], [0.1, 0.2, 0.95, 0.9, 0.8, 0.5]).tolist()
        [0, 0, 1, 1, 1, -1]
    """
    labels, scores = checked(label, probability)
    of_class = np.column_stack([1 - scores, scores])
    found = np.full(labels.size, UNDECIDED, np.int8)
    if len(set(labels.tolist())) < 2:  # of a class that is not there nothing is known
        return found
    least = np.array([of_class[labels == value, value].mean() for value in (0, 1)])
    above = of_class >= least - 1e-9
    either = above.any(axis=1)
    found[either] = np.where(above, of_class, -np.inf)[either].argmax(axis=1)
    return found


def contradicted(rows: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which labels (N,) the model's own score of the patch, without its neighbours', contradicts.

    Args:
        rows: columns label and alone; where there is a column reason, a patch with one is not judged.
    """
    sure = confident_class(rows["label"], rows["alone"])
    found = (sure != UNDECIDED) & (sure != rows["label"].to_numpy())
    return found & (rows["reason"] == "").to_numpy() if "reason" in rows else found


def in_place(rows: pd.DataFrame, sections: Sequence[str], asked: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count the labelled neighbours of some patches, and those that are labelled otherwise.

    Args:
        rows: columns x, y (px, missing where not known) and label.
        sections: (N,) which section each patch is of; "" where not known.
        asked: bool (N,), M of them.

    Returns:
        int (M, 2): neighbours of the eight that there are, and those with the other label. None of a patch whose place
        is not known, or is taken twice.
    """
    x, y = (pd.to_numeric(rows[name]).to_numpy(np.float64, na_value=np.nan) for name in ("x", "y"))
    section = np.asarray(sections, object).astype(str)
    known = np.isfinite(x) & np.isfinite(y) & (section != "")
    places = pd.MultiIndex.from_arrays([section[known], x[known], y[known]])
    label_at = pd.Series(rows["label"].to_numpy()[known], index=places, dtype="float64")
    label_at = label_at[~label_at.index.duplicated(keep=False)]
    own = rows["label"].to_numpy()[asked]
    counts = np.zeros((int(asked.sum()), 2), np.int64)
    for right, down in ((i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j):
        at = [section[asked], x[asked] + right * PATCH_SIZE, y[asked] + down * PATCH_SIZE]
        there = label_at.reindex(pd.MultiIndex.from_arrays(at)).to_numpy()
        counts[:, 0] += np.isfinite(there)
        counts[:, 1] += np.isfinite(there) & (there != own)
    counts[~known[asked]] = 0
    return counts


def enough(counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which patches (M,) have neighbours enough to speak of them."""
    return counts[:, 0] >= MIN_NEIGHBOURS


def disagree(counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell the neighbours of which patches (M,) contradict the label, by counts (M, 2) of all and of the others."""
    return enough(counts) & (counts[:, 1] >= CONTRADICTED * counts[:, 0])


def if_wrong(
    rows: pd.DataFrame,
    doubtful: ArrayLike,
    threshold: float,
    *,
    samples: int = defaults.BOOTSTRAP_SAMPLES,
    seed: int = defaults.SEED,
) -> dict[str, dict[str, Any]]:
    """Measure a model as it is, and with some labels turned round.

    Labels that a model contradicts, turned round, flatter it whatever the truth. The difference says how much such
    labels could matter; it is no result.

    Args:
        rows: columns path, patient, label, probability.
        doubtful: bool (N,), the labels to turn round.
        threshold: malignant at or above it.
        samples: resamples of the patients.
        seed: of the resampling.

    Returns:
        metric -> {"as_is", "if_wrong"}, each {"value", "low", "high"}.
    """
    turned = rows.assign(label=np.where(np.asarray(doubtful), 1 - rows["label"], rows["label"]))
    one, two = (patient_bootstrap(each, {POINT: threshold}, samples=samples, seed=seed) for each in (rows, turned))
    names = ("auc", "average_precision", *(f"{rate}@{POINT}" for rate in RATES))
    return {
        name.removesuffix(f"@{POINT}"): {"as_is": one[name].to_dict(), "if_wrong": two[name].to_dict()}
        for name in names
    }
