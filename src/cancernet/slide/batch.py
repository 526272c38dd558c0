"""Many slides: each gets a folder or a reason; one bad slide never ends the batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.common.executor import Executor, InProcess, WorkerDiedError
from cancernet.common.output import Output
from cancernet.common.progress import Pace
from cancernet.common.shard import Shard
from cancernet.common.text import utf8
from cancernet.model.model import Model, load_model
from cancernet.model.travel import Ticket, ticket
from cancernet.slide.cohort import FILES, PAGE, mapped_rows, write_cohort
from cancernet.slide.extra import need_all
from cancernet.slide.gather import Named, find_slides
from cancernet.slide.inputs import Options, SlideInput
from cancernet.slide.job import identify
from cancernet.slide.scale import BadSlide
from cancernet.slide.summary import read_summary
from cancernet.slide.tables import check_formats
from cancernet.slide.unit import KIND, Done, Unit, map_guarded
from cancernet.slide.viewer import check_viewer_mpp


class Summaries(Mapping[Path, dict[str, Any]]):
    """The summaries of mapped slides by folder, each read when it is asked for: of ten thousand none is kept."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self._folders = dict.fromkeys(folders)

    def __getitem__(self, folder: Path) -> dict[str, Any]:
        if folder not in self._folders or (found := read_summary(folder)) is None:
            raise KeyError(folder)
        return found

    def __iter__(self) -> Iterator[Path]:
        return iter(self._folders)

    def __len__(self) -> int:
        return len(self._folders)


@dataclass
class Outcome:
    """What became of the slides, in the order in which they were named.

    Attributes:
        mapped: summaries by folder.
        skipped: those of the folders that an earlier run had finished.
        refused: those of slides whose stain is foreign: their maps say so, and nothing else.
        unsure: patches of the other slides that cannot be judged.
        failed: path and reason of what could not be mapped.
        page: cohort.html.
    """

    mapped: Mapping[Path, dict[str, Any]] = field(default_factory=Summaries)
    skipped: list[Path] = field(default_factory=list)
    refused: list[Path] = field(default_factory=list)
    unsure: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    page: Path = field(default_factory=Path)

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
    executor: Executor | None = None,
    shard: Shard | None = None,
    say: Callable[[str], None] = print,
) -> Outcome:
    """Map the tumour on slides.

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
        threads: CPU threads of a slide; by default those this process may use, shared out among the workers of
            `executor`, and one where they are on other machines. A model given keeps its own in this process.
        executor: where slides are mapped; here, one after the other, by default. Not closed.
        shard: which part of the slides; all by default. A part may end without one that could be mapped.
        say: where lines for the user go, one a slide and one a warning.

    Raises:
        UserError: the extra is missing, `mpp`, `stride` or `viewer_mpp` is impossible, the model sees another size of
            patch or cannot be run, `out` cannot be written or is being written, or not one slide could be mapped.
        OSError: the disk is full.
    """
    found = find_slides(paths, manifest=manifest, mpp=mpp, series=series, roi=roi)
    items = shard.of_items(found.slides) if shard else found.slides
    failed = shard.of_items(found.failed) if shard else found.failed
    most = max(len(found.slides), len(found.failed))  # parts of which none is empty: a lack is told by all of them
    if shard and shard.of > most:
        raise UserError(f"--shard {shard}: there are {most} slides; make no more parts than that")
    at = executor or InProcess()
    options = Options(stride, threads or at.threads(), viewer_mpp, tuple(roi_classes), tuple(tables))
    if options.roi_classes and not any(item.roi for item in items):
        raise UserError("--roi-class needs --roi, the annotations whose classes it names")
    model = model or load_model(threads=threads)
    _check(model, options)
    inputs = [path for item in items for path in (item.files or (item.path,))]
    inputs += [item.roi for item in items if item.roi and item.roi.is_file()]
    with Output(Path(out).expanduser(), KIND, inputs=inputs, names=FILES) as output:
        if model.context is None:
            say(f"WARNING: {model.name} knows nothing of surroundings; each patch is judged by itself")
        _ = model.session  # one that cannot be run is told before a slide is read
        for note in found.notes:
            say(f"WARNING: {note}")
        for path, reason in failed:
            say(f"WARNING: {path}: NOT MAPPED: {reason}")
        outcome = _map_all(items, at, output, ticket(model, threads=options.threads), options, say)
        outcome.failed = output.errors = [*failed, *outcome.failed]
        patients = {_named(item): item.patient for item in items}
        write_cohort(output, mapped_rows(output.folder), outcome.failed, tables=options.tables, patients=patients)
        output.write_errors()
        if not outcome.mapped and not shard:  # of parts `gather` judges the whole
            first = ": ".join(outcome.failed[0]) if outcome.failed else "none was given"
            raise UserError(f"no slide could be mapped of {len(outcome.failed)}: {first}")
    return outcome


def _map_all(
    items: Sequence[SlideInput],
    at: Executor,
    output: Output,
    model: Ticket,
    options: Options,
    say: Callable[[str], None],
) -> Outcome:
    """Map the slides, telling of each when it ends; the outcome is in their order."""
    ended: dict[int, Done] = {}
    known: list[tuple[int, dict[str, Any]]] = []
    for number, item in enumerate(items):
        try:
            known.append((number, identify(item)))
        except BadSlide as error:
            ended[number] = Done(str(error))
            _tell(item, Path(), ended[number], "", say)
    folders: dict[int, Path] = {}

    def units() -> Iterator[Unit]:  # made as they are asked for: folders of ten thousand take a while
        for number, owner in known:
            item = items[number]
            mark = "" if item.series is None else f"#{item.series}"
            folders[number] = output.child(item.title, owner=owner["path"] + mark).folder
            yield Unit(_absolute(item), folders[number].absolute(), owner, model, options)

    pace = Pace(len(known))
    for place, found in at.each(map_guarded, units()):
        number = known[place][0]
        done = Done(str(found)) if isinstance(found, WorkerDiedError) else found
        _tell(items[number], folders[number], done, pace.ended(), say)
        ended[number] = replace(done, said="", warnings=())
    order = sorted(ended)
    mapped = [number for number in order if not ended[number].failed]
    sound = [number for number in mapped if not ended[number].refused]
    return Outcome(
        Summaries([folders[number] for number in mapped]),
        skipped=[folders[number] for number in mapped if ended[number].before],
        refused=[folders[number] for number in mapped if ended[number].refused],
        unsure=sum(ended[number].unsure for number in sound),
        failed=[(_named(items[number]), ended[number].failed) for number in order if ended[number].failed],
        page=output.folder / PAGE,
    )


def _named(item: SlideInput) -> str:
    return utf8(item.path.as_posix())


def _absolute(item: SlideInput) -> SlideInput:
    """Return a slide as another process may be told of it: its working folder may be another."""
    roi = item.roi.absolute() if item.roi else None
    return replace(item, path=item.path.absolute(), files=tuple(each.absolute() for each in item.files), roi=roi)


def _tell(item: SlideInput, folder: Path, done: Done, pace: str, say: Callable[[str], None]) -> None:
    if done.failed:
        say(f"WARNING: {_named(item)}: NOT MAPPED: {done.failed}")
        return
    before = " [done before with these settings]" if done.before else ""
    say(f"{item.path.name}: {done.said}: {folder}{before}{pace}")
    for warning in done.warnings:
        say(f"WARNING: {item.path.name}: {warning}")


def _check(model: Model, options: Options) -> None:
    if options.stride not in defaults.SLIDE_STRIDES:
        allowed = ", ".join(str(stride) for stride in defaults.SLIDE_STRIDES)
        raise UserError(f"--stride {options.stride}: give one of {allowed}")
    if model.size_px != defaults.PATCH_SIZE:
        raise UserError(f"{model.name} sees patches of {model.size_px} px; slides need {defaults.PATCH_SIZE}")
    check_viewer_mpp(options.viewer_mpp, model.mpp)
    need_all()
    check_formats(options.tables)
    if "h5ad" in options.tables and not model.can_explain:
        raise UserError(f"--table h5ad: {model.name} was made before there were embeddings; train it again")
