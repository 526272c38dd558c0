"""The figure of an audit: what each corruption takes away, severity by severity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from cancernet.common import defaults
from cancernet.evaluation.verdicts import WORDS
from cancernet.report.style import COLOURS, GRID, LINES, MARKERS, figure, sign, tidy

COLUMNS = 5  # panels in a row
SHIFT = 0.09  # of a severity, between the measures, so that their intervals can be told apart


def robustness_figure(found: Mapping[str, Any], *, caption: str, warning: str = "") -> Figure:
    """Draw AUC, recall and specificity against severity, a panel a corruption.

    The intervals are those of the change from the clean patches, paired by patient; clean itself
    (severity 0) therefore has none.

    Args:
        found: from `evaluation.robustness.robustness`.
        caption: what was counted.
        warning: printed in red.
    """
    kinds = found["corruptions"]
    rows = max(1, int(np.ceil(len(kinds) / COLUMNS)))
    made = figure(10.8, 2.35 * rows + 1.1)
    grid = made.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False)
    for axes, (name, kind) in zip(grid.flat, kinds.items(), strict=False):
        _panel(tidy(axes), name, kind["levels"], found["clean"])
    for axes in list(grid.flat)[len(kinds) :]:
        axes.set_visible(False)
    for axes in grid[:, 0]:
        axes.set_ylabel("share, or AUC")
    for axes in grid[-1]:
        axes.set_xlabel("severity")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    made.legend(handles, labels, loc="outside upper right", ncols=3, fontsize=8.5, frameon=False)
    note = (
        f"{caption}; recall and specificity at the frozen threshold {found['threshold']:.3g}; "
        f"bars: {defaults.CONFIDENCE:.0%} interval of the change, by patient; grey: the severity judged"
    )
    return sign(made, "What corruption takes away", note, warning)


def _panel(axes: Axes, name: str, levels: list[dict[str, Any]], clean: Mapping[str, float | None]) -> None:
    axes.set_title(name, fontsize=9.5, loc="left")
    axes.axvspan(defaults.AUDIT_SEVERITY - 0.4, defaults.AUDIT_SEVERITY + 0.4, color=GRID, alpha=0.7, lw=0)
    for i, (measure, word) in enumerate(WORDS.items()):
        x = np.array([0, *(level["severity"] for level in levels)]) + SHIFT * (i - 1)
        entries = [level[measure] for level in levels]
        y = _numbers([clean.get(measure), *(entry["corrupted"] for entry in entries)])
        below, above = (
            np.abs(_numbers([entry[end] for entry in entries]) - _numbers([e["change"] for e in entries]))
            for end, entries in (("low", entries), ("high", entries))
        )
        style = {"color": COLOURS[i], "marker": MARKERS[i], "linestyle": LINES[i]}
        axes.plot(x, y, lw=1.4, ms=4, label=word, **style)
        axes.errorbar(x[1:], y[1:], yerr=[below, above], fmt="none", ecolor=COLOURS[i], lw=0.9, alpha=0.8)
    axes.set(ylim=(-0.03, 1.03), xticks=range(6), xlim=(-0.4, 5.4))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))


def _numbers(values: list[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=float)
