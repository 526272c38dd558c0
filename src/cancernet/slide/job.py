"""One slide, from file to results; what is done already is not done again."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cancernet.common import defaults
from cancernet.common.output import Output
from cancernet.common.provenance import versions
from cancernet.common.stages import Seconds
from cancernet.common.text import utf8
from cancernet.common.version import __version__
from cancernet.context.smooth import apply_context
from cancernet.model.decide import UNSURE
from cancernet.model.judge import REFUSED
from cancernet.model.model import Model
from cancernet.slide import pages, summary, tables
from cancernet.slide.extra import PACKAGES
from cancernet.slide.formats import open_slide
from cancernet.slide.geometry import find_regions, map_cells
from cancernet.slide.inputs import SlideInput
from cancernet.slide.scale import BadSlide, settle
from cancernet.slide.score import positions, score
from cancernet.slide.section import Section, make_section
from cancernet.slide.summary import area, share
from cancernet.slide.tissue import MIN_TISSUE, Tissue, block_means, find_tissue, tissue_share

SYNTHETIC = "The model was trained on SYNTHETIC patches: this map means nothing."
# of which reading goes side by side with reducing to the model's scale, and judging with predicting
STAGES = ("read", "reduce", "judge", "predict", "write")
WORK = ".work"  # of a slide not finished yet; removed when it is


@dataclass(frozen=True)
class Options:
    """What a user may choose; see `batch.map_slide`."""

    stride: int = defaults.PATCH_SIZE
    threads: int = 1


def identify(path: Path) -> dict[str, Any]:
    """Return what tells a slide from others and from an older state of itself: path, bytes, time of change (ns).

    Raises:
        BadSlide: it is not there, or cannot be named in a table.
    """
    if utf8(str(path)) != str(path):
        raise BadSlide("its name is not valid UTF-8; rename it")
    try:
        stat = path.stat()
    except OSError as error:
        absent = isinstance(error, FileNotFoundError)
        raise BadSlide("no such file" if absent else str(error.strerror)) from error
    return {"path": str(path.resolve()), "bytes": stat.st_size, "changed_ns": stat.st_mtime_ns}


def map_one(
    item: SlideInput, out: Output, owner: dict[str, Any], model: Model, options: Options
) -> tuple[dict[str, Any], bool]:
    """Map one slide into its folder.

    Args:
        item: the slide.
        out: folder for its results.
        owner: from `identify`.
        model: the model.
        options: what the user chose.

    Returns:
        The summary, and whether it was there already, with the same slide, model and settings.

    Raises:
        BadSlide: the reason why there is no map.
        OSError: the results cannot be written.
    """
    settings = settings_of(item, owner, model, options)
    found = summary.read_summary(out.folder)
    if found and found.get("settings") == settings and all((out.folder / name).is_file() for name in pages.FILES):
        return found, True
    out.remove(summary.NAME)  # the other files are replaced now: they are no longer one whole
    started, seconds = time.perf_counter(), Seconds(*STAGES)
    section, about = _read(item, out, owner, model, options, seconds)
    blocks = block_means(section)
    tissue = find_tissue(blocks)
    x, y = positions(section.width, section.height, options.stride)
    keep = tissue_share(tissue.mask, x, y, defaults.PATCH_SIZE) >= MIN_TISSUE
    x, y = x[keep], y[keep]
    if not len(x):
        raise BadSlide("no stained tissue found: empty glass, or an image without colour")
    probability, reasons, stain = score(section, x, y, model, out.folder / WORK, settings, seconds)
    if np.all(reasons != "") and not stain.alarm:
        raise BadSlide(f"not one of its {len(x):,} patches can be judged: {reasons[0]}")
    alarms = alarms_of(model.synthetic, stain.alarm)
    predicted = time.perf_counter()

    context = apply_context(model, x, y, probability, step=options.stride, reasons=reasons)
    made = map_cells(section, x, y, probability, context, step=options.stride, mpp=model.mpp)
    regions = find_regions(made)
    measured = summary.measure(tissue, made, regions)
    tables.write_patches(out, section, x, y, probability, context, reasons)
    mark = f"{item.path.name}/{owner['bytes']}/{model.graph_sha256}/{options.stride}"
    tables.write_features(out, tables.TILES, tables.tile_features(made, mark))
    tables.write_features(out, tables.REGIONS, tables.region_features(made, regions, mark))
    pages.write_thumbnail(out, blocks)
    unsure = int(np.sum(context.decision == UNSURE))
    left_out = f" ({unsure:,} unsure and left out)" if unsure else ""
    caption = (
        f"{len(x):,} patches of {model.name} every {made.step * made.mpp:g} um{left_out}; {areas_line(measured)}. "
        "Research use only."
    )
    pages.write_overlay(out, made, title=item.path.stem, caption=caption, warning=" ".join(alarms))
    ended = time.perf_counter()
    seconds.add("write", ended - predicted)
    seconds.add("whole", ended - started)
    whole = {
        "format": summary.FORMAT,
        "slide": item.path.name,
        "path": owner["path"],
        "file": about["file"],
        "mpp": about["mpp"],
        "section": {
            "width_px": section.width,
            "height_px": section.height,
            "factor_x": section.factor_x,
            "factor_y": section.factor_y,
            "origin_px": list(section.origin),
            "level": section.level,
        },
        "stride_px": options.stride,
        "threshold": model.threshold,
        "patches": len(x),
        "patches_malignant": int(context.malignant.sum()),
        "patches_unsure": unsure,
        "patches_in_context": int(context.in_context.sum()),
        **measured,
        "tissue_chroma": tissue.chroma,
        "stain_distance": round(stain.distance, 3),
        "stain_limit": round(stain.limit, 3),
        "refused": stain.alarm,
        "model": model.describe(),
        "synthetic": model.synthetic,
        "alarms": alarms,
        "warnings": about["warnings"] + alarms + doubts(section, tissue, options.stride),
        "seconds": seconds.rounded(),
        "versions": versions(PACKAGES),
        "settings": settings,
    }
    out.write_json(summary.NAME, whole)  # the last file of a slide: a folder with it is whole
    out.remove(WORK)
    return whole, False


def settings_of(item: SlideInput, owner: dict[str, Any], model: Model, options: Options) -> dict[str, Any]:
    """Return all that results depend on; a slide with the same is not mapped again."""
    return {
        "cancernet": __version__,
        "slide": owner,
        "mpp": item.mpp,
        "stride": options.stride,
        "min_tissue": MIN_TISSUE,
        "model": model.describe(),
    }


def _read(
    item: SlideInput, out: Output, owner: dict[str, Any], model: Model, options: Options, seconds: Seconds
) -> tuple[Section, dict[str, Any]]:
    """Return the slide at the model's scale, read now or by a run that was killed, and what is known of its file."""
    reader = open_slide(item.path, threads=options.threads)
    try:
        scale = settle(reader.found, asked=item.mpp, model_mpp=model.mpp)
        fingerprint = {"slide": owner, "mpp": [scale.mpp_x, scale.mpp_y], "model_mpp": model.mpp}
        section = make_section(reader, scale, model.mpp, out.path(WORK), fingerprint, seconds)
    finally:
        reader.close()
    about = {
        "file": {"kind": reader.kind, "width_px": reader.size[0], "height_px": reader.size[1]},
        "mpp": {"x": scale.mpp_x, "y": scale.mpp_y, "from": scale.source},
        "warnings": [scale.note] if scale.note else [],
    }
    return section, about


def areas_line(measured: dict[str, Any]) -> str:
    """Return how much tissue there is and how much of it is called malignant, in words."""
    tissue = f"tissue {area(measured['tissue_mm2'])} mm2"
    if measured["malignant_mm2"] is None:
        return f"{tissue}, refused"
    return (
        f"{tissue}, called malignant {area(measured['malignant_mm2'])} mm2, "
        f"{share(measured['malignant_share'])} of the analysed"
    )


def doubts(section: Section, tissue: Tissue, stride: int) -> list[str]:
    """Return what a reader of the results ought to know."""
    found = []
    for edge, side in (("right", section.width), ("bottom", section.height)):
        last = (side - defaults.MIN_PATCH_SIDE) // stride * stride
        rest = side - last - defaults.PATCH_SIZE
        if rest > 0:
            found.append(f"{rest} px at the {edge} edge are too narrow for a patch and were left out")
    if tissue.pen > 0.01:
        found.append(f"{tissue.pen:.0%} of what is coloured is green or blue ink and was left out")
    return found


def alarms_of(synthetic: bool, stain: str) -> list[str]:
    """Return why a map may mean nothing, from whether the model learned from drawn patches and `Stain.alarm`."""
    found = [SYNTHETIC] if synthetic else []
    return [*found, REFUSED.format(stain)] if stain else found
