"""From what a user names - files, folders, a manifest - to the slides there are, each once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cancernet.common.errors import UserError
from cancernet.common.files import real
from cancernet.common.output import RECORD
from cancernet.common.text import utf8
from cancernet.data.source import FolderSource
from cancernet.slide import dicom
from cancernet.slide.formats import SCANNERS
from cancernet.slide.inputs import SlideInput
from cancernet.slide.manifest import read_manifest
from cancernet.slide.reader import first_line
from cancernet.slide.scale import BadSlide, check_mpp

TIFFS = (".tif", ".tiff")
PICTURES = (".png", ".jpg", ".jpeg")

Named = Path | str | SlideInput


@dataclass
class Gathered:
    """What there is.

    Attributes:
        slides: to be read.
        failed: path and reason of what was named, or lies in a folder that was named, and is no slide.
        notes: what a user ought to know.
    """

    slides: list[SlideInput] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find_slides(
    paths: Named | Sequence[Named] = (),
    *,
    manifest: Path | str | None = None,
    mpp: float | None = None,
    series: int | None = None,
    roi: Path | str | None = None,
) -> Gathered:
    """Find the slides that a user named, with all that he said of them.

    Args:
        paths: files and folders; a `SlideInput` brings what is said of it.
        manifest: CSV, see `read_manifest`.
        mpp: um/px at full resolution: of the slide, in place of what it says; of several slides, for those that state
            none.
        series: which image of a file with several, from 0 on.
        roi: annotations of one slide, or the folder in which each has its own; for those the manifest says nothing of.

    Raises:
        UserError: as `read_manifest`, `check_mpp` and `gather`; or `series` or a file `roi` stands for several slides.
    """
    if mpp is not None:
        check_mpp(mpp)
    place = Path(roi).expanduser() if roi is not None else None
    if place is not None and not place.exists():
        raise UserError(f"--roi {place}: no such file or folder; check the name")
    given = [paths] if isinstance(paths, (str, Path, SlideInput)) else paths
    named = [each if isinstance(each, SlideInput) else SlideInput(Path(each).expanduser()) for each in given]
    notes: list[str] = []
    if manifest is not None:
        listed, notes = read_manifest(Path(manifest).expanduser())
        named += listed
    found = gather(replace(item, series=series) if item.series is None else item for item in named)
    alone = len(found.slides) == 1
    if series is not None and not alone:
        raise UserError(
            f"--series {series} is of one file, and {len(found.slides)} are named; list them in a --manifest"
        )
    bare = [slide for slide in found.slides if slide.roi is None]
    if place is not None and not place.is_dir() and len(bare) > 1:
        raise UserError(
            f"--roi {place} is one file for {len(bare)} slides; give the folder in which each has one of its name"
        )
    found.slides = [_scaled(replace(slide, roi=slide.roi or place), mpp, alone=alone) for slide in found.slides]
    found.notes = [*notes, *found.notes]
    return found


def _scaled(slide: SlideInput, mpp: float | None, *, alone: bool) -> SlideInput:
    """What is said of one slide overrides its file; what is said of many stands in for what a file lacks."""
    if mpp is None or slide.mpp is not None:
        return slide
    return replace(slide, mpp=mpp) if alone else replace(slide, usual_mpp=mpp)


def gather(named: Iterable[SlideInput]) -> Gathered:
    """Find the slides of what was named; a path given twice is one slide.

    Args:
        named: files and folders, with what was said of each; what is said of a folder holds for all slides in it.

    Returns:
        A folder's slides in the order of their paths, its sub-folders searched too: scanners' files, TIFFs and DICOM
        series; pictures (PNG, JPEG) only where it has nothing else, since beside slides they are previews.

    Raises:
        UserError: one slide named twice with different things said of it.
    """
    found = Gathered()
    taken: dict[tuple[Path, int | None], SlideInput] = {}
    for item in named:
        for slide in _in_folder(item, found) if item.path.is_dir() else _named(item, found):
            key = (real(slide.path), slide.series)
            before = taken.setdefault(key, slide)
            if replace(before, path=slide.path, name=slide.name, files=slide.files) != slide:  # a link to it, say
                raise UserError(f"{utf8(str(slide.path))} is named twice, and not the same is said of it; name it once")
    found.slides = list(taken.values())
    return found


def _named(item: SlideInput, found: Gathered) -> list[SlideInput]:
    """A file: itself, or the DICOM slide that it is of; its folder names that where it holds nothing else."""
    try:
        if not (item.path.is_file() and dicom.is_dicom(item.path)):
            return [replace(item, files=_companions(item.path))]
        images = dicom.slide_with(item.path)
    except (BadSlide, OSError) as error:
        found.failed.append((utf8(item.path.as_posix()), first_line(error)))
        return []
    return [_of_dicom(item, images, item.path.stem if len(images) == 1 else images[0].path.stem)]


def _in_folder(item: SlideInput, found: Gathered) -> list[SlideInput]:
    members = [Path(member.path) for member in FolderSource(item.path).members()]
    ours = {folder for member in members for folder in member.parents if (item.path / folder / RECORD).is_file()}
    paths = [item.path / member for member in members if ours.isdisjoint(member.parents)]
    by_name = [path for path in paths if path.suffix.lower() in (*SCANNERS, *TIFFS) and path.suffix.lower() != ".dcm"]
    of_dicom = [path for path in paths if path.suffix.lower() in (".dcm", "") and _is_dicom(path)]
    pictures = [path for path in paths if path.suffix.lower() in PICTURES]
    images, refused = dicom.slides_of(of_dicom)
    found.failed += [(utf8(path.as_posix()), reason) for path, reason in refused]
    slides = [replace(item, path=path, files=_companions(path)) for path in by_name]
    slides += [_of_dicom(item, each, _dicom_name(each, images)) for each in images]
    where = utf8(str(item.path))
    if slides and pictures:
        found.notes.append(
            f"{where}: {len(pictures):,} pictures (PNG, JPEG) beside slides left out; name them to map them"
        )
    elif pictures:
        slides = [replace(item, path=path) for path in pictures]
    if not slides and not refused:
        found.failed.append((where, f"a folder without a slide ({len(paths):,} files in it and below)"))
    return sorted(slides, key=lambda slide: slide.path)


def _is_dicom(path: Path) -> bool:
    try:
        return path.is_file() and dicom.is_dicom(path)
    except OSError:  # listed when it is read, if its name says that it is one
        return path.suffix.lower() == ".dcm"


def _of_dicom(item: SlideInput, images: Sequence[dicom.Instance], name: str) -> SlideInput:
    return replace(item, path=images[0].path, files=tuple(each.path for each in images), name=item.name or name)


def _dicom_name(images: Sequence[dicom.Instance], all_images: Sequence[Sequence[dicom.Instance]]) -> str:
    """A series has no name of its own: its folder's where it is alone in it, else its largest file's."""
    folder = images[0].path.parent
    alone = sum(each[0].path.parent == folder for each in all_images) == 1
    return folder.resolve().name if alone else images[0].path.stem


def _companions(path: Path) -> tuple[Path, ...]:
    """Return the files of a slide: with those of an MRXS's folder, so that a change of them is seen."""
    folder = path.with_suffix("")
    if path.suffix.lower() != ".mrxs" or not folder.is_dir():
        return (path,)
    return (path, *sorted(each for each in folder.iterdir() if each.is_file()))
