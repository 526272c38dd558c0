"""What is written of a judged slide, and what a reader of it is told."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cancernet.common import defaults
from cancernet.common.output import Output
from cancernet.common.provenance import versions
from cancernet.context.smooth import Contextual, apply_context
from cancernet.model.decide import BENIGN, UNSURE, logit
from cancernet.model.judge import REFUSED
from cancernet.model.model import Model
from cancernet.slide import geojson, pages, qupath, summary, tables, viewer
from cancernet.slide.extra import PACKAGES
from cancernet.slide.geometry import find_regions, map_cells, unjudged_cells
from cancernet.slide.inputs import WORK, Options, SlideInput
from cancernet.slide.judged import Judged
from cancernet.slide.score import read_embeddings
from cancernet.slide.section import Section
from cancernet.slide.summary import area, share
from cancernet.slide.tissue import Tissue

SYNTHETIC = "The model was trained on SYNTHETIC patches: this map means nothing."


def write_results(
    item: SlideInput, out: Output, judged: Judged, about: dict[str, Any], model: Model, options: Options
) -> dict[str, Any]:
    """Write all files but the summary, and return that.

    Args:
        item: the slide.
        out: folder of its results.
        judged: from `judge_slide`.
        about: from `job.read_section`.
        model: the model.
        options: what the user chose.
    """
    section, x, y, reasons, roi = judged.section, judged.x, judged.y, judged.reasons, judged.roi
    context = apply_context(model, x, y, judged.probability, step=options.stride, reasons=reasons)
    made = map_cells(section, x, y, judged.probability, context, step=options.stride, mpp=model.mpp)
    regions, unjudged = find_regions(made), unjudged_cells(made, x, y, reasons)
    measured = summary.measure(judged.tissue, made, regions) | summary.measure_unjudged(judged.tissue, made, unjudged)
    alarms = alarms_of(model.synthetic, judged.stain.alarm)
    notes = {
        "slide": item.path.name,
        "model": model.name,
        "graph_sha256": model.graph_sha256,
        "threshold": model.threshold,
        "mpp": about["mpp"]["x"],
        "mpp_y": about["mpp"]["y"],
        "stride_px": options.stride,
        "refused": judged.stain.alarm,
        "synthetic": model.synthetic,
    }
    _write_tables(out, tables.patch_table(section, x, y, judged.probability, context, reasons), notes, options)
    mark = mark_of(item, about, judged.blocks, model, options)
    geojson.write_features(out, geojson.TILES, geojson.tile_features(made, unjudged, mark))
    geojson.write_features(out, geojson.REGIONS, geojson.region_features(made, regions, mark))
    file = about["file"]
    names = [path.name for path in (item.path, *item.files)]
    qupath.write_script(out, names=names, size=(file["width_px"], file["height_px"]), threshold=context.threshold)
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
        "patches_benign": int(np.sum(context.decision == BENIGN)),
        "patches_unsure": unsure,
        "patches_in_context": int(context.in_context.sum()),
        "mean_log_odds": mean_log_odds(context),
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


def mean_log_odds(context: Contextual) -> float | None:
    """Return the mean log odds of malignant over the patches that have an answer; None where there is none."""
    answered = context.probability[context.decision != UNSURE]
    return round(float(logit(answered).mean()), 4) if len(answered) else None


def _write_tables(out: Output, table: pd.DataFrame, notes: dict[str, Any], options: Options) -> None:
    tables.write_patches(out, table)
    for name, (file, _) in tables.FORMATS.items():
        if name not in options.tables:
            out.remove(file)  # of an earlier run: its rows may be others
    if "parquet" in options.tables:
        tables.write_parquet(out, table)
    if "h5ad" in options.tables:
        tables.write_anndata(out, table, read_embeddings(out.folder / WORK, len(table)), notes)


def mark_of(item: SlideInput, about: dict[str, Any], blocks: NDArray[np.uint8], model: Model, options: Options) -> str:
    """Return what identifiers of places depend on besides these: slide, its scale, model and stride.

    Two slides of one name differ in what is on them: `blocks`, the mean colours of the section's blocks.
    """
    scale, seen = about["scale"], hashlib.sha256(blocks.tobytes()).hexdigest()
    return f"{item.path.name}/{item.series}/{seen}/{scale.mpp_x}x{scale.mpp_y}/{model.graph_sha256}/{options.stride}"


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
