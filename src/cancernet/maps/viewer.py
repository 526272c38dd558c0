"""The page `viewer.html`: a section as a deep-zoom picture under its map, opened from a folder, without a server.

viewer.html            the page, with the cells of the map and the list of regions in it
viewer/                what it needs: the tiles, the script, OpenSeadragon and its licence

A browser lets no page that was opened as a file fetch anything or read the pixels of a picture, so what the script has
to know stands in the page itself. Each folder has its own OpenSeadragon (0.35 MB), so that it may be moved or sent.
"""

from __future__ import annotations

import base64
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex
from numpy.typing import NDArray

from cancernet.common.output import Output
from cancernet.maps.draw import COLOUR_MAP, opacity_of, over_white
from cancernet.maps.pyramid import TILE_PX, sizes_of
from cancernet.report.page import fill

PAGE, FOLDER, TILES = "viewer.html", "viewer", "viewer/tiles"
FILES = (PAGE, f"{TILES}/0/0_0.jpg")  # what is there where the whole is: the page is written last
LIBRARY = ("openseadragon.min.js", "openseadragon.LICENSE.txt")
SCRIPT = "viewer.js"
STEPS = 10_000  # of a probability in the page; it shows three decimals
NOTHING = 65_535  # stands for a cell without a probability
BENIGN, MALIGNANT, UNSURE = 1, 2, 3  # what a cell is called; UNSURE + i is unsure for the reason i, 0 is no tissue
LISTED = 200  # regions; of a slide with more, the smaller ones are in its tables alone
STOPS = 12  # colours of the legend's gradient; between them browsers blend


@dataclass(frozen=True)
class Cells:
    """A map as the viewer shows it.

    Attributes:
        values: float32 (rows, columns), probability of malignant, NaN where there is none.
        malignant: bool (rows, columns), the calls.
        unsure: int (rows, columns), 0 or 1 + the index of the reason why a cell without a probability has none.
        reasons: of the unsure; "" says nothing, and stands in no list.
        um: side of a cell.
        width_um: of the section; cells beyond it are cut.
        height_um: the same, downwards.
    """

    values: NDArray[np.float32]
    malignant: NDArray[np.bool_]
    unsure: NDArray[np.int64]
    reasons: tuple[str, ...]
    um: float
    width_um: float
    height_um: float

    @property
    def states(self) -> NDArray[np.int64]:
        """What each cell is called: int (rows, columns)."""
        called = np.where(self.malignant, MALIGNANT, BENIGN)
        unsure = np.where(self.unsure > 0, UNSURE - 1 + self.unsure, 0)
        return np.where(np.isfinite(self.values), called, unsure)


@dataclass(frozen=True)
class Spot:
    """A malignant region in the list: its area, mean probability, and left, top, right, bottom in cells."""

    mm2: str
    mean: float
    box: tuple[int, int, int, int]


@dataclass(frozen=True)
class Picture:
    """The tiles beneath the map.

    Attributes:
        width: px of the finest level.
        height: the same, downwards.
        mpp: um a px of it.
        slide_mpp: um across and down under a px that places are told in.
        origin: x, y in such px of the top left corner.
    """

    width: int
    height: int
    mpp: float
    slide_mpp: tuple[float, float]
    origin: tuple[int, int] = (0, 0)


def write_viewer(
    out: Output,
    picture: Picture,
    cells: Cells,
    spots: Sequence[Spot],
    tiles: Path,
    *,
    title: str,
    model: str,
    threshold: float,
    facts: Sequence[tuple[str, str]],
    refused: bool,
    alarms: Sequence[str],
    warnings: Sequence[str],
    still: str,
    tables: str,
) -> None:
    """Write the page and its folder; those of an earlier run go first, so that no tile of it stays.

    Args:
        out: folder of the results.
        picture: what the tiles show.
        cells: the map.
        spots: the malignant regions, largest first.
        tiles: folder of the tiles, from `write_pyramid`; it is moved.
        title: name of the slide.
        model: its name.
        threshold: malignant from it on.
        facts: name and value, for the table.
        refused: whether nothing on it is called benign or malignant.
        alarms: why the map may mean nothing; shown large.
        warnings: what else a reader ought to know.
        still: name of the picture for those whose browser runs no scripts.
        tables: where the regions that are not listed stand.
    """
    for name in (PAGE, FOLDER):
        out.remove(name)
    for name in LIBRARY:
        out.write_bytes(f"{FOLDER}/{name}", (resources.files("cancernet.maps") / "vendor" / name).read_bytes())
    script = resources.files("cancernet.report") / "templates" / SCRIPT
    out.write_bytes(f"{FOLDER}/{SCRIPT}", script.read_bytes())
    shutil.move(tiles, out.path(TILES))
    context = {
        "title": title,
        "model": model,
        "threshold": threshold,
        "facts": facts,
        "refused": refused,
        "alarms": alarms,
        "warnings": warnings,
        "still": still,
        "tables": tables,
        "folder": FOLDER,
        "library": LIBRARY[0],
        "script": SCRIPT,
        "spots": spots[:LISTED],
        "more": len(spots) - LISTED,
        "reasons": [reason for reason in cells.reasons if reason],
        "gradient": ", ".join(to_hex(over_white()(share)) for share in np.linspace(0, 1, STOPS)),
        "data": page_data(picture, cells, spots[:LISTED]),
    }
    out.write_text(PAGE, fill("viewer.html", context))


def page_data(picture: Picture, cells: Cells, spots: Sequence[Spot]) -> dict[str, Any]:
    """Return what the script is told: lengths in um but for px of the tiles, arrays as base64 of uint16, row by row."""
    rows, columns = cells.values.shape
    return {
        "tiles": {
            "folder": TILES,
            "width": picture.width,
            "height": picture.height,
            "side": TILE_PX,
            "levels": len(sizes_of(picture.width, picture.height)),
            "mpp": picture.mpp,
        },
        "slide_mpp": picture.slide_mpp,
        "origin": picture.origin,
        "cells": {
            "rows": rows,
            "columns": columns,
            "um": cells.um,
            "width_um": cells.width_um,
            "height_um": cells.height_um,
            "steps": STEPS,
            "probability": packed(np.nan_to_num(np.rint(cells.values * STEPS), nan=NOTHING)),
            "state": packed(cells.states),
            "reasons": cells.reasons,
        },
        "palette": palette(),
        "regions": [spot.box for spot in spots],
    }


def packed(values: NDArray[Any]) -> str:
    """Return whole numbers of 0 to 65,535 as base64 of little-endian uint16."""
    return base64.b64encode(values.astype("<u2").tobytes()).decode("ascii")


def palette() -> list[int]:
    """Return red, green, blue, opacity (0-255) for each of 256 probabilities, as the figures have them."""
    shares = np.linspace(0, 1, 256)
    colours = colormaps[COLOUR_MAP](shares)
    colours[:, 3] = opacity_of(shares)
    return [int(value) for value in np.rint(colours * 255).ravel()]
