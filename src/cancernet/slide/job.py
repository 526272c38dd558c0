"""One slide, from file to results; what is done already is not done again."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from cancernet.common import defaults
from cancernet.common.output import Output
from cancernet.common.provenance import versions
from cancernet.common.text import utf8
from cancernet.common.version import __version__
from cancernet.context.smooth import apply_context
from cancernet.model.decide import UNSURE
from cancernet.model.judge import REFUSED
from cancernet.model.model import Model
from cancernet.slide import pages, summary, tables, viewer
from cancernet.slide.annotation import Frame
from cancernet.slide.extra import PACKAGES
from cancernet.slide.formats import open_slide
from cancernet.slide.geometry import find_regions, map_cells, unjudged_cells
from cancernet.slide.inputs import SlideInput
from cancernet.slide.quality import assess, join, reasons_of
from cancernet.slide.roi import read_roi, roi_mark
from cancernet.slide.scale import BadSlide, settle
from cancernet.slide.score import judge, positions, score
from cancernet.slide.section import Section, make_section
from cancernet.slide.summary import area, share
from cancernet.slide.tissue import MIN_TISSUE, Tissue, block_means, find_tissue, tissue_share

SYNTHETIC = "The model was trained on SYNTHETIC patches: this map means nothing."
WORK = ".work"  # of a slide not finished yet; removed when it is


@dataclass(frozen=True)
class Options:
    """What a user may choose; see `batch.map_slide`."""

    stride: int = defaults.PATCH_SIZE
    threads: int = 1
    viewer_mpp: float | None = None
    roi_classes: tuple[str, ...] = ()


def identify(item: SlideInput) -> dict[str, Any]:
    """Return what tells a slide from others and from an older state of itself: path, bytes, time of change (ns).

    Raises:
        BadSlide: it is not there, or cannot be named in a table.
    """
    if utf8(str(item.path)) != str(item.path):
        raise BadSlide("its name is not valid UTF-8; rename it")
    try:
        stats = [path.stat() for path in item.files or (item.path,)]
    except OSError as error:
        absent = isinstance(error, FileNotFoundError)
        raise BadSlide("no such file" if absent else str(error.strerror)) from error
    return {
        "path": str(item.path.resolve()),
        "series": item.series,
        "bytes": sum(stat.st_size for stat in stats),
        "changed_ns": max(stat.st_mtime_ns for stat in stats),
    }


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
    started = time.perf_counter()
    section, about = read_section(
        item, out, owner, model_mpp=model.mpp, threads=options.threads, viewer_mpp=options.viewer_mpp
    )
    frame = Frame(item.path, about["file"]["width_px"], about["file"]["height_px"], section.origin)
    roi = read_roi(item.roi, options.roi_classes, frame) if item.roi else None
    read = time.perf_counter()
    blocks = block_means(section)
    tissue = find_tissue(blocks)
    x, y = positions(section.width, section.height, options.stride)
    keep = tissue_share(tissue.mask, x, y, defaults.PATCH_SIZE) >= MIN_TISSUE
    x, y = x[keep], y[keep]
    if not len(x):
        raise BadSlide("no stained tissue found: empty glass, or an image without colour")
    if roi:
        inside = roi.patches(section, x, y, options.stride)
        x, y, tissue = x[inside], y[inside], roi.within(tissue, section)
        if not len(x):
            raise BadSlide(f"no patch with tissue lies in {roi.path.name}; are these annotations of another slide?")
    reasons, stain = judge(section, x, y, model)
    if not stain.alarm:
        reasons = join(reasons, reasons_of(assess(section, blocks, tissue), tissue, x, y))
    if np.all(reasons != "") and not stain.alarm:
        raise BadSlide(f"not one of its {len(x):,} patches can be judged: {reasons[0]}")
    work, finer = out.folder / WORK, options.viewer_mpp
    picture = viewer.make_tiles(item, section, about["scale"], model.mpp, finer, work, threads=options.threads)
    probability = score(section, x, y, model, work, settings)
    alarms = alarms_of(model.synthetic, stain.alarm)
    predicted = time.perf_counter()

    context = apply_context(model, x, y, probability, step=options.stride, reasons=reasons)
    made = map_cells(section, x, y, probability, context, step=options.stride, mpp=model.mpp)
    regions = find_regions(made)
    measured = summary.measure(tissue, made, regions)
    open_cells = unjudged_cells(made, x, y, reasons)
    unjudged = summary.measure_unjudged(tissue, made, open_cells)
    tables.write_patches(out, section, x, y, probability, context, reasons)
    mark = f"{item.path.name}/{item.series}/{owner['bytes']}/{model.graph_sha256}/{options.stride}"
    tables.write_features(out, tables.TILES, tables.tile_features(made, mark))
    tables.write_features(out, tables.REGIONS, tables.region_features(made, regions, mark))
    pages.write_thumbnail(out, blocks)
    unsure = int(np.sum(context.decision == UNSURE))
    left_out = f" ({unsure:,} unsure and left out)" if unsure else ""
    where = f" in {roi.path.name} (dashed)" if roi else ""
    caption = (
        f"{len(x):,} patches of {model.name}{where} every {made.step * made.mpp:g} um{left_out}; "
        f"{areas_line(measured)}. Research use only."
    )
    pages.write_overlay(
        out, made, title=item.title, caption=caption, warning=" ".join(alarms), unjudged=open_cells.mask, roi=roi
    )
    seconds = {"read": read - started, "predict": predicted - read, "write": time.perf_counter() - predicted}
    whole = {
        "format": summary.FORMAT,
        "slide": item.path.name,
        "path": owner["path"],
        "series": item.series,
        "patient": item.patient,
        "scanner": item.scanner,
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
        "roi": roi.describe(section, model.mpp) if roi else None,
        "stride_px": options.stride,
        "threshold": model.threshold,
        "patches": len(x),
        "patches_malignant": int(context.malignant.sum()),
        "patches_unsure": unsure,
        "patches_in_context": int(context.in_context.sum()),
        **measured,
        **unjudged,
        "tissue_chroma": tissue.chroma,
        "stain_distance": round(stain.distance, 3),
        "stain_limit": round(stain.limit, 3),
        "refused": stain.alarm,
        "model": model.describe(),
        "synthetic": model.synthetic,
        "alarms": alarms,
        "warnings": about["warnings"]
        + alarms
        + doubts(section, tissue, options.stride)
        + list(roi.notes if roi else ())
        + summary.doubts(unjudged, refused=bool(stain.alarm)),
        "seconds": {name: round(value, 2) for name, value in seconds.items()},
        "versions": versions(PACKAGES),
        "settings": settings,
    }
    viewer.write(out, picture, made, open_cells, regions, work, whole)
    out.write_json(summary.NAME, whole)  # the last file of a slide: a folder with it is whole
    out.remove(WORK)
    return whole, False


def settings_of(item: SlideInput, owner: dict[str, Any], model: Model, options: Options) -> dict[str, Any]:
    """Return all that results depend on; a slide with the same is not mapped again."""
    return {
        "cancernet": __version__,
        "slide": owner,
        "mpp": item.mpp,
        "usual_mpp": item.usual_mpp,
        "stride": options.stride,
        "viewer_mpp": options.viewer_mpp,
        "roi": roi_mark(item.roi, item.path, options.roi_classes),
        "min_tissue": MIN_TISSUE,
        "model": model.describe(),
    }


def read_section(
    item: SlideInput,
    out: Output,
    owner: dict[str, Any],
    *,
    model_mpp: float,
    threads: int,
    viewer_mpp: float | None = None,
) -> tuple[Section, dict[str, Any]]:
    """Return the slide at the model's scale, read now or by a run that was killed, and what is known of its file.

    Args:
        item: the slide.
        out: folder of its results; the section lies in `WORK` in it.
        owner: from `identify`.
        model_mpp: um/px of the section.
        threads: that decode.
        viewer_mpp: um/px that the slide is asked for besides.

    Raises:
        BadSlide: it cannot be read, its scale cannot be believed, or it is coarser than `viewer_mpp`.
    """
    reader = open_slide(item.path, threads=threads, series=item.series)
    try:
        scale = settle(reader.found, asked=item.mpp, model_mpp=model_mpp, usual=item.usual_mpp, said_by=item.said_by)
        viewer.refuse_finer(viewer_mpp, scale)
        fingerprint = {"slide": owner, "mpp": [scale.mpp_x, scale.mpp_y], "model_mpp": model_mpp}
        section = make_section(reader, scale, model_mpp, out.path(WORK), fingerprint)
    finally:
        reader.close()
    about = {
        "file": {"kind": reader.kind, "width_px": reader.size[0], "height_px": reader.size[1]},
        "mpp": {
            "x": scale.mpp_x,
            "y": scale.mpp_y,
            "from": scale.source,
            "stated": {said.source: said.mpp_x for said in reader.found.statements},
            "not_believed": list(reader.found.doubts),
        },
        "warnings": [scale.note] if scale.note else [],
        "scale": scale,
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
