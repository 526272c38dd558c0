"""The probabilities of each class: where they lie, and how many are called malignant from where on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from cancernet.common.defaults import CLASS_NAMES
from cancernet.report.style import COLOURS, GRID, LINES, MUTED, figure, sign, tidy


def probability_distribution(
    found: Mapping[str, Any], threshold: float, *, model: str, caption: str, warning: str = ""
) -> Figure:
    """Draw a histogram of each class's probabilities, and below it the share at or above each of them.

    Args:
        found: from `evaluation.distribution.distribution`.
        threshold: the operating threshold, marked.
        model: whose probabilities these are.
        caption: what was counted.
        warning: printed in red.
    """
    made = figure(6.2, 5.6)
    upper, lower = made.subplots(2, 1, sharex=True)
    edges = found["edges"]
    for index, name in enumerate(CLASS_NAMES):
        counts, n = np.array(found[name]["counts"]), found[name]["n"]
        style = {"color": COLOURS[index], "linestyle": LINES[index], "lw": 1.8, "label": f"truly {name} (n = {n:,})"}
        share = counts / max(n, 1)
        tidy(upper).stairs(share, edges, fill=True, alpha=0.12, color=COLOURS[index])
        upper.stairs(share, edges, **style)
        tidy(lower).plot(edges, np.append(share[::-1].cumsum()[::-1], 0.0), **style)
    for axes in (upper, lower):
        axes.axvline(threshold, color=MUTED, linestyle=":", linewidth=1.2)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    lower.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    upper.legend(fontsize=8, frameon=True, framealpha=0.85, edgecolor=GRID, loc="upper center")
    upper.set(ylabel="share of the class", xlim=(0, 1), ylim=(0, None))
    lower.set(ylabel="share at or above", xlabel="probability of malignant, as stated by the model", ylim=(0, 1.02))
    says = f"{caption}; {len(edges) - 1} equal bins; dotted: the operating threshold {threshold:.3g}"
    return sign(made, f"Probabilities by class: {model}", says, warning)
