"""One patch explained as a figure: itself, its evidence, and the training patches most like it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from cancernet.common.defaults import CLASS_NAMES, MPP, PATCH_SIZE
from cancernet.model.decide import WORDS, logit
from cancernet.report.overlay import colour_map, enlarged, scale, tinted
from cancernet.report.style import ALARM, DPI, INK, MUTED, figure

SIDE = 8 * PATCH_SIZE  # px of the enlarged patch
PANEL = SIDE / DPI  # inches
MARGIN, GAP, BAR = 0.15, 0.12, 0.14  # inches
WIDTH = 2 * MARGIN + 2 * PANEL + GAP + 0.88  # the bar's labels included: 994 px
SMALL = 0.8  # inches; side of a training patch
NAME_FITS = 70  # characters of a path in the title
ALARM_FITS = 85  # characters of a line in red


@dataclass(frozen=True)
class Neighbour:
    """A training patch: what the bundle remembers of it, and its picture where the data is at hand."""

    path: str
    patient: str
    label: int
    hash: str  # of its pixels
    similarity: float
    image: np.ndarray | None = None  # uint8 (50, 50, 3)


@dataclass(frozen=True)
class Explanation:
    """A patch and all that explains its probability."""

    name: str
    patient: str
    image: np.ndarray  # uint8 (50, 50, 3)
    probability: float
    evidence: np.ndarray  # float32 (h, w), log odds
    decision: int  # 1 malignant, 0 benign, -1 unsure
    reason: str = ""  # why it cannot be judged
    hash: str = ""  # of its pixels
    known: str = ""  # side of the patient when the model was trained: train, val, or unknown to it
    neighbours: list[Neighbour] = field(default_factory=list)

    @property
    def call(self) -> str:
        """The decision as a word."""
        return WORDS[self.decision]


def draw_explanation(shown: Explanation, *, model: str, threshold: float, span: float, warning: str = "") -> Figure:
    """Draw a patch, its evidence and its nearest training patches.

    White is the log odds of the threshold, so the colours sum up to the call: a map that is orange on balance is of
    a patch called malignant.

    Args:
        shown: what to draw.
        model: its name.
        threshold: at and above it a patch is called malignant.
        span: log odds from white to full colour.
        warning: printed in red.
    """
    pictures = any(each.image is not None for each in shown.neighbours)
    below = (0.35 + SMALL + 0.4 if pictures else 0.35 + 0.17 * len(shown.neighbours)) if shown.neighbours else 0
    alarms = textwrap.wrap(" · ".join(each for each in (warning, shown.reason) if each), ALARM_FITS)
    head = 0.62 + (0.05 + 0.15 * len(alarms) if alarms else 0)
    height = head + PANEL + 0.5 + below
    made = figure(WIDTH, height)
    made.set_layout_engine("none")  # places are known, and working them out takes most of the time
    _title(made, shown, model, threshold, "\n".join(alarms))
    top = height - head
    plain = _panel(made, MARGIN, top, PANEL)
    plain.imshow(enlarged(shown.image, SIDE))
    plain.set_xlabel(f"the patch, {PATCH_SIZE * MPP:.0f} µm wide", fontsize=8, color=MUTED)
    neutral = float(logit(threshold))
    rows, columns = shown.evidence.shape
    over = _panel(made, MARGIN + PANEL + GAP, top, PANEL)
    over.imshow(tinted(shown.image, shown.evidence, neutral=neutral, span=span, side=SIDE))
    over.set_xticks(np.linspace(0, SIDE, columns + 1) - 0.5)
    over.set_yticks(np.linspace(0, SIDE, rows + 1) - 0.5)
    over.tick_params(labelbottom=False, labelleft=False, length=3, color=MUTED)
    says = f"{columns} x {rows} cells (ticks), smoothed between; mean {shown.evidence.mean():+.2f}"
    over.set_xlabel(says, fontsize=8, color=MUTED)
    _bar(made, top, neutral, span)
    if shown.neighbours:
        _neighbours(made, shown, top - PANEL - 0.5, pictures)
    return made


def _title(made: Figure, shown: Explanation, model: str, threshold: float, alarm: str) -> None:
    height = made.get_figheight()
    name = shown.name if len(shown.name) <= NAME_FITS else "…" + shown.name[1 - NAME_FITS :]
    plain: dict[str, Any] = {"ha": "left", "va": "top", "parse_math": False}  # a name may hold a $
    left = MARGIN / WIDTH
    head = f"{shown.call}: probability of malignant {shown.probability:.3f}, threshold {threshold:.3f}"
    made.text(left, 1 - 0.09 / height, head, fontsize=11.5, fontweight="bold", color=INK, **plain)
    patient = f"; patient {shown.patient}" if shown.patient else ""
    known = {"train": ", who taught this model", "val": ", who chose its threshold"}.get(shown.known, "")
    made.text(left, 1 - 0.34 / height, f"{name}{patient}{known}; {model}", fontsize=8, color=MUTED, **plain)
    if alarm:
        made.text(left, 1 - 0.55 / height, alarm, fontsize=8.5, fontweight="bold", color=ALARM, **plain)


def _panel(made: Figure, left: float, top: float, side: float) -> Axes:
    """Add square axes without ticks, their top left corner and side in inches."""
    width, height = made.get_size_inches()
    axes = made.add_axes((left / width, (top - side) / height, side / width, side / height))
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_color(MUTED)
    return axes


def _bar(made: Figure, top: float, neutral: float, span: float) -> None:
    """Add the colour bar, in log odds."""
    width, height = made.get_size_inches()
    left = (MARGIN + 2 * PANEL + 2 * GAP) / width
    place = made.add_axes((left, (top - PANEL + 0.25) / height, BAR / width, (PANEL - 0.5) / height))
    bar = made.colorbar(ScalarMappable(scale(neutral, span), colour_map()), cax=place, extend="both")
    ticks = neutral + span * np.array([-1, -0.5, 0, 0.5, 1])
    bar.set_ticks(list(ticks), labels=[f"{tick:+.1f}" for tick in ticks])
    bar.ax.tick_params(labelsize=8, length=3)
    bar.set_label("log odds (white: the threshold)", fontsize=8)
    beside: dict[str, Any] = {"fontsize": 7.5, "ha": "left", "color": INK}
    made.text(left, top / height, "to malignant", va="top", **beside)
    made.text(left, (top - PANEL) / height, "to benign", va="bottom", **beside)


def _neighbours(made: Figure, shown: Explanation, top: float, pictures: bool) -> None:
    width, height = made.get_size_inches()
    left = MARGIN / width
    plain: dict[str, Any] = {"va": "top", "parse_math": False, "color": INK}
    head = "Training patches most like it (cosine similarity of what the model sees in them)"
    made.text(left, top / height, head, fontsize=8.5, fontweight="bold", ha="left", **plain)
    step = (width - 2 * MARGIN) / len(shown.neighbours)
    for i, each in enumerate(shown.neighbours):
        same = ", this patch" if each.hash == shown.hash else ""
        says = f"{CLASS_NAMES[each.label]}  {each.similarity:.3f}{same}"
        if not pictures:
            line = f"{says}   {each.path}"
            made.text(left, (top - 0.22 - 0.17 * i) / height, line, fontsize=8, ha="left", **plain)
            continue
        axes = _panel(made, MARGIN + i * step, top - 0.22, SMALL)
        if each.image is None:
            axes.text(0.5, 0.5, "not in\nthe data", fontsize=7, ha="center", va="center", color=MUTED)
        else:
            axes.imshow(each.image, interpolation="bicubic")
        under = f"{says}\npatient {each.patient}" if each.patient else says
        place = ((MARGIN + i * step) / width, (top - 0.27 - SMALL) / height)
        made.text(*place, under, fontsize=7.5, ha="left", linespacing=1.25, **plain)
