"""Which patches a model can answer at all, and whether a patient's stain is like the one it learned from.

A patch is looked at by itself: is there anything on it, has it the colours of haematoxylin and eosin, is it in focus,
has the model seen such colours? Then with the others of its patient or folder, whose mean colours tell a foreign stain
or scanner long before any one patch does. What is not answered gets a reason, the same words in every command.

The limits rest on the patches of the public set; `docs/trust.md` has how often each is a false alarm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cancernet.common.defaults import WHITE_LEVEL
from cancernet.model.colours import Colours, N, Statistics, colour_statistics

BLANK = "no stained tissue: blank glass, or one even grey"
NO_STAIN = "no stained tissue: none of the colours of haematoxylin and eosin (black, grey, ink or noise)"
OUT_OF_FOCUS = "out of focus, or of one even colour"
OTHER_COLOURS = "colours outside those of the patches that the model learned from"
OTHER_STAIN = (
    "stained or scanned unlike the patches that the model learned from ({:.1f} standard deviations, limit {:.1f}): it "
    "may miss all tumour here, or see it everywhere"
)
REFUSED = "REFUSED: {}. Nothing is called benign or malignant."  # of a whole specimen or slide

# Both dyes take more of the green light than of the red and blue, in every laboratory.
DYE = 5  # grey levels by which green lies below the mean of red and blue in a stained pixel
MIN_STAINED = 0.01  # share of the pixels so stained, less those coloured the other way; in noise they are as many
MIN_STEP = 4.0  # grey levels of green from px to px, root mean square; real tissue: 99.9 % have 8
MIN_SHARPNESS = 1.3  # of curvature to slope, squared; a Gaussian blur of 1 px (4 um) leaves 0.9, real patches have 3.6
PATCH_LIMIT = 4.0  # distance of one patch's colours; 0.1 % of training patches lie beyond
STAIN_LIMIT = 1.4  # distance of the mean colours of very many patches; of 230 patients the farthest has 1.2
CHUNK = 64  # patches looked at at once: 2 MB a plane stay in the cache


class Stain(NamedTuple):
    """How far the mean colours of a patient or folder lie from those of the training patches."""

    distance: float  # standard deviations; NaN where there is no tissue to tell by
    limit: float  # depends on how many patches there are
    n: int  # patches with tissue
    alarm: str  # "" where they are alike


class Judge:
    """Looks at patches chunk by chunk, and at patients or folders once all of theirs have been seen; in flat memory.

    Args:
        colours: that the model knows.

    Example:
        >>> from cancernet import load_model
        >>> judge = Judge(load_model().colours)
        >>> judge.see(np.zeros((1, 50, 50, 3), "uint8"), ["a"])[0][:17]
        'no stained tissue'
        >>> judge.stain("a").n
        0
    """

    def __init__(self, colours: Colours) -> None:
        self._colours = colours
        self._sums: dict[str, NDArray[np.float64]] = {}  # group -> sum of the statistics
        self._counts: dict[str, int] = {}

    def see(self, images: NDArray[np.uint8], groups: Sequence[str] | None = None) -> list[str]:
        """Return why each patch by itself cannot be answered, or "", and keep its colours in mind.

        Args:
            images: uint8 RGB (N, H, W, 3).
            groups: (N,) patient or folder of each; all of one by default.
        """
        reasons, statistics = self.look(images)
        self.note(reasons, statistics, groups)
        return reasons

    def look(self, images: NDArray[np.uint8]) -> tuple[list[str], Statistics]:
        """Return why each patch by itself cannot be answered, or "", and its colours, which are not kept in mind.

        Args:
            images: uint8 RGB (N, H, W, 3).

        Returns:
            Reasons (N,), and statistics float32 (N, 9); both as `note` takes them, in this process or another.
        """
        said: list[str] = []
        colours = [np.empty((0, N), np.float32)]
        for start in range(0, len(images), CHUNK):
            chunk = np.asarray(images[start : start + CHUNK])
            statistics = colour_statistics(chunk)
            reasons = unseen(chunk)
            reasons[(reasons == "") & (self._colours.distance(statistics) > PATCH_LIMIT)] = OTHER_COLOURS
            said += reasons.tolist()
            colours.append(statistics)
        return said, np.concatenate(colours)

    def note(self, reasons: Sequence[str], statistics: Statistics, groups: Sequence[str] | None = None) -> None:
        """Keep in mind the colours that `look` found: in the same order, and the sums are the same to the last bit."""
        of = groups if groups is not None else [""] * len(reasons)
        for group, reason, values in zip(of, reasons, statistics, strict=True):
            if reason in ("", OTHER_COLOURS):  # a foreign stain must not be judged by what passes for our own
                self._sums[group] = self._sums.get(group, np.zeros(N)) + values
                self._counts[group] = self._counts.get(group, 0) + 1

    def stain(self, group: str = "") -> Stain:
        """Say how a patient's or folder's stain is, from all of its patches seen so far."""
        n = self._counts.get(group, 0)
        if not n:
            return Stain(math.nan, math.nan, 0, "")
        distance = float(self._colours.distance(self._sums[group][None] / n)[0])
        limit = stain_limit(n)
        return Stain(distance, limit, n, OTHER_STAIN.format(distance, limit) if distance > limit else "")

    def settle(self, reasons: Sequence[str], groups: Sequence[str] | None = None) -> list[str]:
        """Return the reasons that `see` gave, and for patches with tissue of a foreign stain that reason."""
        of = groups if groups is not None else [""] * len(reasons)
        alarms = {group: self.stain(group).alarm for group in set(of)}
        return [
            (alarms[group] or reason) if reason in ("", OTHER_COLOURS) else reason
            for group, reason in zip(of, reasons, strict=True)
        ]

    @property
    def groups(self) -> list[str]:
        """The patients or folders of which tissue was seen."""
        return sorted(self._sums)

    def alarms(self) -> dict[str, str]:
        """Return each patient or folder with a foreign stain and what to say of it."""
        return {group: alarm for group in self.groups if (alarm := self.stain(group).alarm)}


def stain_limit(n: int) -> float:
    """Return the distance from which the mean colours of so many patches are foreign: few stray farther than many.

    Example:
        >>> stain_limit(1), round(stain_limit(500), 1)
        (4.0, 1.5)
    """
    return STAIN_LIMIT + (PATCH_LIMIT - STAIN_LIMIT) / math.sqrt(n)


def kind_of(reason: str) -> str:
    """Return a reason without its figures, to count by.

    Example:
        >>> kind_of(OTHER_STAIN.format(2, 1))
        'stained or scanned unlike the patches that the model learned from'
    """
    return reason.partition(" (")[0] if reason.startswith(OTHER_STAIN[:20]) else reason


def has_tissue(reason: str) -> bool:
    """Whether a patch shows stained tissue in focus, known or foreign, by the reason why it cannot be judged.

    Example:
        >>> has_tissue(""), has_tissue(OTHER_COLOURS), has_tissue(NO_STAIN)
        (True, True, False)
    """
    return reason in ("", OTHER_COLOURS) or kind_of(reason) == kind_of(OTHER_STAIN)


def unseen(images: NDArray[np.uint8]) -> NDArray[np.object_]:
    """Return why nothing can be seen on each patch, or "": no tissue, or out of focus; whatever a model knows.

    Args:
        images: uint8 RGB (N, H, W, 3), a few: as many in float are held in memory.

    Returns:
        str (N,); of several reasons the plainest.
    """
    red, green, blue = (images[..., channel].astype(np.int16) for channel in range(3))
    dye = (red + blue - 2 * green).reshape(len(images), -1)
    bare = (dye > 2 * DYE).mean(axis=1) - (dye < -2 * DYE).mean(axis=1) < MIN_STAINED
    step, sharpness = _detail(green.astype(np.float32))
    said = np.full(len(images), "", dtype=object)
    even = step < MIN_STEP
    said[even | (sharpness < MIN_SHARPNESS)] = OUT_OF_FOCUS
    said[bare] = NO_STAIN
    said[bare & (even | (images.mean(axis=(1, 2, 3)) > WHITE_LEVEL))] = BLANK
    return said


def unseen_rows(images: NDArray[np.uint8], rows: NDArray[np.int64]) -> NDArray[np.object_]:
    """Do what `unseen` does for some rows (M,) of many patches, in memory or memory-mapped."""
    chunks = [unseen(images[rows[start : start + CHUNK]]) for start in range(0, len(rows), CHUNK)]
    return np.concatenate([np.empty(0, object), *chunks])


def _detail(grey: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the root mean square step from px to px, and curvature over slope, of images (N, H, W).

    A blur takes curvature sooner than slope, whatever there is to see, so their ratio tells blur from smooth tissue.
    """
    curvature, slope = squared_detail(grey)
    steep = slope.mean(axis=(1, 2))
    return np.sqrt(steep / 2), curvature.mean(axis=(1, 2)) / np.maximum(steep, 1e-6)


def squared_detail(grey: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return squared curvature and slope of each pixel but the outermost: (..., H - 2, W - 2) of (..., H, W)."""
    inner = grey[..., 1:-1, 1:-1]
    down, across = grey[..., 2:, 1:-1] - inner, grey[..., 1:-1, 2:] - inner
    curvature = down + across + grey[..., :-2, 1:-1] + grey[..., 1:-1, :-2] - 2 * inner
    return curvature**2, down**2 + across**2
