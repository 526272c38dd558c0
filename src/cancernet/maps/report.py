"""Map every specimen of a folder or zip: a figure, tables and an index page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cancernet.common.defaults import MPP, PATCH_SIZE
from cancernet.common.errors import UserError
from cancernet.common.files import read_json
from cancernet.common.output import Output
from cancernet.common.progress import progress
from cancernet.context.smooth import apply_context
from cancernet.data.stream import PatchStream
from cancernet.maps import specimen_viewer
from cancernet.maps.draw import blend, draw_map
from cancernet.maps.measure import caption, line, measure, thresholds
from cancernet.maps.specimens import Specimen, list_specimens, read_specimen, stitch
from cancernet.model.decide import UNSURE, words
from cancernet.model.judge import Judge
from cancernet.model.model import Model, load_model
from cancernet.report.page import fill

FORMAT = 4  # of specimen.json
INDEX, TABLE, NOTES = "index.html", "specimens.csv", "specimen.json"
COLUMNS = ("path", "x", "y", "label", "probability", "decision", "reason", "alone")


@dataclass
class Mapped:
    """What became of a folder: a row a specimen that was drawn, and (path, reason) of what could not be used."""

    specimens: list[dict[str, Any]] = field(default_factory=list)
    errors: list[tuple[str, str]] = field(default_factory=list)
    page: Path = field(default_factory=Path)

    def _repr_html_(self) -> str:
        return pd.DataFrame(self.specimens).to_html(index=False)


def map_specimens(
    data: Path | str,
    model: Model | None = None,
    *,
    out: Path | str,
    patients: Sequence[str] = (),
    threads: int | None = None,
    say: Callable[[str], None] = print,
) -> Mapped:
    """Draw the map of each specimen, one after the other.

    Args:
        data: folder or zip whose file names state patient, x and y.
        model: from `load_model`; by default the one that ships.
        out: folder; gets PATIENT/{viewer.html, map.png, overlay.png, patches.csv, specimen.json}, specimens.csv,
            index.html and, where something could not be used, errors.csv. Specimens of earlier runs stay on the page.
        patients: which to draw; all by default.
        threads: CPU threads that read files; those this process may use by default.
        say: where lines for the user go.

    Raises:
        UserError: no specimen could be drawn, a patient that is not there, a model of another scale, or a place that
            cannot be written.
    """
    model = model or load_model()
    if (model.size_px, model.mpp) != (PATCH_SIZE, MPP):
        raise UserError(
            f"{model.name} sees patches of {model.size_px} px at {model.mpp:g} um/px; "
            f"maps need {PATCH_SIZE} px at {MPP:g} um/px"
        )
    stream = PatchStream([data], plain=True)
    if stream.synthetic:
        say("These patches are SYNTHETIC: what follows is no evidence of anything.")
    for note in stream.notes:
        say(f"WARNING: {note}")
    with Output(Path(out), "map", inputs=[stream.root], names=(INDEX, TABLE)) as output:
        listed = list_specimens(stream)
        absent = [patient for patient in patients if patient not in listed]
        if absent:
            raise UserError(f"{stream.root}: holds no patches of {', '.join(absent)}; it has {len(listed)} patients")
        if patients:
            stream.errors.clear()  # of files that are not asked for
            listed = {patient: listed[patient] for patient in dict.fromkeys(patients)}
        found = Mapped(errors=stream.errors, page=output.folder / INDEX)
        with progress(listed.items(), what="map", unit=" specimens") as bar:
            for patient, files in bar:
                specimen = read_specimen(stream, patient, files, threads=threads)
                if not len(specimen.table):
                    found.errors.append((patient, "specimen left out: none of its files could be used"))
                    continue
                try:
                    probability = model.predict(specimen.images)
                    row = write_specimen(specimen, probability, model, output)
                except UserError as error:  # one specimen never ends the others
                    found.errors.append((patient, f"specimen left out: {error}"))
                    continue
                found.specimens.append(row)
                say(line(row))
        if not found.specimens:
            first = ": ".join(("", *found.errors[0])) if found.errors else ""
            raise UserError(f"{stream.root}: no specimen could be drawn{first}")
        output.errors = found.errors
        pages = finished(output, model, like=found.specimens[0])
        output.write_csv(TABLE, pd.DataFrame([row for _, row in pages]))
        output.write_text(INDEX, index(pages, found.errors, model, stream.root, synthetic=stream.synthetic))
        return found


def finished(output: Output, model: Model, like: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return folder and row of every specimen that this model has mapped here, in this run and earlier ones.

    Args:
        output: folder of all maps.
        model: the model.
        like: a row of this run; what has other columns is of another version.
    """
    found = []
    for child in output.children():
        notes = read_json(child.folder / NOTES, dict) or {}  # none of one begun and not finished
        row = notes.get("specimen")
        ours = (notes.get("format"), notes.get("model")) == (FORMAT, model.describe())
        if ours and isinstance(row, dict) and row.keys() == like.keys():
            found.append((child.folder.name, row))
    return found


def write_specimen(specimen: Specimen, probability: np.ndarray, model: Model, output: Output) -> dict[str, Any]:
    """Write one specimen's files.

    Args:
        specimen: its patches.
        probability: (N,) of malignant, each patch by itself.
        model: the model.
        output: folder of all maps.

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
    folder = output.child(specimen.patient, owner=specimen.patient)
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


def index(
    pages: list[tuple[str, dict[str, Any]]], errors: list[tuple[str, str]], model: Model, root: Path, *, synthetic: bool
) -> str:
    """Return the page of all specimens: (folder, row) each; `synthetic` says that the patches are."""
    return fill(
        "maps.html",
        {
            "title": f"Specimens of {root.name or root}",
            "model": model.name,
            "synthetic": model.synthetic or synthetic,
            "thresholds": thresholds(model),
            "context": model.context,
            "pages": [{"row": row, "folder": folder} for folder, row in pages],
            "errors": errors,
        },
    )
