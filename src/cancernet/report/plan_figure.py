"""The figure of a plan: what samples of so many patients reach, purpose by purpose."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, PercentFormatter, ScalarFormatter

from cancernet.evaluation.plan import Plan
from cancernet.evaluation.planning import Need
from cancernet.report.style import COLOURS, INK, LINES, MARKERS, MUTED, figure, sign, tidy

TICKS = (5, 10, 20, 50, 100, 200, 500, 1000)  # patients
SHORT = {"auc": "AUC", "recall": "recall", "specificity": "specificity", "threshold": "a threshold at all"}


def plan_figure(made: Plan, *, caption: str, warning: str = "") -> Figure:
    """Draw, against the number of patients, what a threshold costs, how wide intervals are, and what is told apart.

    Args:
        made: from `evaluation.plan.plan`.
        caption: what was counted.
        warning: printed in red.
    """
    kinds = {kind: [need for need in made.needs if need.purpose.kind == kind] for kind in ("width", "difference")}
    panels = 2 + bool(kinds["difference"])
    rooms = figure(3.75 * panels, 3.9)
    axes = rooms.subplots(1, panels)
    _cost(tidy(axes[0]), made["threshold_cost"], made)
    _widths(tidy(axes[1]), kinds["width"], made)
    if kinds["difference"]:
        _differences(tidy(axes[2]), kinds["difference"], made)
    for each in axes:
        each.set(xscale="log", xlabel="patients")
        each.set_xticks(TICKS)
        each.xaxis.set_major_formatter(ScalarFormatter())
        each.xaxis.set_minor_formatter(NullFormatter())
        each.set_xlim(4.5, max(need.curve["patients"].max() for need in made.needs) * 1.1)
    note = f"{caption}; dashed: what is asked for; diamonds: patients needed, in {made.ask.assurance:.0%} of samples"
    return sign(rooms, f"Patients needed to use {made.model}", note, warning)


def _cost(axes: Axes, need: Need, made: Plan) -> None:
    best, curve = made.pilot["best_specificity"], need.curve
    for i, (column, word) in enumerate((("middle", "half"), ("assured", f"{made.ask.assurance:.0%}"))):
        shown = best - curve[column].to_numpy()
        axes.plot(
            curve["patients"],
            np.where(np.isfinite(shown), shown, np.nan),
            label=f"{word} of samples: at least",
            **_line(i),
        )
    axes.axhline(best, color=MUTED, lw=1, linestyle=":")
    axes.annotate(
        "patients without end", (1, best), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=8
    )
    _asked(axes, need, best - need.purpose.limit)
    axes.set(ylabel="specificity", title=f"threshold for a recall of {made.ask.target_recall:g}", ylim=(0, 1))
    _finish(axes)


def _widths(axes: Axes, needs: list[Need], made: Plan) -> None:
    for i, need in enumerate(needs):
        key = need.purpose.key.removesuffix("_width")
        axes.plot(need.curve["patients"], need.curve["assured"], label=SHORT[key], **_line(i))
        _asked(axes, need, need.purpose.limit, colour=COLOURS[i])
    axes.set(
        ylabel=f"half-width in {made.ask.assurance:.0%} of samples, at most",
        title=f"{made.ask.confidence:.0%} intervals",
        ylim=(0, 0.25),
    )
    _finish(axes)


def _differences(axes: Axes, needs: list[Need], made: Plan) -> None:
    for i, need in enumerate(needs):
        key = need.purpose.key.removesuffix("_difference")
        axes.plot(need.curve["patients"], need.curve["reached"], label=SHORT[key], **_line(i))
        _asked(axes, need, made.ask.assurance, colour=COLOURS[i])
    axes.set(ylabel="samples that tell them apart", title=f"{made.model} above {made.against}", ylim=(0, 1.02))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    _finish(axes)


def _asked(axes: Axes, need: Need, level: float, colour: str = INK) -> None:
    axes.axhline(level, color=MUTED, lw=1, linestyle=(0, (4, 3)))
    if need.patients:
        axes.plot([need.patients], [level], "D", color=colour, ms=5, clip_on=False, zorder=5)


def _line(i: int) -> dict[str, Any]:
    return {"color": COLOURS[i], "linestyle": LINES[i], "marker": MARKERS[i], "ms": 3.5, "lw": 1.6}


def _finish(axes: Axes) -> None:
    axes.title.set(fontsize=9.5, ha="left", position=(0, 1))
    axes.legend(fontsize=8, frameon=True, framealpha=0.85, loc="best")
