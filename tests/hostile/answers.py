"""Patches that decode well and cannot be judged."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from hostile.case import MODEL, Case


def black(here: Path) -> None:
    cv2.imwrite(str(here / "a.png"), np.zeros((50, 50, 3), np.uint8))


CASES = [
    Case(
        "a black square is no tissue",
        black,
        ("predict", "HERE", "--model", str(MODEL), "--out", "OUT/p.csv"),
        1,
        ("unsure", "no stained tissue"),
        (",benign",),
    )
]
