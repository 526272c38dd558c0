"""The figure of an adaptation: how true probabilities are, and what each patient gained and lost."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cancernet.evaluation.calibration import reliability
from cancernet.model.decide import logit, sigmoid
from cancernet.report.style import COLOURS, LINES, MARKERS, MUTED, figure, sign, tidy

BINS = 8
NAMES = ("before", "after")


def adapt_figure(shown: pd.DataFrame, threshold: float, *, title: str, caption: str, warning: str = "") -> Figure:
    """Draw reliability before and after, and each patient's recall and specificity before against after.

    Args:
        shown: patient, label, and log odds `among` (before), `after`, `over` (after, over its threshold).
        threshold: of the model before.
        title: of the figure.
        caption: what was counted.
        warning: printed in red.
    """
    made = figure(3.75 * 3, 3.9)
    axes = made.subplots(1, 3)
    _reliability(tidy(axes[0]), shown)
    called = {"before": shown["among"].to_numpy() >= logit(threshold), "after": shown["over"].to_numpy() >= 0}
    _patients(tidy(axes[1]), shown, called, kind=1, title="malignant patches found, by patient")
    _patients(tidy(axes[2]), shown, called, kind=0, title="benign patches called benign, by patient")
    return sign(made, title, caption, warning)


def _reliability(axes: Axes, shown: pd.DataFrame) -> None:
    axes.plot([0, 1], [0, 1], color=MUTED, lw=1, linestyle=(0, (4, 3)))
    for i, (name, column) in enumerate(zip(NAMES, ("among", "after"), strict=True)):
        found = reliability(shown["label"], sigmoid(shown[column].to_numpy()), BINS)
        found = found[found["n"] > 0]
        style = {"color": COLOURS[i], "linestyle": LINES[i], "marker": MARKERS[i], "ms": 4, "lw": 1.6}
        axes.plot(found["mean_probability"], found["fraction_malignant"], label=name, **style)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="stated probability of malignant", ylabel="malignant")
    axes.set_title("are probabilities true?", fontsize=9.5, loc="left")
    axes.legend(fontsize=8, loc="upper left")


def _patients(axes: Axes, shown: pd.DataFrame, called: dict[str, np.ndarray], *, kind: int, title: str) -> None:
    mine = (shown["label"] == kind).to_numpy()
    right = {name: (calls == bool(kind))[mine] for name, calls in called.items()}
    rates = pd.DataFrame(right).groupby(shown["patient"].to_numpy()[mine]).mean()
    axes.plot([0, 1], [0, 1], color=MUTED, lw=1, linestyle=(0, (4, 3)))
    axes.plot(rates["before"], rates["after"], "o", color=COLOURS[kind], ms=4, alpha=0.6)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="before", ylabel="after")
    axes.set_title(title, fontsize=9.5, loc="left")
