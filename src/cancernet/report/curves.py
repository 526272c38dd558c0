"""Figures made of curves: training, ROC, precision-recall, calibration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_curve

from cancernet.common import defaults
from cancernet.evaluation.calibration import reliability
from cancernet.evaluation.metrics import expected_calibration_error
from cancernet.evaluation.results import FLOOR
from cancernet.model.decide import MALIGNANT, decide
from cancernet.report.style import ALARM, COLOURS, GRID, MUTED, figure, look, sign, tidy

POINTS = 1500  # vertices of a curve: more cannot be seen at this size and slow the drawing
TRAINING_PANELS = (
    ("accuracy", "val_accuracy", "accuracy"),
    ("loss", "val_loss", "loss (cross-entropy)"),
    (None, "val_average_precision", "average precision"),
)


def accuracy_plot(histories: Mapping[str, pd.DataFrame], *, warning: str = "") -> Figure:
    """Plot what training did, epoch by epoch: a column a model, a row for each of accuracy, loss and AP.

    Args:
        histories: model -> epoch, and any of accuracy, loss, val_accuracy, val_loss,
            val_average_precision; the epoch kept (best validation average precision) is marked.
        warning: printed in red, as for synthetic data.
    """
    panels = [panel for panel in TRAINING_PANELS if any(set(panel) & set(h) for h in histories.values())]
    n = len(histories)
    if n == 1:
        made = figure(2.9 * len(panels) + 0.4, 3.0)
        grid = made.subplots(1, len(panels), squeeze=False).T
    else:
        made = figure(2.3 * n + 0.8, 2.0 * len(panels) + 1.0)
        grid = made.subplots(len(panels), n, sharex="col", sharey="row", squeeze=False)
    for column, (model, history) in enumerate(histories.items()):
        for row, panel in enumerate(panels):
            _training_panel(grid[row, column], history, panel)
            if column == 0:
                grid[row, column].set_ylabel(panel[-1])
            if n == 1 or row == len(panels) - 1:
                grid[row, column].set_xlabel("epoch")
        grid[0, column].set_title(model, fontsize=9.5, loc="left")
    grid[0, -1].legend(fontsize=7.5, frameon=True, framealpha=0.85, edgecolor=GRID)
    chosen = any(_best_epoch(history) is not None for history in histories.values())
    note = "dotted: the epoch kept, of highest average precision on validation patients"
    return sign(made, "Training", note if chosen else "the last epoch is kept", warning)


def roc(
    predictions: Mapping[str, pd.DataFrame], thresholds: Mapping[str, float], *, caption: str, warning: str = ""
) -> Figure:
    """Plot recall against false alarms for every threshold, a curve a model, the operating point marked.

    Args:
        predictions: model -> label, probability, of the split that is reported.
        thresholds: model -> the threshold to mark.
        caption: what was counted.
        warning: printed in red.
    """
    made = figure(6.2, 5.6)
    axes = tidy(made.subplots())
    axes.plot([0, 1], [0, 1], color=GRID, linewidth=1.5)
    axes.text(0.63, 0.6, "chance", color=MUTED, fontsize=8, rotation=42)
    for model, style, label, probability in _defined(predictions):
        alarms, recall, _ = roc_curve(label, probability)
        _curve(axes, alarms, recall, style, f"{model} (AUC {auc(alarms, recall):.3f})")
        if model in thresholds:
            called = decide(probability, thresholds[model]) == MALIGNANT
            _mark(axes, called[label == 0].mean(), called[label == 1].mean(), style)
    axes.set(xlabel="share of benign patches called malignant (1 - specificity)", ylabel="recall of malignant patches")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02), aspect="equal")
    _finish(axes, "lower right")
    return sign(made, "ROC: recall against false alarms", f"{caption}; mark: the target-recall threshold", warning)


def precision_recall(
    predictions: Mapping[str, pd.DataFrame], thresholds: Mapping[str, float], *, caption: str, warning: str = ""
) -> Figure:
    """Plot precision against recall for every threshold; the floor of this plot is prevalence.

    Args:
        predictions: as for `roc`.
        thresholds: as for `roc`.
        caption: what was counted.
        warning: printed in red.
    """
    made = figure(6.2, 5.2)
    axes = tidy(made.subplots())
    prevalence = float(np.mean([_columns(rows)[0].mean() for rows in predictions.values()]))
    axes.axhline(prevalence, color=MUTED, linewidth=1)
    axes.text(0.45, prevalence + 0.012, f"prevalence {prevalence:.0%}", color=MUTED, fontsize=8)
    for model, style, label, probability in _defined(predictions):
        precision, recall, _ = precision_recall_curve(label, probability)
        area = average_precision_score(label, probability)
        _curve(axes, recall[:-1][::-1], precision[:-1][::-1], style, f"{model} (AP {area:.3f})")
        if model in thresholds:
            called = decide(probability, thresholds[model]) == MALIGNANT
            _mark(axes, called[label == 1].mean(), label[called].mean() if called.any() else np.nan, style)
    axes.set(xlabel="recall of malignant patches", ylabel="precision of malignant calls")
    axes.set(xlim=(-0.01, 1.01), ylim=(0, 1.02))
    _finish(axes, "lower left")
    return sign(made, "Precision against recall", f"{caption}; mark: the target-recall threshold", warning)


def calibration(predictions: Mapping[str, pd.DataFrame], *, caption: str, warning: str = "") -> Figure:
    """Plot how often patches are malignant against what the model said, and how often it said so.

    Args:
        predictions: as for `roc`.
        caption: what was counted.
        warning: printed in red.
    """
    made = figure(6.2, 6.2)
    upper, lower = made.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    tidy(upper).plot([0, 1], [0, 1], color="#c3cad2", linewidth=1.5, label="perfect")
    styles = look(predictions)
    for model, style in styles.items():
        columns = _columns(predictions[model])
        table = reliability(*columns, bins=defaults.CALIBRATION_BINS)
        error = expected_calibration_error(*columns)
        filled = table[table["n"] > 0]
        upper.plot(
            filled["mean_probability"],
            filled["fraction_malignant"],
            lw=1.6,
            ms=4.5,
            label=f"{model} (ECE {error:.3f})",
            **style,
        )
        line = {key: value for key, value in style.items() if key != "marker"}
        tidy(lower).stairs(table["n"] / table["n"].sum(), [*table["low"], 1.0], lw=1.4, **line)
    upper.set(ylabel="share truly malignant", xlim=(-0.01, 1.01), ylim=(-0.02, 1.02))
    lower.set(xlabel="probability of malignant, as stated by the model", ylabel="share of\npatches")
    for axes in (upper, lower):
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    upper.legend(fontsize=8, frameon=True, framealpha=0.85, edgecolor=GRID, loc="upper left")
    return sign(
        made, "Calibration: stated against observed", f"{caption}; {defaults.CALIBRATION_BINS} equal bins", warning
    )


def _training_panel(axes: Axes, history: pd.DataFrame, panel: tuple[str | None, str, str]) -> None:
    training, validation, _ = panel
    tidy(axes).xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    for key, colour, line, marker, label in (
        (training, COLOURS[0], "-", "o", "training"),
        (validation, COLOURS[1], "--", "s", "validation"),
    ):
        if key in history:
            axes.plot(history["epoch"], history[key], color=colour, ls=line, marker=marker, ms=3, label=label)
    best = _best_epoch(history)
    if best is not None:
        axes.axvline(best, color=MUTED, linestyle=":", linewidth=1.2, label="epoch kept")


def _best_epoch(history: pd.DataFrame) -> float | None:
    scores = history.get("val_average_precision")
    if scores is None or scores.isna().all():
        return None
    return float(history["epoch"].to_numpy()[int(np.nanargmax(scores))])


def _columns(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return rows["label"].to_numpy(), rows["probability"].to_numpy()


def _defined(predictions: Mapping[str, pd.DataFrame]) -> Iterator[tuple[str, dict, np.ndarray, np.ndarray]]:
    """Yield name, style, labels and scores of the models whose patches are of both classes."""
    for model, style in look(predictions).items():
        label, probability = _columns(predictions[model])
        if label.min() != label.max():
            yield model, style, label, probability


def _curve(axes: Axes, x: np.ndarray, y: np.ndarray, style: dict, label: str) -> None:
    keep = np.unique(np.linspace(0, len(x) - 1, min(len(x), POINTS)).astype(int))
    width = 1.2 if label.startswith(FLOOR) else 1.8
    axes.plot(x[keep], y[keep], lw=width, color=style["color"], linestyle=style["linestyle"], label=label)


def _mark(axes: Axes, x: float, y: float, style: dict) -> None:
    face = style["color"] if style["marker"] == "x" else "white"
    axes.plot(x, y, marker=style["marker"], ms=7, mfc=face, mec=style["color"], mew=1.8, ls="none", zorder=5)


def _finish(axes: Axes, where: Literal["lower left", "lower right"]) -> None:
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, frameon=True, framealpha=0.85, edgecolor=GRID, loc=where)
    else:
        axes.text(0.5, 0.5, "undefined: only one class is present", ha="center", color=ALARM, fontsize=9)
