"""A row of the cohort: what is known of one slide of many, mapped or not, in plain numbers and text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePath

import msgspec

from cancernet.common.files import read_json
from cancernet.slide import summary

MAPPED, REFUSED, FAILED = "mapped", "refused", "failed"
STATUSES = (FAILED, REFUSED, MAPPED)  # in the order in which they are shown: first what somebody has to look at
UNFINISHED = "not finished: the run was stopped; run the same command again and it goes on"
UNREADABLE = f"its {summary.NAME} is damaged or of another version of CancerNet; run the same command again"
BETWEEN = " | "  # warnings that stand in one cell
AS_THEY_ARE = (  # taken from summary.json under their own names
    *("tissue_mm2", "analysed_mm2", "malignant_mm2", "malignant_share", "stain_distance", "stain_limit"),
    *("patches", "patches_malignant", "patches_benign", "patches_unsure", "mean_log_odds", "synthetic"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One slide of a cohort; None and "" where nothing is known or nothing was judged.

    Attributes:
        slide: name of its file.
        patient: whose it is; "" where nobody said.
        folder: of its results, from the cohort's, with "/"; "" where there is none.
        status: one of STATUSES.
        reason: why it is refused or failed; "" of one that was mapped.
        tissue_mm2: area of tissue.
        analysed_mm2: of tissue in cells with a probability.
        malignant_mm2: of tissue in cells called malignant.
        malignant_share: of the analysed, 0 to 1.
        patches: that were looked at.
        patches_malignant: called so.
        patches_benign: called so.
        patches_unsure: that have no answer.
        unsure_share: of the patches, 0 to 1.
        stain_distance: of the slide's mean colours from those the model knows, standard deviations.
        stain_limit: beyond it the slide is refused; it depends on how many patches there are.
        mean_log_odds: of malignant, over the patches that have an answer, in their surroundings.
        mpp: um/px across at full resolution.
        mpp_from: where that is said.
        warnings: of the run, joined by BETWEEN.
        seconds: from opening the slide to its last file.
        model: its name.
        graph_sha256: of the model's graph.
        synthetic: whether the model learned from drawn patches.
        path: of the slide's file.
    """

    slide: str
    patient: str = ""
    folder: str = ""
    status: str = FAILED
    reason: str = ""
    tissue_mm2: float | None = None
    analysed_mm2: float | None = None
    malignant_mm2: float | None = None
    malignant_share: float | None = None
    patches: int | None = None
    patches_malignant: int | None = None
    patches_benign: int | None = None
    patches_unsure: int | None = None
    unsure_share: float | None = None
    stain_distance: float | None = None
    stain_limit: float | None = None
    mean_log_odds: float | None = None
    mpp: float | None = None
    mpp_from: str = ""
    warnings: str = ""
    seconds: float | None = None
    model: str = ""
    graph_sha256: str = ""
    synthetic: bool | None = None
    path: str = ""


class _Scale(msgspec.Struct):
    x: float
    source: str = msgspec.field(name="from")


class _Model(msgspec.Struct):
    name: str
    graph_sha256: str


class _Seconds(msgspec.Struct):
    whole: float


class _Summary(msgspec.Struct):
    """What a row takes of summary.json; the rest of the file is passed over and never held."""

    format: int
    slide: str
    path: str
    tissue_mm2: float
    analysed_mm2: float
    malignant_mm2: float | None
    malignant_share: float | None
    patches: int
    patches_malignant: int
    patches_benign: int
    patches_unsure: int
    stain_distance: float
    stain_limit: float
    mean_log_odds: float | None
    refused: str
    synthetic: bool
    warnings: list[str]
    mpp: _Scale
    model: _Model
    seconds: _Seconds
    patient: str | None = None


def mapped_row(folder: Path, owner: str) -> Row:
    """Return the row of a slide from its folder of results.

    Args:
        folder: that the slide got.
        owner: what it is kept for, from its record: the path of the slide, and "#N" of image N.

    Returns:
        Of a folder without a summary, or with one that cannot be read, a row that says so.
    """
    found = read_json(folder / summary.NAME, _Summary)
    if found is None or found.format != summary.FORMAT:
        path = _file_of(owner)
        reason = UNREADABLE if (folder / summary.NAME).exists() else UNFINISHED
        return Row(PurePath(path).name, folder=folder.name, reason=reason, path=path)
    said = [each for each in found.warnings if not (found.refused and found.refused in each)]  # it is the reason
    return Row(
        found.slide,
        patient=found.patient or "",
        folder=folder.name,
        status=REFUSED if found.refused else MAPPED,
        reason=found.refused,
        unsure_share=round(found.patches_unsure / found.patches, 6) if found.patches else None,
        mpp=found.mpp.x,
        mpp_from=found.mpp.source,
        warnings=BETWEEN.join(said),
        seconds=found.seconds.whole,
        model=found.model.name,
        graph_sha256=found.model.graph_sha256,
        path=found.path,
        **{name: getattr(found, name) for name in AS_THEY_ARE},
    )


def failed_row(path: str, reason: str, patient: str = "") -> Row:
    """Return the row of what could not be mapped."""
    return Row(PurePath(path).name or path, patient=patient, reason=reason, path=path)


def _file_of(owner: str) -> str:
    path, mark, number = owner.rpartition("#")
    return path if mark and number.isdecimal() else owner
