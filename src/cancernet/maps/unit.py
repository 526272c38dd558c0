"""A specimen as a unit of work: it is read, judged and drawn into its own folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from cancernet.common.apart import guarded
from cancernet.common.defaults import MPP
from cancernet.common.errors import UserError
from cancernet.common.executor import WorkerDiedError
from cancernet.common.output import BEGUN, Output
from cancernet.context.smooth import apply_context
from cancernet.data.source import Member
from cancernet.data.stream import PatchStream
from cancernet.maps import specimen_viewer
from cancernet.maps.draw import blend, draw_map
from cancernet.maps.measure import caption, measure
from cancernet.maps.specimens import Specimen, list_specimens, read_specimen, stitch
from cancernet.model.decide import UNSURE, words
from cancernet.model.judge import Judge
from cancernet.model.model import Model
from cancernet.model.travel import Ticket

KIND = "map"  # of the folders of results
FORMAT = 4  # of specimen.json
NOTES = "specimen.json"
COLUMNS = ("path", "x", "y", "label", "probability", "decision", "reason", "alone")


@dataclass(frozen=True)
class Unit:
    """A specimen to map, as another process or machine is told of it.

    Attributes:
        run: tells runs apart: the files are listed once in a run by each process.
        data: folder or zip of the patches, absolute.
        patient: whose specimen.
        folder: for its files; made, and kept for the patient.
        model: what to load.
        threads: that read files.
    """

    run: str
    data: Path
    patient: str
    folder: Path
    model: Ticket
    threads: int


@dataclass(frozen=True)
class Done:
    """What became of a specimen: its row of specimens.csv if it was drawn, and (path, reason) of what was left out."""

    row: dict[str, Any] | None
    errors: tuple[tuple[str, str], ...] = ()


def map_guarded(unit: Unit) -> Done:
    """Do what `map_unit` does; a specimen that ends its process is tried twice, and then left out."""
    try:
        return guarded(map_unit, unit, unit.folder / BEGUN)
    except WorkerDiedError as error:
        return left_out(unit.patient, str(error))


def map_unit(unit: Unit) -> Done:
    """Map one specimen into its folder; nobody else writes there meanwhile."""
    stream, listed = _listed(unit.run, unit.data)
    stream = stream.only(lambda _: False)  # of its own errors
    model = unit.model.open()
    with Output(unit.folder, KIND, inputs=[unit.data], wait=True) as folder:
        specimen = read_specimen(stream, unit.patient, listed[unit.patient], threads=unit.threads)
        if not len(specimen.table):
            return left_out(unit.patient, "none of its files could be used", stream.errors)
        try:
            row = write_specimen(specimen, model.predict(specimen.images), model, folder)
        except UserError as error:  # one specimen never ends the others
            return left_out(unit.patient, str(error), stream.errors)
    return Done(row, tuple(stream.errors))


def write_specimen(specimen: Specimen, probability: np.ndarray, model: Model, folder: Output) -> dict[str, Any]:
    """Write one specimen's files.

    Args:
        specimen: its patches.
        probability: (N,) of malignant, each patch by itself.
        model: the model.
        folder: of the specimen.

    Returns:
        Its row of specimens.csv.

    Raises:
        UserError: its patches are on no grid, or not one can be judged.
    """
    table = specimen.table
    judge = Judge(model.colours)
    reasons = np.array(judge.settle(judge.see(specimen.images)), dtype=object)
    stain = judge.stain()
    if np.all(reasons != "") and not stain.alarm:
        raise UserError(f"none of its patches can be judged: {reasons[0]}")
    context = apply_context(model, table["x"], table["y"], probability, reasons=reasons)
    row = measure(specimen, probability, context, model, stain)
    section = stitch(specimen)
    grid = specimen.grid(np.where(context.decision != UNSURE, context.probability, np.nan))
    called = specimen.grid(context.malignant).values == 1
    known = specimen.labelled
    truth = specimen.grid(table["label"].where(known, np.nan)) if known.any() else None
    figure = draw_map(
        section,
        grid,
        called,
        title=f"Specimen {specimen.patient}",
        caption=caption(row, model),
        warning=" · ".join(row["warnings"]),
        mpp=MPP,
        truth=truth,
    )
    folder.remove(NOTES)  # written last: a folder with it is whole
    folder.write_figure("map.png", figure)
    folder.write_png("overlay.png", blend(section, grid))
    rows = table.assign(
        probability=context.probability, alone=probability, decision=words(context.decision), reason=reasons
    )
    rows["label"] = rows["label"].where(rows["label"] >= 0).astype("Int64")
    folder.write_csv("patches.csv", rows[list(COLUMNS)])
    specimen_viewer.write(folder, specimen, section, grid, called, reasons, row, model)
    folder.write_json(NOTES, {"format": FORMAT, "model": model.describe(), "specimen": row})
    return row


def left_out(patient: str, reason: str, errors: Sequence[tuple[str, str]] = ()) -> Done:
    """Return what became of a specimen that was not drawn, with what was left out of it."""
    return Done(None, (*errors, (patient, f"specimen left out: {reason}")))


@lru_cache(maxsize=1)
def _listed(run: str, data: Path) -> tuple[PatchStream, dict[str, list[Member]]]:  # noqa: ARG001
    """Return the files of all specimens; once in a run."""
    stream = PatchStream([data], plain=True)
    return stream, list_specimens(stream)
