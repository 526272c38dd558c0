"""DICOM whole slide images: which files are one slide, and which of them only picture it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cancernet.slide.extra import need
from cancernet.slide.reader import reading
from cancernet.slide.scale import BadSlide

MARK_AT, MARK = 128, b"DICM"  # what a DICOM file has after its preamble (PS3.10, 7.1)
WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"  # VL Whole Slide Microscopy Image Storage
ASIDE = ("LABEL", "OVERVIEW", "THUMBNAIL")  # third value of Image Type: no part of the pyramid
TAGS = ["SOPClassUID", "SeriesInstanceUID", "ImageType", "TotalPixelMatrixColumns"]


@dataclass(frozen=True)
class Instance:
    """One DICOM file of a whole slide image: its series, flavour (VOLUME, LABEL, ...; "" unsaid) and width in px."""

    path: Path
    series: str
    flavour: str
    width: int

    @property
    def aside(self) -> bool:
        """Whether it is a label, an overview or a thumbnail."""
        return self.flavour in ASIDE


def is_dicom(path: Path) -> bool:
    """Whether a file begins as DICOM files do.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        file.seek(MARK_AT)
        return file.read(len(MARK)) == MARK


def read_instance(path: Path) -> Instance:
    """Read what a DICOM file is; no pixels.

    Raises:
        BadSlide: damaged, or of another kind than whole slide images.
        UserError: the extra is not installed.
    """
    library = need("pydicom")
    with reading("damaged DICOM"):
        read = library.dcmread(path, stop_before_pixels=True, specific_tags=TAGS)
        kind = str(read.get("SOPClassUID", ""))
        if kind != WHOLE_SLIDE:
            raise BadSlide(f"not a whole slide: DICOM of the kind {library.uid.UID(kind).name or 'unknown'}")
        flavours = [str(value) for value in read.get("ImageType") or []]
        flavour = flavours[2] if len(flavours) > 2 else ""
        return Instance(
            path, str(read.get("SeriesInstanceUID", "")), flavour, int(read.get("TotalPixelMatrixColumns") or 0)
        )


def slides_of(paths: Iterable[Path]) -> tuple[list[list[Instance]], list[tuple[Path, str]]]:
    """Sort DICOM files into slides: files of one series in one folder, without what only pictures the slide.

    Returns:
        The slides, each the largest instance first; and path and reason of each file that belongs to none.
    """
    series: dict[tuple[Path, str], list[Instance]] = {}
    refused = []
    for path in paths:
        try:
            found = read_instance(path)
        except BadSlide as error:
            refused.append((path, str(error)))
            continue
        series.setdefault((path.parent, found.series), []).append(found)
    slides = []
    for instances in series.values():
        whole = sorted((each for each in instances if not each.aside), key=lambda each: (-each.width, each.path))
        if whole:
            slides.append(whole)
        else:
            refused += [(each.path, _only(each)) for each in instances]
    return slides, refused


def slide_with(path: Path) -> list[Instance]:
    """Return the images of the slide that a DICOM file is of, whichever of its files that is; the largest first.

    Raises:
        BadSlide: as `read_instance`; or there is only a label, an overview or a thumbnail of the slide.
        OSError: the folder it lies in cannot be read.
    """
    own = read_instance(path)
    beside = (each for each in path.parent.iterdir() if each.is_file() and is_dicom(each))
    slides, _ = slides_of(beside)
    for slide in slides:
        if slide[0].series == own.series:
            return slide
    raise BadSlide(_only(own))


def _only(instance: Instance) -> str:
    return f"only the {instance.flavour.lower()} of a slide; give the series of its VOLUME images"
