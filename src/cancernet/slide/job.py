"""One slide, from file to results; what is done already is not done again."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cancernet import __version__
from cancernet.common import defaults
from cancernet.context.smooth import apply_context
from cancernet.data.stream import printable
from cancernet.model.bundle import Bundle
from cancernet.slide import geojson, pictures, summary, table
from cancernet.slide.cells import to_cells
from cancernet.slide.folders import claim, identify
from cancernet.slide.patches import positions
from cancernet.slide.reader import open_slide
from cancernet.slide.regions import find_regions
from cancernet.slide.scale import BadSlide, settle
from cancernet.slide.score import score
from cancernet.slide.section import Section, load_section, make_section
from cancernet.slide.stain import stain_distance
from cancernet.slide.tissue import Tissue, block_means, find_tissue, tissue_share

if TYPE_CHECKING:
    import onnxruntime as ort

SYNTHETIC = "The model was trained on SYNTHETIC patches: this map means nothing."
OTHER_STAIN = (
    "Stained or scanned unlike the patches that the model learned from ({:.1f} standard deviations): it may miss "
    "all tumour here. Do not rely on this map."
)
WORK = ".work"  # of a slide not finished yet; removed when it is
OUTPUTS = (
    table.NAME,
    geojson.TILES,
    geojson.REGIONS,
    pictures.OVERLAY,
    pictures.THUMBNAIL,
    summary.NAME,
)


@dataclass(frozen=True)
class Options:
    """What a user may choose.

    Attributes:
        mpp: um/px at full resolution that overrides the file's, or nothing.
        stride: px from one patch to the next.
        threads: CPU threads.
    """

    mpp: float | None = None
    stride: int = defaults.PATCH_SIZE
    threads: int = 1


def map_slide(
    path: Path, folder: Path, bundle: Bundle, session: ort.InferenceSession, options: Options
) -> tuple[dict[str, Any], bool]:
    """Map one slide into its folder.

    Args:
        path: the slide.
        folder: for its results; made if absent.
        bundle: the model.
        session: of it.
        options: what the user chose.

    Returns:
        The summary, and whether it was there already, with the same slide, model and settings.

    Raises:
        BadSlide: the reason why there is no map.
        OSError: the results cannot be written.
    """
    if printable(str(path)) != str(path):
        raise BadSlide("its name is not valid UTF-8; rename it")
    try:
        owner = identify(path)
    except OSError as error:
        raise BadSlide("no such file" if not path.exists() else str(error.strerror)) from error
    settings = _settings(owner, bundle, options)
    found = summary.read_summary(folder)
    if found and found["settings"] == settings and all((folder / name).is_file() for name in OUTPUTS):
        return found, True
    summary.drop_summary(folder)
    started = time.perf_counter()
    section, about = _section(path, folder, owner, bundle, options)
    read = time.perf_counter()
    blocks = block_means(section)
    tissue = find_tissue(blocks)
    x, y = positions(section.width, section.height, options.stride)
    keep = tissue_share(tissue.mask, x, y, defaults.PATCH_SIZE) >= defaults.SLIDE_MIN_TISSUE
    x, y = x[keep], y[keep]
    if not len(x):
        raise BadSlide("no stained tissue found: empty glass, or an image without colour")
    probability = score(section, x, y, session, folder / WORK, settings)
    predicted = time.perf_counter()
    stain = stain_distance(bundle, section, x, y)
    outcome = _write(path.stem, folder, section, blocks, tissue, bundle, options, (x, y, probability), stain)
    seconds = {
        "read": round(read - started, 2),
        "predict": round(predicted - read, 2),
        "write": round(time.perf_counter() - predicted, 2),
    }
    whole = {
        "slide": path.name,
        "path": owner["path"],
        "file": about["file"],
        "mpp": about["mpp"],
        "section": summary.describe_section(section),
        "stride_px": options.stride,
        **outcome,
        "stain_distance": None if stain is None else round(stain, 3),
        "model": summary.describe_model(bundle),
        "synthetic": bool(bundle.manifest["data"]["synthetic"]),
        "alarms": _alarms(bundle, stain),
        "warnings": about["warnings"] + _alarms(bundle, stain) + _doubts(section, tissue, options.stride),
        "seconds": seconds,
        "versions": summary.all_versions(),
        "settings": settings,
    }
    summary.write_summary(folder, whole)
    shutil.rmtree(folder / WORK, ignore_errors=True)
    return whole, False


def _settings(owner: dict[str, Any], bundle: Bundle, options: Options) -> dict[str, Any]:
    """All that results depend on; a slide with the same is not mapped again."""
    return {
        "cancernet": __version__,
        "slide": owner,
        "mpp": options.mpp,
        "stride": options.stride,
        "min_tissue": defaults.SLIDE_MIN_TISSUE,
        "model": summary.describe_model(bundle),
    }


def _section(
    path: Path, folder: Path, owner: dict[str, Any], bundle: Bundle, options: Options
) -> tuple[Section, dict[str, Any]]:
    """Return the slide at the model's scale, read now or by a run that was killed, and what is known of its file."""
    model_mpp = float(bundle.manifest["input"]["mpp"])
    reader = open_slide(path, threads=options.threads)
    try:
        scale = settle(reader.found, asked=options.mpp, model_mpp=model_mpp)
        about = {
            "file": {"kind": reader.kind, "width_px": reader.size[0], "height_px": reader.size[1]},
            "mpp": {"x": scale.mpp_x, "y": scale.mpp_y, "from": scale.source},
            "warnings": [scale.note] if scale.note else [],
        }
        fingerprint = {"slide": owner, "mpp": [scale.mpp_x, scale.mpp_y], "model_mpp": model_mpp}
        work = folder / WORK
        section = load_section(work, fingerprint)
        if section is None:
            claim(folder, owner)
            section = make_section(reader, scale, model_mpp, work, fingerprint)
    finally:
        reader.close()
    return section, about


def _write(
    name: str,
    folder: Path,
    section: Section,
    blocks: Any,
    tissue: Tissue,
    bundle: Bundle,
    options: Options,
    scored: tuple[Any, Any, Any],
    stain: float | None,
) -> dict[str, Any]:
    """Write table, GeoJSON and pictures; returns what the summary says of them."""
    x, y, probability = scored
    step, mpp = options.stride, float(bundle.manifest["input"]["mpp"])
    context = apply_context(bundle, x, y, probability, step=step)
    shape = {"stride": step, "width": section.width, "height": section.height}
    values = to_cells(x, y, context.probability, **shape)
    margin = to_cells(x, y, context.probability - context.threshold, **shape)
    malignant = margin >= 0  # NaN is not
    regions = find_regions(values, malignant)
    mm2 = [geojson.region_mm2(region, section, step, mpp) for region in regions]
    measured = summary.areas(tissue, (section.width, section.height), values, malignant, step, mpp)
    table.write_patches(folder, section, x, y, probability, context)
    alone = to_cells(x, y, probability, **shape)
    tiles = geojson.tile_features(folder.name, section, alone, values, malignant, step)
    geojson.write_features(folder / geojson.TILES, tiles)
    features = geojson.region_features(folder.name, section, regions, step, mpp)
    geojson.write_features(folder / geojson.REGIONS, features)
    pictures.write_thumbnail(folder, blocks)
    pictures.write_overlay(
        folder,
        section,
        values,
        malignant,
        step=step,
        mpp=mpp,
        title=name,
        caption=f"{len(x):,} patches of {bundle.name} every {step * mpp:g} um; tissue "
        f"{measured['tissue_mm2']:.1f} mm2, called malignant {measured['malignant_mm2']:.1f} mm2"
        f" ({measured['malignant_share'] or 0:.1%} of what was analysed). Research use only.",
        warning=" ".join(_alarms(bundle, stain)),
    )
    return {
        "threshold": bundle.threshold,
        "patches": len(x),
        "patches_malignant": int(np.sum(context.malignant)),
        "patches_in_context": int(np.sum(context.in_context)),
        **measured,
        **summary.describe_regions(regions, mm2),
        "tissue_chroma": tissue.chroma,
    }


def _doubts(section: Section, tissue: Tissue, stride: int) -> list[str]:
    """What a reader of the results ought to know."""
    found = []
    for edge, side in (("right", section.width), ("bottom", section.height)):
        last = (side - defaults.MIN_PATCH_SIDE) // stride * stride
        rest = side - last - defaults.PATCH_SIZE
        if rest > 0:
            found.append(f"{rest} px at the {edge} edge are too narrow for a patch and were left out")
    if tissue.pen > 0.01:
        found.append(f"{tissue.pen:.0%} of what is coloured is green or blue ink and was left out")
    return found


def _alarms(bundle: Bundle, stain: float | None) -> list[str]:
    """Why a map may mean nothing."""
    found = [SYNTHETIC] if bundle.manifest["data"]["synthetic"] else []
    if stain is not None and stain > defaults.SLIDE_STAIN_LIMIT:
        found.append(OTHER_STAIN.format(stain))
    return found
