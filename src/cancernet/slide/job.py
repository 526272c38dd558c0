"""One slide, from file to results; what is done already is not done again."""

from __future__ import annotations

from typing import Any

from cancernet.common.output import Output
from cancernet.common.stages import Seconds
from cancernet.common.text import utf8
from cancernet.common.version import __version__
from cancernet.model.model import Model
from cancernet.slide import pages, summary, tables, viewer
from cancernet.slide.formats import open_slide
from cancernet.slide.inputs import WORK, Options, SlideInput
from cancernet.slide.judged import judge_slide
from cancernet.slide.results import write_results
from cancernet.slide.roi import roi_mark
from cancernet.slide.scale import BadSlide, settle
from cancernet.slide.section import Section, make_section
from cancernet.slide.tiff_tiles import absence, refuse_cut_short
from cancernet.slide.tissue import MIN_TISSUE

# of which reading goes side by side with reducing to the model's scale, and judging with predicting
STAGES = ("read", "reduce", "tiles", "judge", "predict", "write")


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
    files = (*pages.FILES, *(tables.FORMATS[name][0] for name in options.tables))
    if found and found.get("settings") == settings and all((out.folder / name).is_file() for name in files):
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
        judged = judge_slide(item, section, about, out.folder / WORK, model, options, settings, seconds)
        with seconds.of("write"):
            whole = write_results(item, out, judged, about, model, options)
    whole |= {"path": owner["path"], "seconds": seconds.rounded(), "settings": settings}
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
        "tables": sorted(options.tables),
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
        refuse_cut_short(item.path)
        fingerprint = {"slide": owner, "mpp": [scale.mpp_x, scale.mpp_y], "model_mpp": model_mpp}
        section = make_section(reader, scale, model_mpp, out.path(WORK), fingerprint, seconds)
        level = reader.levels[section.level]
    finally:
        reader.close()
    about = {
        "file": {"kind": reader.kind, "width_px": reader.size[0], "height_px": reader.size[1], "bytes": owner["bytes"]},
        "mpp": {
            "x": scale.mpp_x,
            "y": scale.mpp_y,
            "from": scale.source,
            "stated": {said.source: said.mpp_x for said in reader.found.statements},
            "not_believed": list(reader.found.doubts),
        },
        "warnings": [
            *([scale.note] if scale.note else []),
            *absence(item.path, (level.width, level.height), reader.kind, full=reader.size),
        ],
        "scale": scale,
    }
    return section, about
