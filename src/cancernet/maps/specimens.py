"""Specimens of a folder or zip: patches whose names state patient and position, patient by patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.common.text import utf8
from cancernet.context.grid import Grid, to_grid
from cancernet.data.layout import Layout, detect_layout, place
from cancernet.data.names import parse_name, specimen_of
from cancernet.data.source import Member
from cancernet.data.stream import PatchStream

GLASS = 255  # grey level of what no patch covers
UNKNOWN = -1  # label of a patch that has none


@dataclass(frozen=True)
class Specimen:
    """The patches of one patient.

    Attributes:
        patient: id.
        table: path, x, y (px), label (0, 1, or -1 where unknown), width, height (px, as in the file).
        images: uint8 (N, 50, 50, 3) RGB, row by row of the table.
    """

    patient: str
    table: pd.DataFrame
    images: NDArray[np.uint8]

    def grid(self, values: object) -> Grid:
        """Lay values (N,) on the grid of the stitched section, whose origin is its first cell.

        Raises:
            UserError: the positions are on no grid, or two patches at one place.
        """
        found = to_grid(self.table["x"], self.table["y"], np.asarray(values))
        return Grid(found.values, step=found.step)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Which patches (N,) have a label."""
        return (self.table["label"] >= 0).to_numpy()

    @property
    def area_mm2(self) -> NDArray[np.float64]:
        """Tissue of each patch (N,) in mm2; those at an edge are smaller."""
        return self.table["width"].to_numpy() * self.table["height"].to_numpy() * (defaults.MPP / 1000) ** 2


def list_specimens(stream: PatchStream) -> dict[str, list[Member]]:
    """Sort the files of a folder or zip by patient; files that state none go to the stream's errors."""
    found: dict[str, list[Member]] = {}
    for member in stream.members:
        specimen = specimen_of(member.path)
        if utf8(member.path) != member.path:
            stream.errors.append((utf8(member.path), "unreadable (its name is not valid UTF-8)"))
        elif specimen:
            found.setdefault(specimen, []).append(member)
        else:
            reason = "its name states no patient and position (PATIENT_idx5_xX_yY.png)"
            stream.errors.append((member.path, reason))
    return dict(sorted(found.items()))


def read_specimen(stream: PatchStream, patient: str, members: list[Member], *, threads: int | None = None) -> Specimen:
    """Read and decode the patches of one patient; files that cannot be used go to the stream's errors.

    The label is that of the class folder, or else of the file's name; unknown where neither says.

    Args:
        stream: where they are.
        patient: id.
        members: its files.
        threads: that decode.

    Returns:
        The specimen, perhaps without any patch.
    """
    layout = _layout(members)

    def label_of(path: str) -> int:
        if layout is not None and layout.folders[path.rpartition("/")[0]].label is not None:
            return place(path, layout).label
        known = parse_name(path).label
        return UNKNOWN if known is None else known

    rows, images = [], []
    for chunk in stream.chunks(what="read", check=label_of, only=members, threads=threads, hidden=True):
        images.append(chunk.images)
        for member, label, (width, height) in zip(chunk.members, chunk.checked, chunk.sizes, strict=True):
            name = parse_name(member.path)
            rows.append((member.path, name.x, name.y, label, int(width), int(height)))
    table = pd.DataFrame(rows, columns=["path", "x", "y", "label", "width", "height"])
    pixels = np.concatenate(images) if images else np.zeros((0, 50, 50, 3), np.uint8)
    return Specimen(patient, table, pixels)


def _layout(members: list[Member]) -> Layout | None:
    """Return what the folders of some files say; nothing where they say no class, or not which."""
    try:
        return detect_layout([member.path for member in members])
    except UserError:
        return None


def stitch(specimen: Specimen) -> NDArray[np.uint8]:
    """Put a section together: uint8 (H, W, 3) RGB, white where there is no patch.

    A patch smaller than 50 x 50 px, as at an edge, takes the place that its file fills.

    Raises:
        UserError: positions so far apart that they cannot be of one section.
    """
    table = specimen.table
    left, top = table["x"].to_numpy(np.int64), table["y"].to_numpy(np.int64)
    left, top = left - left.min(), top - top.min()
    right, low = left + table["width"].to_numpy(), top + table["height"].to_numpy()
    height, width = int(low.max()), int(right.max())
    if height * width > defaults.SLIDE_MAX_SECTION:
        raise UserError(f"positions span {width:,} x {height:,} px, more than a slide has: check x and y")
    section = np.full((height, width, 3), GLASS, np.uint8)
    for image, x, y, x1, y1 in zip(specimen.images, left, top, right, low, strict=True):
        section[y:y1, x:x1] = image[: y1 - y, : x1 - x]
    return section


def holes(grid: Grid) -> int:
    """Count the gaps that patches surround: cells without one that the outside does not reach."""
    from scipy.ndimage import binary_fill_holes

    return int((binary_fill_holes(grid.there) & ~grid.there).sum())
