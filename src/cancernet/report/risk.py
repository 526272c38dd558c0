"""The risk-coverage figure: what leaving the hardest patches to a person buys."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from cancernet.evaluation.selective import risk_coverage as table_of
from cancernet.model.manifest import Band
from cancernet.report.style import COLOURS, GRID, MUTED, figure, sign, tidy

SHOWN = 0.3  # coverage below which too few patches are answered to be of use


def risk_coverage(
    rows: pd.DataFrame, threshold: float, bands: Sequence[Band], *, model: str, caption: str, warning: str = ""
) -> Figure:
    """Plot error, recall and specificity among the patches answered against the share answered.

    Args:
        rows: label, probability, of the split that is reported.
        threshold: the operating threshold; the patches nearest to it are left unanswered first.
        bands: of abstention, fitted on validation patients; marked where they come out here.
        model: its name.
        caption: what was counted.
        warning: printed in red.
    """
    table = table_of(rows, threshold, points=60)
    table = table[table["coverage"] >= SHOWN]
    made = figure(6.2, 5.6)
    upper, lower = made.subplots(2, 1, sharex=True, height_ratios=(1, 1))
    lines = ((upper, "recall", 0, "-"), (upper, "specificity", 1, (0, (6, 2))), (lower, "error", 2, "-"))
    for axes, name, colour, dash in lines:
        tidy(axes).plot(table["coverage"], table[name], color=COLOURS[colour], linestyle=dash, lw=1.8, label=name)
    for band in bands:
        answered = table.loc[table["width"] >= band.width, "coverage"]
        if len(answered):
            for axes in (upper, lower):
                axes.axvline(answered.iloc[0], color=MUTED, linestyle=":", linewidth=1.2)
            lower.annotate(
                f"{band.target:.0%}",
                (answered.iloc[0], 1),
                xycoords=("data", "axes fraction"),
                fontsize=8,
                color=MUTED,
                rotation=90,
                ha="right",
                va="top",
            )
    upper.legend(fontsize=8, frameon=True, framealpha=0.85, edgecolor=GRID, loc="best")
    upper.set(ylabel="share, of the answered", xlim=(SHOWN, 1.005))
    lower.set(ylabel="wrong, of the answered", xlabel="coverage: share of patches answered", ylim=(0, None))
    for axis in (upper.yaxis, lower.yaxis, lower.xaxis):
        axis.set_major_formatter(PercentFormatter(1))  # as many decimals as the ticks need
    marks = "; dotted: bands fitted on validation patients to leave that share unanswered" if bands else ""
    return sign(made, f"{model}: what abstaining buys", caption + marks, warning)
