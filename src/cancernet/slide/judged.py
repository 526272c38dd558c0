"""The patches of a slide, judged: where there is tissue, what the model says of it, and what it cannot say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.common import defaults
from cancernet.common.stages import Seconds
from cancernet.maps.viewer import Picture
from cancernet.model.judge import Stain
from cancernet.model.model import Model
from cancernet.slide import viewer
from cancernet.slide.annotation import Frame
from cancernet.slide.inputs import Options, SlideInput
from cancernet.slide.quality import assess, join, reasons_of
from cancernet.slide.roi import Roi, read_roi
from cancernet.slide.scale import BadSlide
from cancernet.slide.score import positions, score
from cancernet.slide.section import Section
from cancernet.slide.tissue import MIN_TISSUE, Tissue, block_means, find_tissue, tissue_share


@dataclass(frozen=True)
class Judged:
    """A slide whose patches have been judged.

    Attributes:
        section: of the slide.
        blocks: uint8 (rows, columns, 3), the mean colours of its blocks.
        tissue: within the region of interest, where there is one.
        roi: that region.
        x: int (N,), left px of the patches.
        y: int (N,), top px.
        probability: float32 (N,), of malignant, of each patch by itself.
        reasons: str (N,), why a patch cannot be judged, or "".
        stain: of the slide.
        picture: the tiles of the viewer.
    """

    section: Section
    blocks: NDArray[np.uint8]
    tissue: Tissue
    roi: Roi | None
    x: NDArray[np.int64]
    y: NDArray[np.int64]
    probability: NDArray[np.float32]
    reasons: NDArray[Any]
    stain: Stain
    picture: Picture


def judge_slide(
    item: SlideInput,
    section: Section,
    about: dict[str, Any],
    work: Path,
    model: Model,
    options: Options,
    settings: dict[str, Any],
    seconds: Seconds,
) -> Judged:
    """Find the patches with tissue, and judge them.

    Args:
        item: the slide.
        section: of it.
        about: from `job.read_section`.
        work: folder of the work.
        model: the model.
        options: what the user chose.
        settings: what the scores depend on.
        seconds: gets how long each stage was at work.

    Raises:
        BadSlide: no tissue, none in the region of interest, or not a patch that can be judged.
        UserError: the region of interest cannot be read.
    """
    blocks = block_means(section)
    tissue = find_tissue(blocks)
    x, y = positions(section.width, section.height, options.stride)
    keep = tissue_share(tissue.mask, x, y, defaults.PATCH_SIZE) >= MIN_TISSUE
    x, y = x[keep], y[keep]
    if not len(x):
        raise BadSlide("no stained tissue found: empty glass, or an image without colour")
    frame = Frame(item.path, about["file"]["width_px"], about["file"]["height_px"], section.origin)
    roi = read_roi(item.roi, options.roi_classes, frame) if item.roi else None
    if roi:
        inside = roi.patches(section, x, y, options.stride)
        x, y, tissue = x[inside], y[inside], roi.within(tissue, section)
        if not len(x):
            raise BadSlide(f"no patch with tissue lies in {roi.path.name}; are these annotations of another slide?")
    with seconds.of("tiles"):
        finer = options.viewer_mpp
        picture = viewer.make_tiles(item, section, about["scale"], model.mpp, finer, work, threads=options.threads)
    embeddings = "h5ad" in options.tables
    probability, reasons, stain = score(section, x, y, model, work, settings, seconds, embeddings=embeddings)
    if not stain.alarm:
        with seconds.of("judge"):
            reasons = join(reasons, reasons_of(assess(section, blocks, tissue), tissue, x, y))
        if np.all(reasons != ""):
            raise BadSlide(f"not one of its {len(x):,} patches can be judged: {reasons[0]}")
    return Judged(section, blocks, tissue, roi, x, y, probability, reasons, stain, picture)
