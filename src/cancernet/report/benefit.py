"""The decision curve: what acting on the calls is worth, against calling every patch malignant and calling none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from cancernet.common import defaults
from cancernet.evaluation.results import FLOOR
from cancernet.report.style import GRID, INK, MUTED, figure, look, sign, tidy

BELOW = 0.25  # of the height above 0 that is shown below it: enough to see a model that harms


def decision_curve(
    curves: Mapping[str, Mapping[str, Any]],
    thresholds: Mapping[str, float],
    *,
    best: str,
    caption: str,
    warning: str = "",
) -> Figure:
    """Plot net benefit against the threshold probability, a curve a model, with the band of one.

    Args:
        curves: model -> from `evaluation.net_benefit.decision_curve`, of one prevalence.
        thresholds: model -> its operating threshold; that of `best` is marked.
        best: the model whose interval is drawn.
        caption: what was counted.
        warning: printed in red.
    """
    made = figure(6.2, 5.2)
    axes = tidy(made.subplots())
    first = next(iter(curves.values()))
    at, prevalence = np.array(first["threshold"]), first["prevalence"]
    axes.plot(at, np.array(first["call_all"], float), color=INK, lw=1.2, ls=(0, (1, 1)), label="call all malignant")
    axes.axhline(0, color=INK, linewidth=1.2, label="call none malignant")
    for model, style in look(curves).items():
        curve = curves[model]
        if model == best:
            low, high = (np.array(curve[key], float) for key in ("low", "high"))
            axes.fill_between(at, low, high, color=style["color"], alpha=0.15, linewidth=0)
        width = 1.2 if model == FLOOR else 1.8
        benefit = np.array(curve["net_benefit"], float)
        axes.plot(at, benefit, color=style["color"], linestyle=style["linestyle"], lw=width, label=model)
    axes.axvline(thresholds[best], color=MUTED, linestyle=":", linewidth=1.2)
    top = max(prevalence, *(value or 0 for curve in curves.values() for value in curve["high"])) * 1.08 or 0.1
    axes.set(xlim=(0, 1), ylim=(-BELOW * top, top), ylabel="net benefit: true calls a patch, false ones taken off")
    axes.set_xlabel("threshold probability t: one malignant patch found is worth (1 - t) / t false alarms")
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.legend(fontsize=8, frameon=True, framealpha=0.85, edgecolor=GRID, loc="upper right")
    note = f"{caption}; band: {defaults.CONFIDENCE:.0%} interval of {best}; dotted: its operating threshold"
    return sign(made, f"Decision curve at a prevalence of {prevalence:.1%}", note, warning)
