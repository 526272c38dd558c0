"""A check of the scoring itself: with labels shuffled, any model must look like chance."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cancernet.common import defaults
from cancernet.evaluation.ranking import checked, finite, ratio

CHUNK_CELLS = 2_000_000  # labels shuffled at once, 16 MB


def label_shuffle(
    label: ArrayLike, probability: ArrayLike, *, samples: int = defaults.BOOTSTRAP_SAMPLES, seed: int = defaults.SEED
) -> dict[str, Any]:
    """Shuffle the labels among the scored patches many times and measure the AUC each time.

    The shuffled AUCs must centre on 0.5 and the model's must lie far outside them; where not, labels and
    scores do not belong together (as when a shuffled generator is scored by position) or the model knows
    nothing. Patches of one patient are alike, so this is no test of significance: the interval over
    patients is.

    Args:
        label: (N,) of 0 and 1.
        probability: (N,) probability of malignant.
        samples: how many shuffles.
        seed: of the shuffles.

    Returns:
        plain JSON: auc (the model's), mean, sd, low, high (least and greatest of the shuffles), distance
        (of the model from their mean in sd), samples; None where one class is missing.

    Raises:
        ValueError: shapes, labels or scores that make no sense.

    Source: Ojala & Garriga 2010, "Permutation tests for studying classifier performance", test 1.
    """
    from scipy.stats import rankdata

    labels, scores = checked(label, probability)
    names = ("auc", "mean", "sd", "low", "high", "distance")
    malignant = int(labels.sum())
    if malignant in (0, labels.size):
        return {**dict.fromkeys(names), "samples": samples}
    rank = rankdata(scores)  # the AUC is a sum of ranks: no sorting for each shuffle
    generator = np.random.default_rng(seed)
    least, cells = malignant * (malignant + 1) / 2, malignant * (labels.size - malignant)
    shuffled: list[float] = []
    while len(shuffled) < samples:
        rows = min(samples - len(shuffled), max(1, CHUNK_CELLS // labels.size))
        drawn = generator.permuted(np.tile(labels, (rows, 1)), axis=1)
        shuffled += ((drawn @ rank - least) / cells).tolist()
    mean, sd, own = np.mean(shuffled), np.std(shuffled), (labels @ rank - least) / cells
    numbers = (own, mean, sd, min(shuffled), max(shuffled), float(ratio(own - mean, sd)))
    return {**dict(zip(names, map(finite, numbers), strict=True)), "samples": samples}
