"""Which tissue of a slide cannot be judged: out of focus, folded, inked, under a bubble, off the glass.

Classical measures on blocks of 20 um, each against the slide's own stain, so that a dark or pale laboratory makes no
difference:

- out of focus: the judge's curvature over slope, here in windows of 100 um, so that a blurred part of a patch is seen;
- fold: two layers absorb twice as much (Kothari 2013 and HistoQC, Janowczyk 2019, look at saturation less brightness).
  Dense tumour is dark too, but bluer than what surrounds it, which a fold, of the same tissue, is not;
- ink: mixtures of two dyes lie in one plane of optical density (Ruifrok 2001; Macenko 2009), grey and most inks do not;
- bubble: a thin grey rim that closes a round;
- off the glass: an even, dark grey field at the section's edge, and tissue in its shade.

The limits were chosen on five complete specimens and measured on five others: `benchmarks/slide_quality.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cancernet.common.defaults import PATCH_SIZE
from cancernet.data.synthetic import EOSIN, HAEMATOXYLIN
from cancernet.model import judge
from cancernet.slide.section import Section
from cancernet.slide.tissue import BLOCK, Tissue, inked, tissue_share

WHITE = 245.0  # grey level of glass; optical density is counted from it
MIN_DENSITY = 0.15  # length of the three densities from which a hue can be told
FOCUS_WINDOW = 5  # blocks; 100 um, half a patch
FOLD_WINDOW = 41  # blocks; 0.8 mm, wider than a fold and what it lies on
FOLD_DENSITY = 1.3  # of green against the surroundings'; two layers of like tissue have up to 2
FOLD_DARK = 1.0  # of green against the percentile below
DARK_PERCENTILE = 90  # of the slide's tissue; a higher one is that of the folds where they are many
FOLD_HUE = 0.08  # red over green density above the surroundings': what is bluer has more nuclei, and is no fold
FOLD_BLOCKS = 10  # 0.004 mm2; a vessel full of blood is smaller
PLANE_PRIOR = 0.05  # weight of the reference dyes, for slides of one dye alone
PLANE_REACH = 0.3  # of the sine of the angle from the reference plane: what lies farther is no stain to fit
FOREIGN = 0.06  # density off the plane of the dyes, towards grey; 99.9 % of sound tissue lies within
FOREIGN_BLUE = 0.02  # red above green density: no mixture of the dyes takes more red than green
FOREIGN_BLOCKS = 10  # 0.004 mm2
RIM = 0.03  # density off the plane in a bubble's rim; a rim encloses by its shape, so it may be paler than ink
BUBBLE_BLOCKS = (100, 17_500)  # 0.04 to 7 mm2; smaller ones hide no patch, a larger round is an inked specimen's margin
ROUND = 0.7  # 4 pi area over squared outline, of what a rim encloses; 1 is a circle
RIM_BLOCKS = 3  # mean width of a rim at most: 60 um
GREY = 0.15  # density in each of the channels from which a grey block is no glass; 173 of 245
EDGE_BLOCKS = 625  # 0.25 mm2 of grey, at the section's edge, are no stroke of a pen
MIN_MARKED = 0.25  # share of a patch's tissue from which it is not judged
BAND, MARGIN = 200, 25  # blocks; of rows measured at once, and read about them: half of the widest window
DETAIL_BAND = 40  # blocks; 200 rows of the section, some 60 MB in float for the widest


class Kind(IntEnum):
    """Why a block is not judged; of several the highest."""

    JUDGED = 0
    OUT_OF_FOCUS = 1
    FOLD = 2
    PEN = 3
    AIR_BUBBLE = 4
    OFF_GLASS = 5


REASONS = {  # of a patch, in the tables
    Kind.OUT_OF_FOCUS: judge.OUT_OF_FOCUS,
    Kind.FOLD: "fold, or as dark as tissue that lies double",
    Kind.PEN: "pen, ink, or another colour that is no stain",
    Kind.AIR_BUBBLE: "air bubble",
    Kind.OFF_GLASS: "off the glass, or in the shade of its edge",
}


@dataclass(frozen=True)
class Quality:
    """What was found.

    Attributes:
        labels: uint8 (rows, columns), a `Kind` for each block of BLOCK px, tissue or not.
    """

    labels: NDArray[np.uint8]


def assess(section: Section, blocks: NDArray[np.uint8], tissue: Tissue) -> Quality:
    """Say of each block whether it can be judged; memory stays flat, a band of rows at a time.

    Args:
        section: of the slide, at 4 um/px.
        blocks: its mean colours, from `tissue.block_means`.
        tissue: from `tissue.find_tissue`.
    """
    labels = np.zeros(tissue.mask.shape, np.uint8)
    if not tissue.mask.any():
        return Quality(labels)
    curvature, slope = _detail(section, tissue.mask.shape)
    sample = density(blocks[tissue.mask][:: max(1, int(tissue.mask.sum()) // 200_000)])
    plane, dark = dye_plane(sample), float(np.percentile(sample[:, 1], DARK_PERCENTILE))
    found = {kind: np.zeros(labels.shape, bool) for kind in ("focus", "fold", "foreign", "rim", "grey")}
    for start in range(0, len(blocks), BAND):
        low, high = max(0, start - MARGIN), min(len(blocks), start + BAND + MARGIN)
        here, kept = slice(low, high), slice(start - low, start - low + BAND)
        mask, od = tissue.mask[here], density(blocks[here])
        off = od @ plane
        chroma = blocks[here].max(axis=2) - blocks[here].min(axis=2)
        band = {
            "focus": mask & _blurred(curvature[here], slope[here], mask),
            "fold": mask & _folded(od, mask, dark),
            "foreign": _foreign(od, off) | inked(blocks[here], tissue.chroma),
            "rim": off > RIM,
            "grey": (chroma < tissue.chroma) & (od.min(axis=2) > GREY),
        }
        for kind, values in band.items():
            found[kind][start : start + BAND] = values[kept]
    labels[found["focus"]] = Kind.OUT_OF_FOCUS
    labels[_large(found["fold"], FOLD_BLOCKS)] = Kind.FOLD
    foreign = found["foreign"] | found["grey"]
    labels[_large(foreign, FOREIGN_BLOCKS)] = Kind.PEN
    labels[_bubbles(found["rim"])] = Kind.AIR_BUBBLE
    labels[_at_edge(found["grey"])] = Kind.OFF_GLASS
    return Quality(labels)


def reasons_of(quality: Quality, tissue: Tissue, x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.object_]:
    """Return why the patches at x, y (px, multiples of BLOCK) are not judged, or "": str (N,).

    Of its blocks that are tissue or marked, MIN_MARKED must be marked; the commonest kind is named.
    """
    there = tissue_share(tissue.mask | (quality.labels > 0), x, y, PATCH_SIZE)
    shares = np.stack([tissue_share(quality.labels == kind, x, y, PATCH_SIZE) for kind in REASONS])
    names = np.array(list(REASONS.values()), dtype=object)[shares.argmax(axis=0)]
    return np.where(shares.sum(axis=0) >= np.maximum(MIN_MARKED * there, 1e-9), names, "").astype(object)


def join(judged: NDArray[np.object_], marked: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return one reason a patch, str (N,), from the judge's and from `reasons_of`.

    The judge's stands, but for foreign colours, of which a pen or the glass's edge is the plainer word.
    """
    open_ = (judged == "") | (judged == judge.OTHER_COLOURS)
    return np.where(open_ & (marked != ""), marked, judged).astype(object)


def density(colours: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the optical density of RGB colours (..., 3); at least 0."""
    table = -np.log10(np.clip(np.arange(256), 1, WHITE) / WHITE)
    return table.astype(np.float32)[colours]


def dye_plane(od: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the unit normal (3,), towards grey, of the plane through 0 in which densities (N, 3) of tissue lie.

    By least squares on directions, as Macenko (2009); the reference dyes weigh a little, for slides with one hue.
    """
    dyes = np.array([HAEMATOXYLIN, EOSIN])
    normal = np.cross(*dyes)
    normal /= np.linalg.norm(normal)
    length = np.linalg.norm(od, axis=1, keepdims=True)
    along = od[length[:, 0] > MIN_DENSITY] / length[length[:, 0] > MIN_DENSITY]
    along = along[np.abs(along @ normal) < PLANE_REACH]
    moments = along.T @ along / max(1, len(along)) + PLANE_PRIOR * dyes.T @ dyes
    fitted = np.linalg.eigh(moments)[1][:, 0]
    return (fitted * np.sign(fitted @ normal)).astype(np.float32)


def _detail(section: Section, shape: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean squared curvature and slope of the green channel in each block: float32 (rows, columns)."""
    out = (np.zeros(shape, np.float32), np.zeros(shape, np.float32))
    for start in range(0, shape[0], DETAIL_BAND):
        top, stop = start * BLOCK, min((start + DETAIL_BAND) * BLOCK, section.height)
        low, high = max(0, top - 1), min(section.height, stop + 1)
        green = section.rows(low, high)[..., 1].astype(np.float32)
        pad = (low - top + 1, stop + 1 - high + (-(stop - top) % BLOCK), 1, 1 + (-section.width % BLOCK))
        whole = np.asarray(cv2.copyMakeBorder(green, *pad, cv2.BORDER_REPLICATE), np.float32)
        size = (shape[1], -(-(stop - top) // BLOCK))
        for values, squares in zip(out, judge.squared_detail(whole), strict=True):
            values[start : start + size[1]] = cv2.resize(squares, size, interpolation=cv2.INTER_AREA)
    return out


def _blurred(curvature: NDArray[np.float32], slope: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Say which blocks lie in a window whose tissue is out of focus, or of one even colour."""
    weight = mask.astype(np.float32)
    bent, steep, there = (_sum(values * weight, FOCUS_WINDOW) for values in (curvature, slope, np.ones_like(slope)))
    even = steep / 2 < judge.MIN_STEP**2 * there
    return even | (bent < judge.MIN_SHARPNESS * steep)


def _folded(od: NDArray[np.float32], mask: NDArray[np.bool_], dark: float) -> NDArray[np.bool_]:
    """Say which blocks are far denser than their surroundings, dark for the slide, and of no bluer a hue.

    The surroundings' density is the mean weighted by itself, so that gaps between fibres do not make it less.
    """
    near = cv2.blur(od, (3, 3))
    red, green = near[..., 0], near[..., 1]
    weight = od[..., 1] * mask
    total = np.maximum(_sum(weight, FOLD_WINDOW), 1e-3)
    around = np.maximum(_sum(weight * od[..., 1], FOLD_WINDOW) / total, MIN_DENSITY / 2)
    hue = _sum(weight * od[..., 0], FOLD_WINDOW) / np.maximum(_sum(weight * od[..., 1], FOLD_WINDOW), 1e-3)
    bluer = red / np.maximum(green, MIN_DENSITY / 2) - hue
    return (green > FOLD_DENSITY * around) & (green > FOLD_DARK * dark) & (bluer < FOLD_HUE)


def _foreign(od: NDArray[np.float32], off: NDArray[np.float32]) -> NDArray[np.bool_]:
    return (off > FOREIGN) | (od[..., 0] - od[..., 1] > FOREIGN_BLUE) & (od[..., 0] > MIN_DENSITY)


def _bubbles(rim: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return what thin round rims enclose, with the rims."""
    closed = cv2.morphologyEx(rim.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    found = np.zeros_like(closed)
    outlines, tree = cv2.findContours(closed, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    for i, outline in enumerate(outlines):
        hole, length = cv2.contourArea(outline), cv2.arcLength(outline, closed=True)
        fits = BUBBLE_BLOCKS[0] <= hole <= BUBBLE_BLOCKS[1]
        if tree[0][i][3] < 0 or not fits or 4 * np.pi * hole < ROUND * length**2:
            continue
        outer = outlines[tree[0][i][3]]
        if cv2.contourArea(outer) - hole < RIM_BLOCKS * length:
            cv2.drawContours(found, [outer], -1, 1, cv2.FILLED)
    return found.astype(bool)


def _at_edge(grey: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the large pieces of a mask that reach the section's edge."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(grey.astype(np.uint8), connectivity=4)
    keep = np.asarray(stats)[:, cv2.CC_STAT_AREA] >= EDGE_BLOCKS
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    keep &= np.isin(np.arange(len(keep)), border)
    keep[0] = False
    return np.asarray(keep[labels])


def _large(mask: NDArray[np.bool_], least: int) -> NDArray[np.bool_]:
    """Return the pieces of a mask, small gaps closed, with so many blocks or more."""
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    keep = np.asarray(stats)[:, cv2.CC_STAT_AREA] >= least
    keep[0] = False
    return np.asarray(keep[labels])


def _sum(values: NDArray[Any], window: int) -> NDArray[np.float32]:
    """Return the sum over a square window about each block; beyond the edge there is nothing."""
    side = (window, window)
    return np.asarray(
        cv2.boxFilter(values.astype(np.float32), -1, side, normalize=False, borderType=cv2.BORDER_CONSTANT)
    )
