"""One slide, from file to results; what is done already is not done again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.common import defaults
from cancernet.common.output import Output
from cancernet.common.provenance import versions
from cancernet.common.stages import Seconds
from cancernet.common.text import utf8
from cancernet.common.version import __version__
from cancernet.context.smooth import apply_context
from cancernet.maps.viewer import Picture
from cancernet.model.decide import UNSURE
from cancernet.model.judge import REFUSED, Stain
from cancernet.model.model import Model
from cancernet.slide import pages, summary, tables, viewer
from cancernet.slide.annotation import Frame
from cancernet.slide.extra import PACKAGES
from cancernet.slide.formats import open_slide
from cancernet.slide.geometry import find_regions, map_cells, unjudged_cells
from cancernet.slide.inputs import SlideInput
from cancernet.slide.quality import assess, join, reasons_of
from cancernet.slide.roi import Roi, read_roi, roi_mark
from cancernet.slide.scale import BadSlide, settle
from cancernet.slide.score import positions, score
from cancernet.slide.section import Section, make_section
from cancernet.slide.summary import area, share
from cancernet.slide.tiff_tiles import absence
from cancernet.slide.tissue import MIN_TISSUE, Tissue, block_means, find_tissue, tissue_share

SYNTHETIC = "The model was trained on SYNTHETIC patches: this map means nothing."
# of which reading goes side by side with reducing to the model's scale, and judging with predicting
STAGES = ("read", "reduce", "tiles", "judge", "predict", "write")
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
    seconds = Seconds(*STAGES)
    with seconds.of("whole"):
        section, about = read_section(
            item,
            out,
            owner,
            model_mpp=model.mpp,
            threads=options.threads,
            viewer_mpp=options.viewer_mpp,
            seconds=seconds,
        )
        judged = _judge(item, section, about, out.folder / WORK, model, options, settings, seconds)
        with seconds.of("write"):
            whole = _write(item, out, judged, about, model, options)
    whole |= {"path": owner["path"], "seconds": seconds.rounded(), "settings": settings}
    out.write_json(summary.NAME, whole)  # the last file of a slide: a folder with it is whole
    out.remove(WORK)
    return whole, False


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


def _judge(
    item: SlideInput,
    section: Section,
    about: dict[str, Any],
    work: Path,
    model: Model,
    options: Options,
    settings: dict[str, Any],
    seconds: Seconds,
) -> Judged:
    """Find the patches with tissue, and judge them."""
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
    probability, reasons, stain = score(section, x, y, model, work, settings, seconds)
    if not stain.alarm:
        with seconds.of("judge"):
            reasons = join(reasons, reasons_of(assess(section, blocks, tissue), tissue, x, y))
        if np.all(reasons != ""):
            raise BadSlide(f"not one of its {len(x):,} patches can be judged: {reasons[0]}")
    return Judged(section, blocks, tissue, roi, x, y, probability, reasons, stain, picture)


def _write(
    item: SlideInput, out: Output, judged: Judged, about: dict[str, Any], model: Model, options: Options
) -> dict[str, Any]:
    """Write all files but the summary, and return that."""
    section, x, y, reasons, roi = judged.section, judged.x, judged.y, judged.reasons, judged.roi
    context = apply_context(model, x, y, judged.probability, step=options.stride, reasons=reasons)
    made = map_cells(section, x, y, judged.probability, context, step=options.stride, mpp=model.mpp)
    regions, unjudged = find_regions(made), unjudged_cells(made, x, y, reasons)
    measured = summary.measure(judged.tissue, made, regions) | summary.measure_unjudged(judged.tissue, made, unjudged)
    alarms = alarms_of(model.synthetic, judged.stain.alarm)
    tables.write_patches(out, section, x, y, judged.probability, context, reasons)
    mark = mark_of(item, about, model, options)
    tables.write_features(out, tables.TILES, tables.tile_features(made, mark))
    tables.write_features(out, tables.REGIONS, tables.region_features(made, regions, mark))
    pages.write_thumbnail(out, judged.blocks)
    unsure = int(np.sum(context.decision == UNSURE))
    left_out = f" ({unsure:,} unsure and left out)" if unsure else ""
    where = f" in {roi.path.name} (dashed)" if roi else ""
    caption = (
        f"{len(x):,} patches of {model.name}{where} every {made.step * made.mpp:g} um{left_out}; "
        f"{areas_line(measured)}. Research use only."
    )
    pages.write_overlay(
        out, made, title=item.title, caption=caption, warning=" ".join(alarms), unjudged=unjudged.mask, roi=roi
    )
    warnings = [
        *about["warnings"],
        *alarms,
        *doubts(section, judged.tissue, options.stride),
        *(roi.notes if roi else ()),
        *summary.doubts(measured, refused=bool(judged.stain.alarm)),
    ]
    whole = {
        "format": summary.FORMAT,
        "slide": item.path.name,
        "series": item.series,
        "patient": item.patient,
        "scanner": item.scanner,
        "file": about["file"],
        "mpp": about["mpp"],
        "section": section.describe(),
        "roi": roi.describe(section, model.mpp) if roi else None,
        "stride_px": options.stride,
        "threshold": model.threshold,
        "patches": len(x),
        "patches_malignant": int(context.malignant.sum()),
        "patches_unsure": unsure,
        "patches_in_context": int(context.in_context.sum()),
        **measured,
        "tissue_chroma": judged.tissue.chroma,
        "stain_distance": round(judged.stain.distance, 3),
        "stain_limit": round(judged.stain.limit, 3),
        "refused": judged.stain.alarm,
        "model": model.describe(),
        "synthetic": model.synthetic,
        "alarms": alarms,
        "warnings": warnings,
        "versions": versions(PACKAGES),
    }
    viewer.write(out, judged.picture, made, unjudged, regions, out.folder / WORK, whole)
    return whole


def mark_of(item: SlideInput, about: dict[str, Any], model: Model, options: Options) -> str:
    """Return what identifiers of places depend on besides these: slide, its scale, model and stride."""
    scale = about["scale"]
    slide = f"{item.path.name}/{about['file']['bytes']}/{item.series}/{scale.mpp_x:g}x{scale.mpp_y:g}"
    return f"{slide}/{model.graph_sha256}/{options.stride}"


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
    seconds: Seconds | None = None,
) -> tuple[Section, dict[str, Any]]:
    """Return the slide at the model's scale, read now or by a run that was killed, and what is known of its file.

    Args:
        item: the slide.
        out: folder of its results; the section lies in `WORK` in it.
        owner: from `identify`.
        model_mpp: um/px of the section.
        threads: that decode.
        viewer_mpp: um/px that the slide is asked for besides.
        seconds: gets how long reading and reducing were at work.

    Raises:
        BadSlide: it cannot be read, its scale cannot be believed, or it is coarser than `viewer_mpp`.
    """
    reader = open_slide(item.path, threads=threads, series=item.series)
    try:
        scale = settle(reader.found, asked=item.mpp, model_mpp=model_mpp, usual=item.usual_mpp, said_by=item.said_by)
        viewer.refuse_finer(viewer_mpp, scale)
        fingerprint = {"slide": owner, "mpp": [scale.mpp_x, scale.mpp_y], "model_mpp": model_mpp}
        section = make_section(reader, scale, model_mpp, out.path(WORK), fingerprint, seconds)
    finally:
        reader.close()
    level = reader.levels[section.level]
    about = {
        "file": {"kind": reader.kind, "width_px": reader.size[0], "height_px": reader.size[1], "bytes": owner["bytes"]},
        "mpp": {
            "x": scale.mpp_x,
            "y": scale.mpp_y,
            "from": scale.source,
            "stated": {said.source: said.mpp_x for said in reader.found.statements},
            "not_believed": list(reader.found.doubts),
        },
        "warnings": [scale.note] * bool(scale.note) + absence(item.path, (level.width, level.height), reader.kind),
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
