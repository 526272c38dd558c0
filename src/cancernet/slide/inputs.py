"""Which slides a user named, and what he said of each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SlideInput:
    """A slide, and what the user says of it.

    Attributes:
        path: its file; of a slide in several files one of them.
        patient: whose it is; "" where nobody said.
        mpp: um/px at full resolution, in place of what the file says; None leaves that.
        series: which image of a file with several, counted from 0; None finds the slide among them.
        scanner: free text.
        roi: annotations (GeoJSON, Aperio XML, NDPA) within which the slide is judged; None for all of it.
        annotations: of what on it is benign and malignant, to cut labelled patches by.
    """

    path: Path
    patient: str = ""
    mpp: float | None = None
    series: int | None = None
    scanner: str = ""
    roi: Path | None = None
    annotations: Path | None = None
