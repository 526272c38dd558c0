"""Draw a map over a section, to the pixel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap, Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch, PathPatch, Rectangle
from matplotlib.path import Path as Outline
from numpy.typing import NDArray

from cancernet.context.grid import Grid
from cancernet.report.style import COLOURS, INK, figure, sign

COLOUR_MAP = "cividis"  # blue to yellow: safe for the colour-blind, apart from the pinks of H&E, even in lightness
OPACITY = (0.2, 0.6)  # of the map at probability 0 and 1; tissue stays legible beneath it
PAINT = 0.5  # opacity of cells of one colour
CORNERS = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]])  # of a cell, column and row
HATCHED: dict[str, Any] = {"facecolor": (1, 1, 1, 0.55), "edgecolor": "#000000", "hatch": "/////"}  # pale, ruled black
TRUTH = COLOURS[5]
EDGE = "#000000"
MAX_SIDE = 1800  # px of a section in a figure; a larger one is drawn smaller
OUTCOMES = {  # (label, call) -> name, colour; the missed cancer stands out
    (1, 1): ("malignant, found", COLOURS[2]),
    (1, 0): ("malignant, missed", COLOURS[1]),
    (0, 1): ("benign, called malignant", COLOURS[3]),
}


def blend(section: NDArray[np.uint8], probability: Grid) -> NDArray[np.uint8]:
    """Lay the colours of a map over a section; where there is no patch the section stays as it is.

    Args:
        section: uint8 (H, W, 3) RGB, whose pixel 0, 0 is the grid's pixel 0, 0.
        probability: of malignant.

    Returns:
        uint8 (H, W, 3).
    """
    known = np.nan_to_num(probability.values)
    return lay(section, probability, colormaps[COLOUR_MAP](known)[..., :3] * 255, opacity_of(known))


def opacity_of(probability: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return how much of the tissue a cell's colour covers: little where there is little to show."""
    return OPACITY[0] + (OPACITY[1] - OPACITY[0]) * probability


def lay(
    section: NDArray[np.uint8], grid: Grid, colours: NDArray[np.floating], opacity: NDArray[np.floating]
) -> NDArray[np.uint8]:
    """Lay a colour (rows, columns, 3), 0 to 255, with an opacity (rows, columns) on each cell that has a patch."""
    made = section.copy()
    height, width = section.shape[:2]
    for row, column in np.argwhere(grid.there):
        top, left = grid.y0 + row * grid.step, grid.x0 + column * grid.step
        place = made[max(top, 0) : min(top + grid.step, height), max(left, 0) : min(left + grid.step, width)]
        share = float(opacity[row, column])
        place[:] = np.rint((1 - share) * place + share * colours[row, column])
    return made


def outline(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the edges between cells inside and outside of a mask: (N, 2, 2) of column, row of both ends."""
    padded = np.pad(mask, 1)
    ends = []
    for axis, along in ((1, (0, 1)), (0, (1, 0))):  # where the mask changes across and down; how that edge runs
        begins = np.argwhere(np.diff(padded, axis=axis))[:, ::-1] - along
        ends.append(np.stack([begins, begins + along], axis=1))
    return np.concatenate(ends)


def draw_map(
    section: NDArray[np.uint8],
    probability: Grid,
    malignant: NDArray[np.bool_],
    *,
    title: str,
    caption: str,
    mpp: float,
    warning: str = "",
    truth: Grid | None = None,
    unjudged: NDArray[np.bool_] | None = None,
) -> Figure:
    """Draw a section, its map, and, where labels are known, the truth and the errors.

    Args:
        section: uint8 (H, W, 3) RGB at the model's scale.
        probability: of malignant, in px of the section.
        malignant: bool (rows, columns), the calls; outlined.
        title: above.
        caption: below.
        mpp: um/px of the section, for the scale bar.
        warning: printed in red.
        truth: labels 0 and 1 on the same grid.
        unjudged: bool (rows, columns), tissue of which nothing is said; hatched.
    """
    scale = min(1.0, MAX_SIDE / max(section.shape[:2]))
    panels = 2 if truth is None else 4
    height, width = section.shape[:2]
    columns = 2 if width <= 2.2 * height else 1
    rows = panels // columns
    side = 13.0 / columns - 0.4
    made = figure(13.0, float(np.clip(rows * (side * height / width + 0.3) + 1.1, 4.0, 40)))
    axes = made.subplots(rows, columns, squeeze=False).ravel()
    called = replace(probability, values=np.where(probability.there, malignant, np.nan).astype(np.float32))
    panel(axes[0], section, scale, "Section")
    panel(axes[1], blend(section, probability), scale, "Probability of malignant")
    _contour(axes[1], called, scale)
    if truth is not None:
        panel(axes[2], _painted(section, truth, truth.values == 1, TRUTH), scale, "Labelled malignant")
        _contour(axes[2], truth, scale)
        judged = section
        for (label, call), (_, colour) in OUTCOMES.items():
            here = (truth.values == label) & (called.values == call)
            judged = _painted(judged, truth, here, colour)
        panel(axes[3], judged, scale, "Right and wrong calls")
    key = ScalarMappable(Normalize(0, 1), over_white())
    bar = made.colorbar(key, ax=axes[1], shrink=0.7, pad=0.01, aspect=30, label="probability of malignant")
    bar.ax.tick_params(labelsize=8)
    handles = [Patch(facecolor="none", edgecolor=EDGE, linewidth=1.4, label="called malignant")]
    if unjudged is not None and unjudged.any():
        _hatch(axes[1], replace(probability, values=np.where(unjudged, 1, np.nan).astype(np.float32)), scale)
        handles.append(Patch(**HATCHED, label="not judged"))
    _legend(axes[1], handles)
    if truth is not None:
        _legend(axes[3], [Patch(facecolor=colour, label=name) for name, colour in OUTCOMES.values()])
    for each in axes:
        scale_bar(each, width * scale, height * scale, mpp / scale)
    return sign(made, title, caption, warning)


def over_white() -> ListedColormap:
    """Return the colours of the map as they look on white, for the colour bar."""
    steps = np.linspace(0, 1, 256)
    share = opacity_of(steps)[:, None]
    return ListedColormap(list(share * colormaps[COLOUR_MAP](steps)[:, :3] + 1 - share))


def nice_length(um: float) -> float:
    """Return the longest of 1, 2, 5 times a power of ten (um) that is not above `um`."""
    power = 10.0 ** np.floor(np.log10(um))
    return float(max(step * power for step in (1, 2, 5) if step * power <= um))


def panel(axes: Axes, image: NDArray[np.uint8], scale: float, title: str) -> None:
    """Show a picture, uint8 (H, W, 3) RGB, reduced by `scale`, with a title and without axes."""
    if scale < 1:
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    axes.imshow(image, interpolation="nearest", extent=(0, image.shape[1], image.shape[0], 0))
    axes.set_title(title, fontsize=10, loc="left", color=INK)
    axes.set_axis_off()


def _contour(axes: Axes, called: Grid, scale: float) -> None:
    """Outline the malignant cells along their very edges."""
    edges = outline(called.values == 1) * called.step + np.array([called.x0, called.y0])
    axes.add_collection(LineCollection(list(edges * scale), colors=EDGE, linewidths=1.1, capstyle="projecting"))


def _hatch(axes: Axes, cells: Grid, scale: float) -> None:
    """Hatch some cells, one outline for all of them, so that the lines run through."""
    squares = np.argwhere(cells.there)[:, None, ::-1] + CORNERS
    corners = (squares * cells.step + np.array([cells.x0, cells.y0])) * scale
    codes = np.tile([Outline.MOVETO, *[Outline.LINETO] * 3, Outline.CLOSEPOLY], len(squares))
    axes.add_patch(PathPatch(Outline(corners.reshape(-1, 2), codes), **HATCHED, linewidth=0))


def _painted(section: NDArray[np.uint8], grid: Grid, cells: NDArray[np.bool_], colour: str) -> NDArray[np.uint8]:
    """Lay one colour on some cells."""
    some = replace(grid, values=np.where(cells, 1, np.nan).astype(np.float32))
    rgb = np.multiply(to_rgb(colour), 255)
    return lay(section, some, np.broadcast_to(rgb, (*cells.shape, 3)), np.full(cells.shape, PAINT))


def _legend(axes: Axes, handles: list[Patch]) -> None:
    axes.legend(handles=handles, fontsize=8, loc="lower right", framealpha=0.9, borderaxespad=0.3)


def scale_bar(axes: Axes, width: float, height: float, mpp: float) -> None:
    """Draw a bar of a round length in mm or um at the bottom left."""
    um = nice_length(max(width * mpp / 4, 1e-9))
    left, low, thick = width * 0.02, height * 0.975, max(height * 0.008, 2)
    text = f"{um / 1000:g} mm" if um >= 1000 or um in (100, 200, 500) else f"{um:g} µm"
    length = um / mpp
    corner, tall = (left - 4, low - thick - height * 0.06), height * 0.075 + thick
    axes.add_patch(Rectangle(corner, length + 8, tall, color="white", alpha=0.8, lw=0))
    axes.add_patch(Rectangle((left, low - thick), length, thick, color=EDGE, lw=0))
    axes.text(left + length / 2, low - thick * 1.6, text, ha="center", va="bottom", fontsize=8, color=INK)
