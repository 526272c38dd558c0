"""One look for every figure: colours and lines that survive colour blindness and a black-and-white print."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cancernet.common.provenance import CALLED
from cancernet.evaluation.results import FLOOR

if CALLED:  # a command draws alike wherever it is run, whatever settings lie there; in Python the user's stand
    matplotlib.rcdefaults()

DPI = 150  # sharp on paper at 17 cm, and about 50 kB a figure
INK, MUTED, GRID, ALARM = "#1b1f24", "#59636e", "#e4e7eb", "#a40e26"
# Okabe & Ito 2008, yellow left out (too pale on white), ordered so that neighbours differ in lightness
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#56B4E9", "#B0568A", "#E69F00", "#000000")
LINES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (9, 2, 2, 2)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
FLOOR_STYLE: dict[str, Any] = {"color": MUTED, "linestyle": (0, (2, 2)), "marker": "x"}


def look(models: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return model -> color, linestyle, marker; the floor always grey, the others told apart by all three."""
    styles: dict[str, dict[str, Any]] = {}
    for model in models:
        i = len(styles) - (FLOOR in styles)
        own = {
            "color": COLOURS[i % len(COLOURS)],
            "linestyle": LINES[i % len(LINES)],
            "marker": MARKERS[i % len(MARKERS)],
        }
        styles[model] = FLOOR_STYLE if model == FLOOR else own
    return styles


def figure(width: float, height: float) -> Figure:
    """Return an empty figure of that size in inches, outside pyplot, so that none is kept or shown."""
    made = Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(made)
    return made


def tidy(axes: Axes) -> Axes:
    """Give axes the house look: two spines, a pale grid behind the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(MUTED)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, labelsize=8.5, length=3)
    axes.xaxis.label.set_fontsize(9.5)
    axes.yaxis.label.set_fontsize(9.5)
    return axes


def sign(made: Figure, title: str, caption: str, warning: str) -> Figure:
    """Put the title above a figure, what it counts below, and any warning where it cannot be cut off."""
    warning = "\n".join(textwrap.wrap(warning, int(made.get_figwidth() * 14)))  # characters of 8.5 points, bold
    blank = "\n" * len(warning.splitlines())  # room for the warning, which has its own colour
    made.suptitle(title + blank, parse_math=False, x=0.01, ha="left", fontsize=11.5, fontweight="bold", color=INK)
    if warning:
        below_title = 1 - 0.30 / made.get_figheight()
        made.text(0.01, below_title, warning, fontsize=8.5, fontweight="bold", color=ALARM, va="top", parse_math=False)
    fits = int(made.get_figwidth() * 16.5)  # characters of 8 points
    lines = [line for part in caption.split("\n") for line in textwrap.wrap(part, fits)]
    made.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=8, color=MUTED, parse_math=False)
    return made


@dataclass(frozen=True)
class Picture:
    """A figure drawn: its PNG, and its width in CSS pixels."""

    png: bytes
    width: int


def picture(figure: Figure) -> Picture:
    """Draw a figure as PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return Picture(buffer.getvalue(), round(figure.get_figwidth() * 96))
