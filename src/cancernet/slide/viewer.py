"""The viewer of a slide: its tiles, from the section or from the slide itself, and its page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.common.errors import UserError
from cancernet.common.files import read_json, to_json, write_text
from cancernet.common.output import Output
from cancernet.common.progress import progress
from cancernet.maps.pyramid import TILE_PX, write_pyramid
from cancernet.maps.viewer import Cells, Picture, Spot, write_viewer
from cancernet.slide import geojson, pages
from cancernet.slide.formats import open_slide
from cancernet.slide.geometry import CellMap, Region, Unjudged
from cancernet.slide.inputs import SlideInput
from cancernet.slide.scale import BadSlide, Scale
from cancernet.slide.section import Section, plan_reduction, reduced_bands
from cancernet.slide.summary import area

TILES, NOTES = "tiles", "tiles.json"  # among the work of a slide that is not finished
FINER = 1.05  # um/px of a slide to those asked for; scanners of 40x range from 0.23 to 0.26


def check_viewer_mpp(asked: float | None, model_mpp: float) -> None:
    """Refuse tiles that are coarser than what the model sees.

    Raises:
        UserError: not above 0 and at most `model_mpp` um/px.
    """
    if asked is not None and not 0 < asked <= model_mpp:
        raise UserError(
            f"--viewer-mpp {asked:g}: give um a pixel of the viewer's tiles, above 0 and at most {model_mpp:g}, which "
            "the model sees; 1 or 0.5 shows cells"
        )


def refuse_finer(asked: float | None, scale: Scale) -> None:
    """Refuse tiles that are finer than the slide.

    Raises:
        BadSlide: they are.
    """
    finest = min(scale.mpp_x, scale.mpp_y)
    if asked is not None and asked * FINER < finest:
        raise BadSlide(
            f"--viewer-mpp {asked:g} is finer than the slide ({finest:.4g} um/px); enlarging would invent detail, so "
            f"give {finest:.4g} or more"
        )


def make_tiles(
    item: SlideInput, section: Section, scale: Scale, mpp: float, asked: float | None, work: Path, *, threads: int
) -> Picture:
    """Write the tiles among the work, if a run that was killed has not.

    Args:
        item: the slide.
        section: of it.
        scale: of it.
        mpp: um/px of the section.
        asked: um/px of the tiles, those of the section by default; finer ones are read from the slide.
        work: folder of the work.
        threads: that decode.

    Raises:
        BadSlide: the slide is damaged where the section did not need it.
    """
    slide_mpp = (mpp / section.factor_x, mpp / section.factor_y)
    finer = asked is not None and asked < mpp
    reader = open_slide(item.path, threads=threads, series=item.series) if finer else None
    try:
        if reader is None:
            picture, bands = Picture(section.width, section.height, mpp, slide_mpp), _bands(section)
        else:
            assert asked is not None
            plan = plan_reduction(reader, scale, asked)
            picture, bands = Picture(plan.width, plan.height, asked, slide_mpp), reduced_bands(reader, plan)
        mark = [section.path.stat().st_mtime_ns, picture.width, picture.height, picture.mpp]
        if read_json(work / NOTES, list) != mark or not (work / TILES / "0" / "0_0.jpg").is_file():
            (work / NOTES).unlink(missing_ok=True)
            shutil.rmtree(work / TILES, ignore_errors=True)
            write_pyramid(_counted(bands, picture.height), picture.width, picture.height, work / TILES)
            write_text(work / NOTES, to_json(mark))
    finally:
        if reader is not None:
            reader.close()
    return picture


def _bands(section: Section) -> Iterator[NDArray[np.uint8]]:
    for start in range(0, section.height, TILE_PX):
        yield section.rows(start, start + TILE_PX)


def _counted(bands: Iterator[NDArray[np.uint8]], height: int) -> Iterator[NDArray[np.uint8]]:
    with progress(total=height, what="tiles", unit=" rows") as bar:
        for band in bands:
            yield band
            bar.update(len(band))


def spots_of(regions: Sequence[Region]) -> list[Spot]:
    """Return the regions for the list, in their order, which is that of regions.geojson."""
    found = []
    for each in regions:
        left, top, right, bottom = (int(side) for side in each.polygon.bounds)
        found.append(Spot(area(each.mm2), each.mean, (left, top, right, bottom)))
    return found


def write(
    out: Output,
    picture: Picture,
    made: CellMap,
    unjudged: Unjudged,
    regions: Sequence[Region],
    work: Path,
    summary: dict[str, Any],
) -> None:
    """Write viewer.html and its folder.

    Args:
        out: folder of the slide's results.
        picture: from `make_tiles`.
        made: the map.
        unjudged: from `geometry.unjudged_cells`.
        regions: largest first.
        work: folder of the work; the tiles are moved from there.
        summary: of the slide.
    """
    section = made.section
    sides = (section.width * made.mpp, section.height * made.mpp)
    write_viewer(
        out,
        picture,
        Cells(made.values, made.malignant, unjudged.index, unjudged.reasons, made.step * made.mpp, *sides),
        spots_of(regions),
        work / TILES,
        title=summary["slide"],
        model=summary["model"]["name"],
        threshold=summary["threshold"],
        facts=pages.facts_of(summary),
        refused=bool(summary["refused"]),
        alarms=summary["alarms"],
        warnings=[each for each in summary["warnings"] if each not in summary["alarms"]],
        still=pages.OVERLAY,
        tables=geojson.REGIONS,
    )
