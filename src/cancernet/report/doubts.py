"""Labels to look at again: rows for the page, and a figure of the first patches."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from cancernet.common.defaults import CLASS_NAMES
from cancernet.evaluation.results import Doubts
from cancernet.report.overlay import enlarged
from cancernet.report.style import INK, figure, sign
from cancernet.report.tables import COLUMNS, interval

ROWS = 30  # listed on the page; doubtful_labels.csv has all
ACROSS = 6  # patches in a row of the figure
SIDE = 150  # px of a patch


def doubts(found: Doubts | None) -> dict[str, Any] | None:
    """Return what a page says of labels that look wrong; nothing where they were not looked for."""
    if found is None:
        return None
    return {
        "n": len(found.table),
        "n_patches": found.n_patches,
        "n_contradicted": found.n_contradicted,
        "rows": [
            (
                str(row["patient"]),
                CLASS_NAMES[int(row["label"])],
                f"{row['alone']:.3f}",
                f"{row['n_otherwise']} of {row['n_neighbours']} {row['neighbours']}",
                str(row["path"]),
            )
            for row in found.table.head(ROWS).to_dict("records")
        ],
        "more": max(0, len(found.table) - ROWS),
        "metrics": [
            (name, interval(found.metrics[key]["as_is"]), interval(found.metrics[key]["if_wrong"]))
            for key, name, *_ in COLUMNS
            if key in found.metrics
        ],
    }


def doubtful_labels(found: Doubts, *, caption: str, warning: str = "") -> Figure:
    """Draw the first patches whose labels look wrong, with label and probability.

    Args:
        found: with one image at least.
        caption: what was counted.
        warning: printed in red.
    """
    n = len(found.images)
    lines = -(-n // ACROSS)
    made = figure(9.2, 0.7 + 1.85 * lines)
    places = made.subplots(lines, ACROSS, squeeze=False).ravel()
    for number, axes in enumerate(places):
        axes.set_axis_off()
        if number >= n:
            continue
        row = found.table.iloc[number]
        axes.imshow(enlarged(found.images[number], SIDE))
        head = f"{number + 1}. labelled {CLASS_NAMES[int(row['label'])]}"
        said = f"p = {row['alone']:.3f}, {row['n_otherwise']} of {row['n_neighbours']} otherwise"
        axes.set_title(f"{head}\n{said}", loc="left", fontsize=7.5, color=INK)
    return sign(made, f"Labels to look at again: {found.model}", f"{caption}; numbers as in the table", warning)
