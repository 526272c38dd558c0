"""Labelled patches from annotated slides, in the layout of the public set: what `run`, `train` and `evaluate` read."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from cancernet.common.errors import UserError
from cancernet.common.files import read_json, real, safe_name
from cancernet.common.output import RECORD, Output
from cancernet.common.text import utf8
from cancernet.common.threads import available_cpus
from cancernet.data.names import PUBLIC_INDEX, parse_name
from cancernet.data.patient_list import read_patients
from cancernet.data.sides import write_split
from cancernet.data.source import hidden
from cancernet.data.split import SplitChoice, choose_split
from cancernet.data.words import class_of
from cancernet.slide.annotation_classes import ClassNames, LabelRule
from cancernet.slide.extra import need_all
from cancernet.slide.gather import Named, find_slides
from cancernet.slide.inputs import WORK, SlideInput
from cancernet.slide.job import identify
from cancernet.slide.labelled import SUMMARY, Cut, Target, cut_one, discard, table_of
from cancernet.slide.reader import first_line
from cancernet.slide.scale import BadSlide

KIND = "data from-slides"
PATCHES, CATALOG, SPLIT = "patches", "catalog.csv", "split.csv"
FIRST_INDEX = int(PUBLIC_INDEX)  # after "idx" in a name; further slides of a patient count on


@dataclass
class FromSlides:
    """What became of annotated slides.

    Attributes:
        patches: the folder of labelled patches, for `check_data`, `run`, `train`, `evaluate` and `map_specimens`.
        cut: summaries by folder.
        skipped: those of the folders that an earlier run had finished.
        failed: path and reason of what could not be used.
        table: a row a patch, as in catalog.csv.
        no_split: why there is no split.csv; "" where there is one.
    """

    patches: Path
    cut: dict[Path, dict[str, Any]] = field(default_factory=dict)
    skipped: list[Path] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    no_split: str = ""


def patches_from_slides(
    slides: Named | Sequence[Named] = (),
    *,
    out: Path | str,
    manifest: Path | str | None = None,
    annotations: Path | str | None = None,
    patients: Path | str | None = None,
    patient_is_slide: bool = False,
    names: ClassNames | None = None,
    rule: LabelRule | None = None,
    mpp: float | None = None,
    split: SplitChoice | Path | str = "grouped",
    threads: int | None = None,
    say: Callable[[str], None] = print,
) -> FromSlides:
    """Cut labelled patches from annotated slides, at the model's scale, on the grid on which slides are judged.

    Args:
        slides: files and folders; a `SlideInput` brings its own annotations, patient and scale.
        out: folder; gets patches/PATIENT/CLASS/*.png, catalog.csv, split.csv, for each slide a folder with a picture
            of what was taken and a summary, and, where some could not be used, errors.csv. Slides that an earlier run
            cut by the same rule stay.
        manifest: CSV with a row a slide, see `read_manifest`; its columns patient, mpp, series and annotations count.
        annotations: a file of one slide, or a folder in which those of a slide have its name.
        patients: CSV with the columns path,patient, the path being a slide's name or a pattern over such names.
        patient_is_slide: every slide is of a patient of its own, called as the slide is.
        names: which classes of annotations are benign, which malignant, which left out.
        rule: how a patch gets its label.
        mpp: as `find_slides`.
        split: as `check_data` takes it.
        threads: CPU threads; those this process may use by default.
        say: where lines for the user go.

    Raises:
        UserError: the extra is missing, a patient is not stated, an option is impossible, `out` cannot be written or
            holds patches cut by another rule, or no slide could be used.
        OSError: the disk is full.
    """
    how = Cut(names or ClassNames(), rule or LabelRule())
    how.rule.check()
    named = find_slides(slides, manifest=manifest, mpp=mpp)
    items = _annotated(named.slides, Path(annotations).expanduser() if annotations is not None else None)
    items = _with_patients(items, Path(patients).expanduser() if patients else None, patient_is_slide)
    need_all()
    read = [path for item in items for path in item.files or (item.path,)]
    read += [item.annotations for item in items if item.annotations and item.annotations.is_file()]
    with Output(Path(out), KIND, inputs=read, names=(PATCHES, CATALOG, SPLIT)) as output:
        found = FromSlides(output.path(PATCHES), failed=output.errors)
        indices = _indices(items, output, how)
        for note in named.notes:
            say(f"WARNING: {note}")
        for path, reason in named.failed:
            _fail(path, reason, found, say)
        for item in items:
            if reason := _cut(item, output, how, indices, found, threads or available_cpus(), say):
                _fail(utf8(item.path.as_posix()), reason, found, say)
        tables = [table for child in output.children() if _done(child) and (table := table_of(child)) is not None]
        if not tables or not found.cut:
            output.remove(CATALOG)
            first = ": ".join(found.failed[0]) if found.failed else "none was given"
            output.write_errors()
            raise UserError(f"no slide could be used of {len(found.failed)}: {first}")
        found.table = pd.concat(tables, ignore_index=True).sort_values("path", ignore_index=True)
        output.write_csv(CATALOG, found.table)
        _split(found, output, split, say)
    return found


def _fail(path: str, reason: str, found: FromSlides, say: Callable[[str], None]) -> None:
    found.failed.append((path, reason))
    say(f"WARNING: {path}: NOT USED: {reason}")


def _annotated(items: list[SlideInput], place: Path | None) -> list[SlideInput]:
    """Return the slides with where the annotations of each are.

    Raises:
        UserError: of one nobody says, or one file is said to be of several.
    """
    bare = [item for item in items if item.annotations is None]
    if bare and place is None:
        raise UserError(f"{bare[0].path}: no annotations are named; give their file, or the folder they lie in")
    if place is not None and not place.exists():
        raise UserError(f"--annotations {place}: no such file or folder; check the name")
    if place is not None and not place.is_dir() and len(bare) > 1:
        raise UserError(
            f"--annotations {place} is one file for {len(bare)} slides; give a folder in which each has one of its name"
        )
    return [replace(item, annotations=item.annotations or place) for item in items]


def _with_patients(items: list[SlideInput], file: Path | None, patient_is_slide: bool) -> list[SlideInput]:
    """Return the slides with whose each is, as names of files will state it.

    Raises:
        UserError: of one nobody says, or a name would not be read back as that patient's.
    """
    if file is not None and patient_is_slide:
        raise UserError("--patients and --patient-is-slide say different things; give one of them")
    names = [item.path.name for item in items]
    if len(set(names)) < len(names):
        names = [item.path.as_posix() for item in items]
    whose = read_patients(file, names).patients if file is not None else {}
    stems = Counter(item.title.casefold() for item in items)
    found = []
    for item, name in zip(items, names, strict=True):
        patient = item.patient or whose.get(name, "")
        if not patient and patient_is_slide:
            if stems[item.title.casefold()] > 1:
                raise UserError(
                    f"{item.path}: another slide is called {item.title} too; say whose they are (--patients)"
                )
            patient = safe_name(item.title)
        found.append(replace(item, patient=patient))
    unknown = [item.path.name for item in found if not item.patient]
    if unknown:
        raise UserError(
            f"the patient of {len(unknown)} of {len(items)} slides is unknown (such as {unknown[0]}); say whose they "
            "are with --patients CSV (columns path,patient), or --patient-is-slide if no two are of one patient"
        )
    spelled: dict[str, str] = {}
    for item in found:
        _check_patient(item.patient)
        if spelled.setdefault(item.patient.casefold(), item.patient) != item.patient:
            raise UserError(
                f"patients {spelled[item.patient.casefold()]} and {item.patient} differ in capitals alone; is it one?"
            )
    return found


def _check_patient(patient: str) -> None:
    """Refuse a patient whose name, as a folder's and in a file's, would be read as something else."""
    read_back = parse_name(f"{patient}_idx{FIRST_INDEX}_x1_y1_class1.png").patient
    odd = safe_name(patient) != patient or hidden(f"{patient}/x") or "_idx" in patient.casefold()
    if odd or not read_back or class_of(patient) is not None:
        raise UserError(
            f"patient {patient!r}: cannot be the name of a folder of patches (it is read as a class, or has characters "
            "that file systems refuse); call the patient otherwise, in letters, digits, - and _"
        )


def _indices(items: list[SlideInput], output: Output, how: Cut) -> dict[tuple[str, str], int]:
    """Return the number of each slide (patient, resolved path) among those of its patient; earlier ones keep theirs.

    Raises:
        UserError: slides that are not cut now were cut by another rule: their patches would be mixed with these.
    """
    now = {str(real(item.path)) for item in items}
    numbers: dict[tuple[str, str], int] = {}
    for child in output.children():
        summary = read_json(child.folder / SUMMARY, dict)
        if not summary:
            if child.owner not in now:  # begun by a run that was killed, by whatever rule
                discard(child, output.folder / PATCHES)
            continue
        settings = summary.get("settings", {})
        if child.owner not in now and settings.get("how") != how.describe():
            raise UserError(
                f"{output.folder} holds patches of {summary.get('slide')} that were cut by another rule; name that "
                "slide too, or give another folder"
            )
        numbers[str(summary.get("patient")), child.owner] = int(summary.get("index", FIRST_INDEX))
    for item in sorted(items, key=lambda item: str(real(item.path))):
        key = (item.patient, str(real(item.path)))
        if key not in numbers:
            taken = {number for (patient, _), number in numbers.items() if patient == item.patient}
            numbers[key] = next(
                number for number in range(FIRST_INDEX, FIRST_INDEX + len(taken) + 1) if number not in taken
            )
    return numbers


def _cut(
    item: SlideInput,
    output: Output,
    how: Cut,
    indices: dict[tuple[str, str], int],
    found: FromSlides,
    threads: int,
    say: Callable[[str], None],
) -> str:
    """Cut one slide into `found`; returns why not, or ""."""
    try:
        owner = identify(item)
    except BadSlide as error:
        return str(error)
    child = output.child(item.title, owner=owner["path"])
    target = Target(found.patches, item.patient, indices[item.patient, str(real(item.path))])
    try:
        summary, skipped = cut_one(item, child, owner, target, how, threads)
    except OSError:  # of writing: what reading meets is a BadSlide
        raise
    except Exception as error:  # noqa: BLE001 - whatever a library makes of one slide, the others are cut
        discard(child, found.patches)  # labels that nobody can vouch for any more
        child.remove(WORK)
        if {each.name for each in child.folder.iterdir()} <= {RECORD}:
            shutil.rmtree(child.folder)
        known = isinstance(error, (BadSlide, UserError))
        return str(error) if known else f"unexpected {type(error).__name__}: {first_line(error)}"
    found.cut[child.folder] = summary
    if skipped:
        found.skipped.append(child.folder)
    done = " [done before with these settings]" if skipped else ""
    counts = f"{summary['patches_malignant']:,} malignant, {summary['patches_benign']:,} benign"
    scale = f"{summary['mpp']['x']:.4g} um/px ({summary['mpp']['from']})"
    left_out = ", ".join(f"{count:,} {why}" for why, count in summary["left_out"].items()) or "none"
    say(f"{item.path.name}: {scale}, patient {item.patient}: {counts}; left out: {left_out}: {child.folder}{done}")
    for warning in summary["warnings"]:
        say(f"WARNING: {item.path.name}: {warning}")
    return ""


def _done(child: Output) -> bool:
    return (child.folder / SUMMARY).is_file()


def _split(found: FromSlides, output: Output, split: SplitChoice | Path | str, say: Callable[[str], None]) -> None:
    """Write split.csv by patient; where that cannot be, say why: the patches are there all the same."""
    patients = found.table["path"].map(lambda path: parse_name(path).patient)
    table = found.table.assign(patient=patients, label=found.table["class"])
    try:
        made = choose_split(table, SplitChoice.of(split))
    except UserError as error:
        found.no_split = str(error)
        output.remove(SPLIT)
        say(f"WARNING: no {SPLIT}: {error}")
        return
    write_split(made, output.path(SPLIT))
    for note in made.notes:
        say(f"WARNING: {note}")
