"""Many slides: each gets a folder or a reason; one bad slide never ends the batch."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.common.output import RECORD, Output
from cancernet.common.text import utf8
from cancernet.common.threads import available_cpus
from cancernet.model.model import Model, load_model
from cancernet.slide.cohort import FILES, PAGE, mapped_rows, write_cohort
from cancernet.slide.extra import need_all
from cancernet.slide.gather import Named, find_slides
from cancernet.slide.inputs import WORK, Options, SlideInput
from cancernet.slide.job import identify, map_one
from cancernet.slide.reader import first_line
from cancernet.slide.results import areas_line
from cancernet.slide.scale import BadSlide
from cancernet.slide.tables import check_formats
from cancernet.slide.viewer import check_viewer_mpp


@dataclass
class Outcome:
    """What became of the slides.

    Attributes:
        mapped: summaries by folder.
        skipped: those of the folders that an earlier run had finished.
        failed: path and reason of what could not be mapped.
        page: cohort.html.
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
    paths: Named | Sequence[Named] = (),
    model: Model | None = None,
    *,
    out: Path | str,
    manifest: Path | str | None = None,
    mpp: float | None = None,
    series: int | None = None,
    stride: int = defaults.PATCH_SIZE,
    viewer_mpp: float | None = None,
    roi: Path | str | None = None,
    roi_classes: Sequence[str] = (),
    tables: Sequence[str] = (),
    threads: int | None = None,
    say: Callable[[str], None] = print,
) -> Outcome:
    """Map the tumour on slides, one after the other.

    Args:
        paths: slides, and folders of slides, which are searched with their sub-folders; of a DICOM slide any file.
        model: from `load_model`; by default the one that ships.
        out: folder; gets a folder a slide, cohort.html and cohort.csv of all and, where some could not be mapped,
            errors.csv. A run that was stopped goes on where it was, and a slide that is done is not done again.
        manifest: as `find_slides`.
        mpp: as `find_slides`.
        series: as `find_slides`; by default the slide is found among the images of a file, or the file refused.
        stride: px from one patch to the next at the model's scale, one of SLIDE_STRIDES.
        viewer_mpp: um/px of the viewer's tiles; by default what the model sees. Finer ones show cells, and take the
            time of reading the slide once more and up to the slide's own size on disk.
        roi: annotations (GeoJSON, XML of ImageScope or ASAP, NDPA, a mask) of one slide, or a folder of them in which
            those of a slide have its name; only patches that lie inside by half are judged. All of it by default.
        roi_classes: classes of them to take; all by default.
        tables: beside patches.csv, "parquet" (needs cancernet[tables]) or "h5ad", AnnData with embeddings (needs
            cancernet[anndata]).
        threads: CPU threads; those this process may use by default. A model given keeps its own.
        say: where lines for the user go, one a slide and one a warning.

    Raises:
        UserError: the extra is missing, `mpp`, `stride` or `viewer_mpp` is impossible, the model sees another size of
            patch or cannot be run, `out` cannot be written or is being written, or not one slide could be mapped.
        OSError: the disk is full.
    """
    found = find_slides(paths, manifest=manifest, mpp=mpp, series=series, roi=roi)
    items = found.slides
    options = Options(stride, threads or available_cpus(), viewer_mpp, tuple(roi_classes), tuple(tables))
    if options.roi_classes and not any(item.roi for item in items):
        raise UserError("--roi-class needs --roi, the annotations whose classes it names")
    model = model or load_model(threads=threads)
    _check(model, options)
    check_viewer_mpp(viewer_mpp, model.mpp)
    need_all()
    check_formats(options.tables)
    if "h5ad" in options.tables and not model.can_explain:
        raise UserError(f"--table h5ad: {model.name} was made before there were embeddings; train it again")
    inputs = [path for item in items for path in (item.files or (item.path,))]
    inputs += [item.roi for item in items if item.roi and item.roi.is_file()]
    with Output(Path(out).expanduser(), "slide", inputs=inputs, names=FILES) as output:
        if model.context is None:
            say(f"WARNING: {model.name} knows nothing of surroundings; each patch is judged by itself")
        _ = model.session  # one that cannot be run is told before a slide is read
        outcome = Outcome(failed=output.errors, page=output.folder / PAGE)
        for note in found.notes:
            say(f"WARNING: {note}")
        for path, reason in found.failed:
            _fail(path, reason, outcome, say)
        for item in items:
            if reason := _map(item, output, model, options, outcome, say):
                _fail(utf8(item.path.as_posix()), reason, outcome, say)
        patients = {utf8(item.path.as_posix()): item.patient for item in items}
        write_cohort(output, mapped_rows(output.folder), outcome.failed, tables=options.tables, patients=patients)
        output.write_errors()
        if not outcome.mapped:
            first = ": ".join(outcome.failed[0]) if outcome.failed else "none was given"
            raise UserError(f"no slide could be mapped of {len(outcome.failed)}: {first}")
    return outcome


def _fail(path: str, reason: str, outcome: Outcome, say: Callable[[str], None]) -> None:
    outcome.failed.append((path, reason))
    say(f"WARNING: {path}: NOT MAPPED: {reason}")


def _map(
    item: SlideInput, output: Output, model: Model, options: Options, outcome: Outcome, say: Callable[[str], None]
) -> str:
    """Map one slide into `outcome`; returns why not, or ""."""
    path = item.path
    try:
        owner = identify(item)
    except BadSlide as error:
        return str(error)
    mark = "" if item.series is None else f"#{item.series}"
    child = output.child(item.title, owner=owner["path"] + mark)
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


def _check(model: Model, options: Options) -> None:
    if options.stride not in defaults.SLIDE_STRIDES:
        allowed = ", ".join(str(stride) for stride in defaults.SLIDE_STRIDES)
        raise UserError(f"--stride {options.stride}: give one of {allowed}")
    if model.size_px != defaults.PATCH_SIZE:
        raise UserError(f"{model.name} sees patches of {model.size_px} px; slides need {defaults.PATCH_SIZE}")
