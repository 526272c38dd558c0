"""Many slides: each gets a folder or a reason; one bad slide never ends the batch."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.common.files import real
from cancernet.common.output import RECORD, Output
from cancernet.common.text import utf8
from cancernet.common.threads import available_cpus
from cancernet.model.model import Model, load_model
from cancernet.slide.extra import need_all
from cancernet.slide.inputs import SlideInput
from cancernet.slide.job import WORK, Options, areas_line, identify, map_one
from cancernet.slide.pages import INDEX, write_index
from cancernet.slide.reader import first_line
from cancernet.slide.scale import BadSlide, check_mpp


@dataclass
class Outcome:
    """What became of the slides.

    Attributes:
        mapped: summaries by folder.
        skipped: those of the folders that an earlier run had finished.
        failed: path and reason of what could not be mapped.
        page: index.html.
    """

    mapped: dict[Path, dict[str, Any]] = field(default_factory=dict)
    skipped: list[Path] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    page: Path = field(default_factory=Path)

    @property
    def refused(self) -> list[Path]:
        """The folders of slides whose stain is foreign: their maps say so, and nothing else."""
        return [folder for folder, found in self.mapped.items() if found["refused"]]

    def _repr_html_(self) -> str:
        import pandas as pd

        names = ("slide", "tissue_mm2", "analysed_mm2", "malignant_mm2", "malignant_share", "patches")
        rows = [{name: found[name] for name in names} for found in self.mapped.values()]
        rows += [{"slide": path, "not mapped": reason} for path, reason in self.failed]
        return pd.DataFrame(rows).to_html(index=False, na_rep="")


def map_slide(
    paths: Path | str | Sequence[Path | str],
    model: Model | None = None,
    *,
    out: Path | str,
    mpp: float | None = None,
    stride: int = defaults.PATCH_SIZE,
    roi: Path | str | None = None,
    roi_classes: Sequence[str] = (),
    threads: int | None = None,
    say: Callable[[str], None] = print,
) -> Outcome:
    """Map the tumour on slides, one after the other.

    Args:
        paths: one slide or several.
        model: from `load_model`; by default the one that ships.
        out: folder; gets a folder a slide, index.html and, where some could not be mapped, errors.csv. A run that was
            stopped goes on where it was, and a slide that is done is not done again.
        mpp: um/px at full resolution of all slides, in place of what they say.
        stride: px from one patch to the next at the model's scale, one of SLIDE_STRIDES.
        roi: annotations (GeoJSON, XML of ImageScope or ASAP, NDPA, a mask) of one slide, or a folder of them in which
            those of a slide have its name; only patches that lie inside by half are judged. All of it by default.
        roi_classes: classes of them to take; all by default.
        threads: CPU threads; those this process may use by default. A model given keeps its own.
        say: where lines for the user go, one a slide and one a warning.

    Raises:
        UserError: the extra is missing, `mpp` or `stride` is impossible, the model sees another size of patch or
            cannot be run, `out` cannot be written or is being written, or not one slide could be mapped.
        OSError: the disk is full.
    """
    given = [paths] if isinstance(paths, (str, Path)) else paths
    slides = list({real(path): path for path in (Path(each).expanduser() for each in given)}.values())
    place = Path(roi).expanduser() if roi is not None else None
    items = [SlideInput(path, mpp=mpp, roi=place) for path in slides]
    options = Options(stride, threads or available_cpus(), tuple(roi_classes))
    _check_roi(place, options, len(slides))
    model = model or load_model(threads=threads)
    if mpp is not None:
        check_mpp(mpp)
    _check(model, options)
    need_all()
    with Output(
        Path(out), "slide", inputs=[*slides, *([place] if place and place.is_file() else [])], names=(INDEX,)
    ) as output:
        if model.context is None:
            say(f"WARNING: {model.name} knows nothing of surroundings; each patch is judged by itself")
        _ = model.session  # one that cannot be run is told before a slide is read
        outcome = Outcome(failed=output.errors, page=output.folder / INDEX)
        for item in items:
            path = item.path
            reason = _map(item, output, model, options, outcome, say)
            if reason:
                outcome.failed.append((utf8(path.as_posix()), reason))
                say(f"WARNING: {utf8(str(path))}: NOT MAPPED: {reason}")
        write_index(output, outcome.failed)
        output.write_errors()
        if not outcome.mapped:
            first = ": ".join(outcome.failed[0]) if outcome.failed else "none was given"
            raise UserError(f"no slide could be mapped of {len(slides)}: {first}")
    return outcome


def _map(
    item: SlideInput, output: Output, model: Model, options: Options, outcome: Outcome, say: Callable[[str], None]
) -> str:
    """Map one slide into `outcome`; returns why not, or ""."""
    path = item.path
    try:
        owner = identify(path)
    except BadSlide as error:
        return str(error)
    child = output.child(path.stem, owner=owner["path"])
    try:
        found, skipped = map_one(item, child, owner, model, options)
    except OSError:  # of writing: what reading meets is a BadSlide
        raise
    except Exception as error:  # noqa: BLE001 - whatever a library makes of one slide, the others are mapped
        child.remove(WORK)  # results of an earlier state of the slide stay
        if {item.name for item in child.folder.iterdir()} <= {RECORD}:
            shutil.rmtree(child.folder)
        known = isinstance(error, (BadSlide, UserError))
        return str(error) if known else f"unexpected {type(error).__name__}: {first_line(error)}"
    outcome.mapped[child.folder] = found
    done = ""
    if skipped:
        outcome.skipped.append(child.folder)
        done = " [done before with these settings]"
    scale = f"{found['mpp']['x']:.4g} um/px ({found['mpp']['from']})"
    say(f"{path.name}: {scale}, {areas_line(found)}: {child.folder}{done}")
    for warning in found["warnings"]:
        say(f"WARNING: {path.name}: {warning}")
    return ""


def _check_roi(place: Path | None, options: Options, slides: int) -> None:
    if place is None and options.roi_classes:
        raise UserError("--roi-class needs --roi, the annotations whose classes it names")
    if place is not None and not place.exists():
        raise UserError(f"--roi {place}: no such file or folder; check the name")
    if place is not None and not place.is_dir() and slides > 1:
        raise UserError(
            f"--roi {place} is one file for {slides} slides; give the folder in which each has one of its name"
        )


def _check(model: Model, options: Options) -> None:
    if options.stride not in defaults.SLIDE_STRIDES:
        allowed = ", ".join(str(stride) for stride in defaults.SLIDE_STRIDES)
        raise UserError(f"--stride {options.stride}: give one of {allowed}")
    if model.size_px != defaults.PATCH_SIZE:
        raise UserError(f"{model.name} sees patches of {model.size_px} px; slides need {defaults.PATCH_SIZE}")
