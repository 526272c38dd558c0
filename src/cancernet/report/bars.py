"""Figures that compare: confusion matrices, patients, approaches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from cancernet.common import defaults
from cancernet.evaluation.results import FLOOR, Shown
from cancernet.report.style import ALARM, INK, MUTED, figure, look, sign, tidy

NAMED_PATIENTS = 60  # more names than this cannot be read along an axis; then only the worst are named
COLUMNS = 3  # of confusion matrices
LEAST_SPAN = 0.1  # of a metric along an axis


def confusion_matrix(entries: Sequence[Shown], *, caption: str, warning: str = "") -> Figure:
    """Draw each model's confusion matrix at its headline threshold, as counts and as shares of the truth.

    Args:
        entries: models to draw, one panel each.
        caption: what was counted.
        warning: printed in red.
    """
    columns = min(len(entries), COLUMNS)
    rows = -(-len(entries) // columns)
    made = figure(max(4.4, 3.1 * columns), 3.35 * rows + 1.0)
    grid = made.subplots(rows, columns, squeeze=False).ravel()
    for axes, entry in zip(grid, entries, strict=False):
        _one_confusion(axes, entry)
    for axes in grid[len(entries) :]:
        axes.set_visible(False)
    return sign(made, "Confusion matrix", f"{caption}; at the target-recall threshold; % of each row", warning)


def per_patient_recall(table: pd.DataFrame, *, model: str, target: float, caption: str, warning: str = "") -> Figure:
    """Draw each patient's recall, lowest first: an average hides the patient that is missed.

    Args:
        table: from `evaluation.per_patient`; patients without a malignant patch are left out and counted.
        model: whose predictions these are.
        target: recall aimed at, drawn as a line.
        caption: what was counted.
        warning: printed in red.
    """
    having = table.dropna(subset=["recall"]).sort_values(["recall", "n_malignant"], ascending=[True, False])
    without = len(table) - len(having)
    n = len(having)
    made = figure(float(np.clip(0.19 * n + 1.6, 5.2, 10.5)), 4.4)
    axes = tidy(made.subplots())
    position = np.arange(n)
    missed = having["recall"].to_numpy() < target
    axes.axhline(target, color=MUTED, linestyle="--", linewidth=1.2)
    axes.vlines(position, 0, having["recall"], color="#cfd6de", linewidth=1.2)
    size = min(1, NAMED_PATIENTS / max(n, 1)) * (
        14 + 90 * np.sqrt(having["n_malignant"] / max(having["n_malignant"].max(), 1))
    )
    for below, colour, marker, label in (
        (True, "#D55E00", "o", f"below the target of {target:.0%}"),
        (False, "#0072B2", "D", "at or above it"),
    ):
        of = missed == below
        face = colour if below else "white"
        axes.scatter(
            position[of],
            having["recall"][of],
            s=size[of],
            color=face,
            edgecolor=colour,
            marker=marker,
            lw=1.4,
            zorder=3,
            label=f"{label} ({of.sum()})",
        )
    _name_patients(axes, having)
    axes.set(ylabel="recall of malignant patches", ylim=(-0.03, 1.05), xlim=(-0.8, max(n - 0.2, 0.8)))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    if n:
        axes.legend(fontsize=8, loc="lower right", framealpha=0.9)
    else:
        axes.text(0.5, 0.5, "no patient has a malignant patch", transform=axes.transAxes, ha="center", color=ALARM)
    note = f"{caption}; larger mark: more malignant patches"
    if without:
        note += f"\npatients without a malignant patch have no recall: {without} left out"
    return sign(made, f"Recall by patient: {model}", note, warning)


def approaches(entries: Sequence[Shown], *, target: float, caption: str, warning: str = "") -> Figure:
    """Draw the models side by side with their intervals: AUC, average precision, recall, specificity.

    Args:
        entries: models, the floor among them if it was evaluated.
        target: recall aimed at, drawn as a line.
        caption: what was counted.
        warning: printed in red.
    """
    panels = (
        ("auc", "AUC"),
        ("average_precision", "average precision"),
        ("recall", "recall"),
        ("specificity", "specificity"),
    )
    made = figure(10.5, 0.42 * len(entries) + 1.75)
    grid = made.subplots(1, len(panels), sharey=True, width_ratios=(1, 1.5, 1, 1))
    styles = look(entry.model for entry in entries)
    for axes, (key, name) in zip(grid, panels, strict=True):
        tidy(axes).grid(axis="y", visible=False)
        for row, entry in enumerate(entries):
            draw_interval(axes, row, _metric(entry, key), styles[entry.model])
        axes.set_xlabel(name)
        axes.margins(x=0.12)
    of_floor = next((entry for entry in entries if entry.model == FLOOR), None)
    if of_floor is not None:
        for axes, (key, _) in zip(grid, panels, strict=True):
            value = (_metric(of_floor, key) or {}).get("value")
            if value is not None and key in ("auc", "average_precision"):
                axes.axvline(value, color=MUTED, linestyle=(0, (2, 2)), linewidth=1)
    prevalence = entries[0].numbers["prevalence"]
    grid[1].axvline(prevalence, color=MUTED, linestyle=":", linewidth=1.2)
    grid[2].axvline(target, color=MUTED, linestyle="--", linewidth=1)
    for axes in grid:
        widen(axes)
    grid[0].set_yticks(range(len(entries)), [entry.model for entry in entries])
    grid[0].set_ylim(len(entries) - 0.4, -0.6)
    of_the_floor = "" if of_floor is None else "the floor's AUC and AP; "
    lines = f"dashed: {of_the_floor}the target recall {target:.0%}; dotted: prevalence {prevalence:.0%}"
    bars = f"bars: {defaults.CONFIDENCE:.0%} intervals; recall and specificity at the target-recall threshold"
    return sign(made, "The approaches side by side", f"{caption}; {bars}\n{lines}", warning)


def _one_confusion(axes: Axes, entry: Shown) -> None:
    cells = entry.headline["confusion"]
    counts = np.array([[cells["tn"], cells["fp"]], [cells["fn"], cells["tp"]]])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        share = shares[row, column]
        ink = "white" if share > 0.55 else INK
        axes.text(column, row - 0.08, f"{count:,}", ha="center", va="center", color=ink, fontsize=12, fontweight="bold")
        axes.text(column, row + 0.2, f"{share:.1%}", ha="center", va="center", color=ink, fontsize=9)
    axes.set_xticks([0, 1], defaults.CLASS_NAMES, fontsize=8.5)
    axes.set_yticks([0, 1], defaults.CLASS_NAMES, fontsize=8.5, rotation=90, va="center")
    axes.set_xlabel("called", fontsize=9)
    axes.set_ylabel("truly", fontsize=9)
    axes.tick_params(length=0)
    axes.set_title(f"{entry.model}  (threshold {entry.headline['threshold']:.3g})", fontsize=9.5, loc="left")


def _name_patients(axes: Axes, having: pd.DataFrame) -> None:
    names = having["patient"].astype(str).tolist()
    if len(names) <= NAMED_PATIENTS:
        axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
        axes.set_xlabel("patient, lowest recall first")
        return
    axes.set_xticks(range(5), names[:5], rotation=90, fontsize=7)
    axes.set_xlabel(f"{len(names)} patients, lowest recall first; the five lowest are named")


def widen(axes: Axes) -> None:
    """Show at least LEAST_SPAN, so that a trifle does not look like a gulf."""
    low, high = axes.get_xlim()
    extra = max(LEAST_SPAN - (high - low), 0) / 2
    axes.set_xlim(low - extra, high + extra)


def _metric(entry: Shown, key: str) -> dict[str, Any] | None:
    return entry.headline[key] if key in ("recall", "specificity") else entry.numbers[key]


def draw_interval(axes: Axes, row: int, metric: dict[str, Any] | None, style: dict[str, Any]) -> None:
    """Draw a metric with its interval in a row of a figure, or say that it is undefined."""
    if metric is None or metric["value"] is None:
        axes.text(0.5, row, "undefined", transform=axes.get_yaxis_transform(), ha="center", va="center", fontsize=8)
        return
    value, low, high = metric["value"], metric["low"], metric["high"]
    if low is not None and high is not None:
        axes.plot([low, high], [row, row], color=style["color"], lw=2, solid_capstyle="butt", alpha=0.75)
    axes.plot(value, row, marker=style["marker"], color=style["color"], ms=7, mew=1.8)
    axes.annotate(
        f"{value:.3f}", (value, row), (0, 6), textcoords="offset points", ha="center", fontsize=7.5, color=INK
    )
