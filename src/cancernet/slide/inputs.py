"""A slide, what the user says of it, and what he chose for all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cancernet.common import defaults

WORK = ".work"  # folder of a slide not finished yet; removed when it is


@dataclass(frozen=True)
class SlideInput:
    """A slide, and what the user says of it.

    Attributes:
        path: its file; of a slide in several files one of them; or a folder of slides, before `gather`.
        name: of its results, where that is not the name of its file.
        patient: whose it is; "" where nobody said.
        mpp: um/px at full resolution, in place of what the file says; None leaves that.
        said_by: where `mpp` was said.
        usual_mpp: um/px where the file states none, said of several slides at once.
        series: which image of a file with several, counted from 0; None finds the slide among them.
        scanner: free text.
        roi: annotations (GeoJSON, Aperio XML, NDPA) within which the slide is judged; None for all of it.
        annotations: of what on it is benign and malignant, to cut labelled patches by.
        files: all its files, set by `gather`.
    """

    path: Path
    name: str = ""
    patient: str = ""
    mpp: float | None = None
    said_by: str = "--mpp"
    usual_mpp: float | None = None
    series: int | None = None
    scanner: str = ""
    roi: Path | None = None
    annotations: Path | None = None
    files: tuple[Path, ...] = ()

    @property
    def title(self) -> str:
        """What it is called in results."""
        return self.name or self.path.stem


@dataclass(frozen=True)
class Options:
    """What a user may choose; see `batch.map_slide`."""

    stride: int = defaults.PATCH_SIZE
    threads: int = 1
    viewer_mpp: float | None = None
    roi_classes: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()  # formats beside patches.csv
