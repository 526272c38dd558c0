"""The most confident errors as one figure: each patch, and under it its evidence."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from cancernet.evaluation.confident import FALSE_ALARM, MISSED
from cancernet.evaluation.results import Mistakes
from cancernet.model.decide import logit
from cancernet.report.overlay import colour_map, enlarged, scale, span_of, tinted
from cancernet.report.style import INK, MUTED, figure, sign

SIDE, GAP = 150, 12  # px of a patch, and between two
HEADS = {MISSED: "Malignant, called benign", FALSE_ALARM: "Benign, called malignant"}


def confident_errors(mistakes: Mistakes, *, caption: str, warning: str = "") -> Figure:
    """Draw the most confident errors: in each of two rows the patches, and under each its evidence.

    Args:
        mistakes: what to draw; at least one.
        caption: what was counted.
        warning: printed in red.
    """
    neutral = float(logit(mistakes.threshold))
    span = 1.0 if mistakes.evidence is None else span_of(mistakes.evidence, neutral)
    numbered = mistakes.table.reset_index(drop=True)
    kinds = [(kind, rows) for kind in HEADS if len(rows := numbered[numbered["kind"] == kind])]
    tall = 1 if mistakes.evidence is None else 2
    made = figure(9.2, 0.9 + len(kinds) * (0.5 + 1.3 * tall))
    places = made.subplots(len(kinds), 1, squeeze=False)[:, 0]
    most = max(len(rows) for _, rows in kinds)
    for axes, (kind, rows) in zip(places, kinds, strict=True):
        mosaic = np.full((tall * (SIDE + GAP) - GAP, most * (SIDE + GAP) - GAP, 3), 255, "uint8")
        for column, row in enumerate(rows.index):
            left = slice(column * (SIDE + GAP), column * (SIDE + GAP) + SIDE)
            mosaic[:SIDE, left] = enlarged(mistakes.images[row], SIDE)
            if mistakes.evidence is not None:
                evidence = mistakes.evidence[row]
                mosaic[SIDE + GAP :, left] = tinted(
                    mistakes.images[row], evidence, neutral=neutral, span=span, side=SIDE
                )
        axes.imshow(mosaic)
        axes.set_axis_off()
        axes.set_title(HEADS[kind], loc="left", fontsize=9.5, color=INK, pad=27)
        _label(axes, rows.index, rows["patient"], rows["probability"])
    if mistakes.evidence is not None:
        bar = made.colorbar(
            ScalarMappable(scale(neutral, span), colour_map()), ax=list(places), extend="both", fraction=0.02, aspect=30
        )
        bar.ax.tick_params(labelsize=8)
        bar.set_label(
            "evidence of the patch by itself, log odds (white:\nthe threshold); purple to benign, orange to malignant",
            fontsize=8,
        )
    says = f"{caption}. Threshold {mistakes.threshold:.3g}; numbers as in the table"
    return sign(made, f"{mistakes.model}: the errors it was surest of", says, warning)


def _label(axes: Axes, rows: Iterable[int], patients: Iterable[str], probabilities: Iterable[float]) -> None:
    """Write number, patient and probability above each patch."""
    for column, (row, patient, probability) in enumerate(zip(rows, patients, probabilities, strict=True)):
        whose = f"patient {patient}" if patient else ""
        axes.text(
            column * (SIDE + GAP),
            -6,
            f"{row + 1}. {whose}\np = {probability:.3f}",
            fontsize=7.5,
            color=MUTED,
            va="bottom",
            parse_math=False,
        )
