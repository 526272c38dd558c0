"""Slides of a site: each read at the model's scale, some of its patches with tissue measured, nothing kept of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cancernet.common import defaults
from cancernet.common.output import Output
from cancernet.common.progress import progress
from cancernet.common.text import utf8
from cancernet.data.names import stated
from cancernet.model.model import Model
from cancernet.sites.gather import Gathered
from cancernet.sites.measures import Group
from cancernet.slide.inputs import WORK, SlideInput
from cancernet.slide.job import identify, read_section
from cancernet.slide.quality import assess, reasons_of
from cancernet.slide.reader import first_line
from cancernet.slide.scale import BadSlide
from cancernet.slide.score import cut, positions
from cancernet.slide.tissue import MIN_TISSUE, block_means, find_tissue, tissue_share

MOST_PATCHES = 400  # of a slide, evenly spaced among those with tissue: the mean of more is moved by patients, not them
MIXED = 1.5  # ratio of scales from which slides count as scanned otherwise; 0.25 against 0.5 um/px is 2

Ints = NDArray[np.int64]


@dataclass
class Slides:
    """What became of slides.

    Attributes:
        groups: patients, or slides where nobody said whose they are.
        failed: path and reason of those that could not be read.
        scales: um/px of each that was, by its path.
        named: of those, how many whose patient is known.
    """

    groups: list[Group] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    scales: dict[str, float] = field(default_factory=dict)
    named: int = 0

    @property
    def notes(self) -> list[str]:
        """What a reader has to know."""
        if not self.scales or max(self.scales.values()) < MIXED * min(self.scales.values()):
            return []
        finest, coarsest = (pick(self.scales, key=self.scales.__getitem__) for pick in (min, max))
        return [
            f"Slides of different scales: {finest} has {self.scales[finest]:.3g} um/px, {coarsest} "
            f"{self.scales[coarsest]:.3g}. All are judged at the model's scale; if they are of two scanners, look at "
            "each by itself."
        ]


def gather_slides(
    items: list[SlideInput],
    model: Model,
    out: Output,
    *,
    patients: Mapping[str, str],
    threads: int,
    say: Callable[[str], None],
) -> Slides:
    """Measure and score slides, one after the other; one that cannot be read is listed and ends nothing.

    Args:
        items: the slides.
        model: that scores their patches.
        out: folder of the results; a slide's section lies there while it is looked at.
        patients: whose a slide is, by its path; slides of a patient count as one. By default a TCGA barcode says so.
        threads: CPU threads that decode.
        say: where lines for the user go.
    """
    made, gathered = Slides(), Gathered(model)
    names: dict[str, int] = {}
    with progress(total=len(items), what="site", unit=" slides") as bar:
        for item in items:
            path = utf8(item.path.as_posix())
            patient = patients.get(path) or item.patient or stated(item.title)
            name = patient or _unique(utf8(item.title), names)
            try:
                made.scales[path] = _one(item, name, gathered, model, out, threads)
                made.named += bool(patient)
            except BadSlide as error:
                made.failed.append((path, str(error)))
                say(f"WARNING: {path}: NOT USED: {error}")
            except Exception as error:  # whatever a library makes of one slide, the others are measured
                if isinstance(error, OSError):  # of writing
                    raise
                made.failed.append((path, f"unexpected {type(error).__name__}: {first_line(error)}"))
            finally:
                out.remove(WORK)
            bar.update(1)
    made.groups = gathered.groups()
    return made


def _one(item: SlideInput, name: str, gathered: Gathered, model: Model, out: Output, threads: int) -> float:
    """Measure a slide, and return its um/px."""
    section, about = read_section(item, out, identify(item), model_mpp=model.mpp, threads=threads)
    blocks = block_means(section)
    tissue = find_tissue(blocks)
    x, y = positions(section.width, section.height, defaults.PATCH_SIZE)
    kept = np.flatnonzero(tissue_share(tissue.mask, x, y, defaults.PATCH_SIZE) >= MIN_TISSUE)
    if not len(kept):
        raise BadSlide("no stained tissue found: empty glass, or an image without colour")
    kept = kept[np.unique(np.linspace(0, len(kept) - 1, min(MOST_PATCHES, len(kept))).round().astype(np.int64))]
    x, y = x[kept], y[kept]
    marked = reasons_of(assess(section, blocks, tissue), tissue, x, y)
    for images in cut(section, x, y, len(x)):
        gathered.add(images, [name] * len(x), marked)
    return float(about["mpp"]["x"])


def _unique(title: str, names: dict[str, int]) -> str:
    """Return a slide's name, with a number where another has it already."""
    names[title] = names.get(title, 0) + 1
    return title if names[title] == 1 else f"{title}-{names[title]}"
