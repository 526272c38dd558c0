"""What is wrong among patches that decode well: copies, contradictions, nothing on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from cancernet.common import defaults

if TYPE_CHECKING:  # predicting imports this module, and pandas takes half a second
    import pandas as pd


def near_white(images: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell which patches show next to no tissue: bright and even.

    Args:
        images: uint8 RGB (N, height, width, 3).

    Returns:
        bool (N,): mean grey level over `defaults.WHITE_LEVEL` and standard deviation under
        `defaults.WHITE_SPREAD`. It is a flag: such patches stay in the table.
    """
    n, height, width, _ = images.shape
    if n == 0:
        return np.zeros(0, bool)
    grey = cv2.cvtColor(images.reshape(n * height, width, 3), cv2.COLOR_RGB2GRAY).reshape(n, height * width)
    mean = cv2.reduce(grey, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[:, 0] / (height * width)
    bright = np.flatnonzero(mean > defaults.WHITE_LEVEL)  # few; only they need the spread
    flags = np.zeros(n, bool)
    flags[bright] = grey[bright].std(axis=1) < defaults.WHITE_SPREAD
    return flags


def copies(table: pd.DataFrame) -> pd.Series:
    """Find patches of the same content.

    Of a content with one label the first row (in the table's order) is kept and the others are exact
    duplicates. A content under two labels cannot be trusted at all: every copy is refused.

    Args:
        table: with `path`, `label`, `hash`.

    Returns:
        A reason (str) for each row to leave out, by the row's index.
    """
    import pandas as pd

    twice = table[table["hash"].duplicated(keep=False)]
    if twice.empty:
        return pd.Series(dtype=object)
    groups = twice.groupby("hash", sort=False)
    contradicted = groups["label"].transform("nunique") > 1
    reasons = "exact duplicate of " + groups["path"].transform("first").astype(object)
    first = twice.groupby(["label", "hash"])["path"].first()
    for label in (0, 1):  # a contradicted row names a copy of the other label
        rows = twice[contradicted & (twice["label"] == label)]
        other = rows["hash"].map(first.xs(1 - label)) if len(rows) else rows["path"]
        reasons[rows.index] = "same content under two labels (see " + other.astype(object) + ")"
    return reasons[contradicted | twice["hash"].duplicated()]
