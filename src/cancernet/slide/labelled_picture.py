"""The picture of which patches were taken from a slide: outlines on one side, cells on the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path
from numpy.typing import NDArray

from cancernet.common import defaults
from cancernet.maps.draw import panel, scale_bar
from cancernet.report.style import COLOURS, figure, sign
from cancernet.slide.cell_labels import Areas
from cancernet.slide.pages import reduced
from cancernet.slide.section import Section

PICTURE_PX = 1200  # longer side of the section in the picture
KINDS: dict[
    str, tuple[str, Any]
] = {  # area -> colour, line: told apart without colour too; where two meet, the later is seen
    "benign": (COLOURS[0], (0, (6, 2))),
    "malignant": (COLOURS[1], "-"),
    "both": ("#000000", (0, (1, 1))),
    "ignored": ("#59636e", (0, (3, 1, 1, 1))),
}
HATCHES = {1: "/////", 0: ""}
WIDE = 2.2  # width to height from which the panels stand above each other


def draw_taken(
    section: Section, areas: Areas, x: NDArray[Any], y: NDArray[Any], label: NDArray[Any], *, title: str, caption: str
) -> Figure:
    """Draw the annotated areas over the section, and beside them the patches that were taken.

    Args:
        section: of the slide.
        areas: annotated.
        x: int (N,), left px of the patches taken.
        y: int (N,), top px.
        label: (N,), 0 or 1.
        title: above.
        caption: below.
    """
    by = max(1, round(max(section.width, section.height) / PICTURE_PX))
    image = reduced(section, by)
    height, width = image.shape[:2]
    across = width <= WIDE * height
    made = figure(
        13.0, float(np.clip((6.1 if across else 12.6) * height / width * (1 if across else 2) + 1.6, 4.0, 40))
    )
    first, second = made.subplots(1 if across else 2, 2 if across else 1, squeeze=False).ravel()
    panel(first, image, 1.0, "Annotated")
    handles: list[Any] = []
    for name, (colour, line) in KINDS.items():
        rings = [ring / (section.factor_x * by, section.factor_y * by) for ring in _rings(getattr(areas, name))]
        if rings:
            first.add_collection(LineCollection(rings, colors=colour, linewidths=1.8, linestyles=[line]))
            called = {"both": "as both (left out)", "ignored": "left out"}.get(name, name)
            handles.append(Line2D([], [], color=colour, linestyle=line, linewidth=1.8, label=called))
    panel(second, image, 1.0, "Patches taken")
    side, keys = defaults.PATCH_SIZE / by, []
    for each, name in ((0, "benign"), (1, "malignant")):
        here = label == each
        colour = KINDS[name][0]
        look: dict[str, Any] = {"facecolor": (*to_rgb(colour), 0.25), "edgecolor": colour, "hatch": HATCHES[each]}
        second.add_patch(PathPatch(_squares(x[here] / by, y[here] / by, side), linewidth=0.6, **look))
        keys.append(Patch(label=f"{name} ({here.sum():,})", **look))
    for axes, shown in ((first, handles), (second, keys)):
        axes.set_xlim(0, width)
        axes.set_ylim(height, 0)
        scale_bar(axes, width, height, defaults.MPP * by)
        _below(axes, shown)
    return sign(made, title, caption, "")


def _below(axes: Axes, handles: list[Any]) -> None:
    """Put the legend under the picture, where it covers no tissue."""
    if handles:
        place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (0, -0.01), "ncols": 4, "borderaxespad": 0}
        axes.legend(handles=handles, fontsize=8, frameon=False, handlelength=3, **place)


def _rings(shape: Any) -> Iterator[NDArray[np.float64]]:
    for part in getattr(shape, "geoms", [shape]):
        if not part.is_empty:
            for ring in (part.exterior, *part.interiors):
                yield np.asarray(ring.coords)[:, :2]


def _squares(x: NDArray[Any], y: NDArray[Any], side: float) -> Path:
    """Return one path of all squares: a hatch of each by itself would take minutes."""
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]) * side
    points = np.stack([x, y], axis=1)[:, None] + corners
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    return Path(points.reshape(-1, 2), np.tile(codes, len(points)).astype(Path.code_type))
