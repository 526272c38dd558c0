"""Map every specimen of a folder or zip: a figure, tables and an index page."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cancernet import __version__
from cancernet.common.atomic import write_text
from cancernet.common.defaults import CLASS_NAMES, MPP, PATCH_SIZE
from cancernet.common.errors import UserError
from cancernet.common.files import write_csv, write_figure, write_png
from cancernet.common.inputs import ERRORS, refuse_inside, refuse_other, refuse_other_errors, write_errors
from cancernet.common.progress import progress
from cancernet.context.smooth import apply_context
from cancernet.data.source import Source
from cancernet.maps.draw import blend, draw_map
from cancernet.maps.measure import caption, line, measure, thresholds
from cancernet.maps.specimens import Specimen, list_specimens, read_specimen, stitch
from cancernet.model.bundle import Bundle
from cancernet.model.inference import predict
from cancernet.report.html import fill

INDEX, TABLE, NOTES = "index.html", "specimens.csv", "specimen.json"
COLUMNS = ("path", "x", "y", "label", "probability", "probability_context", "decision")


@dataclass
class Mapped:
    """What became of a folder: a row a specimen that was drawn, and (path, reason) of what could not be used."""

    specimens: list[dict[str, Any]] = field(default_factory=list)
    errors: list[tuple[str, str]] = field(default_factory=list)


def map_specimens(
    source: Source,
    bundle: Bundle,
    out: Path,
    *,
    patients: tuple[str, ...] = (),
    threads: int | None = None,
    say: Callable[[str], None] = print,
) -> Mapped:
    """Draw the map of each specimen, one after the other.

    Args:
        source: folder or zip whose file names state patient, x and y.
        bundle: the model.
        out: folder; gets PATIENT/{map.png, overlay.png, patches.csv, specimen.json}, specimens.csv, index.html
            and, where something could not be used, errors.csv.
        patients: which to draw; all by default.
        threads: CPU threads; those this process may use by default.
        say: where lines for the user go.

    Raises:
        UserError: no specimen could be drawn, or a patient that is not there.
    """
    _check(source, bundle, out)
    listed, bad = list_specimens(source)
    absent = [patient for patient in patients if patient not in listed]
    if absent:
        raise UserError(
            f"{source.root}: holds no patches of {', '.join(absent)}; it has {len(listed)} patients"
        )
    listed = {patient: files for patient, files in listed.items() if not patients or patient in patients}
    found = Mapped(errors=[] if patients else bad)
    folders = name_folders(list(listed), out)
    session = bundle.session(threads=threads)
    with progress(listed.items(), what="map", unit=" specimens") as bar:
        for patient, files in bar:
            specimen, unusable = read_specimen(source, patient, files, threads=threads)
            found.errors += unusable
            if not len(specimen.table):
                found.errors.append((patient, "specimen left out: none of its files could be used"))
                continue
            try:
                probability = predict(session, specimen.images)
                row = write_specimen(specimen, probability, bundle, folders[patient])
            except UserError as error:  # one specimen never ends the others
                found.errors.append((patient, f"specimen left out: {error}"))
                continue
            found.specimens.append(row)
            say(line(row))
    if not found.specimens:
        first = f": {found.errors[0][0]}: {found.errors[0][1]}" if found.errors else ""
        raise UserError(f"{source.root}: no specimen could be drawn{first}")
    write_csv(out / TABLE, pd.DataFrame(found.specimens))
    write_errors(out / ERRORS, found.errors)
    write_text(out / INDEX, index(found, folders, bundle, source.root))
    return found


def _check(source: Source, bundle: Bundle, out: Path) -> None:
    """Refuse a model of another scale, and a folder in which files of others would be lost."""
    wanted = bundle.manifest["input"]
    if (wanted["size_px"], wanted["mpp"]) != (PATCH_SIZE, MPP):
        raise UserError(
            f"{bundle.name} sees patches of {wanted['size_px']} px at {wanted['mpp']:g} um/px; "
            f"maps need {PATCH_SIZE} px at {MPP:g} um/px"
        )
    refuse_inside(out, [source.root])
    refuse_other_errors(out / ERRORS)
    refuse_other(out / TABLE, "patient,n_patches")
    refuse_other(out / INDEX)


def name_folders(patients: list[str], out: Path) -> dict[str, Path]:
    """Return a folder of `out` for each patient, never one that holds something else, nor two alike.

    A patient takes the first of NAME, NAME-2, NAME-3 that is free or holds an earlier map of the same patient;
    what file systems refuse in a name becomes "_".
    """
    taken = {name.casefold() for name in (INDEX, TABLE, ERRORS)}
    chosen = {}
    for patient in patients:
        safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in patient).strip(".") or "_"
        name, number = safe, 1
        while name.casefold() in taken or not _free(out / name, patient):
            number += 1
            name = f"{safe}-{number}"
        taken.add(name.casefold())
        chosen[patient] = out / name
    return chosen


def _free(folder: Path, patient: str) -> bool:
    try:
        return json.loads((folder / NOTES).read_text("utf-8"))["patient"] == patient
    except (OSError, ValueError, KeyError, TypeError):  # none of ours
        return not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))


def write_specimen(
    specimen: Specimen, probability: np.ndarray, bundle: Bundle, folder: Path
) -> dict[str, Any]:
    """Write one specimen's files.

    Args:
        specimen: its patches.
        probability: (N,) of malignant, each patch by itself.
        bundle: the model.
        folder: made if absent.

    Returns:
        Its row of specimens.csv.

    Raises:
        UserError: its patches are on no grid.
    """
    table = specimen.table
    context = apply_context(bundle, table["x"], table["y"], probability)
    row = measure(specimen, probability, context, bundle)
    section = stitch(specimen)
    grid = specimen.grid(context.probability)
    called = specimen.grid(context.malignant).values == 1
    known = specimen.labelled
    truth = specimen.grid(table["label"].where(known, np.nan)) if known.any() else None
    figure = draw_map(
        section,
        grid,
        called,
        title=f"Specimen {specimen.patient}",
        caption=caption(row, bundle),
        warning=" · ".join(row["warnings"]),
        mpp=MPP,
        truth=truth,
    )
    write_figure(folder / "map.png", figure)
    write_png(folder / "overlay.png", blend(section, grid))
    rows = table.assign(
        probability=probability,
        probability_context=np.where(context.in_context, context.probability, np.nan),
        decision=[CLASS_NAMES[int(call)] for call in context.malignant],
    )
    rows["label"] = rows["label"].where(rows["label"] >= 0).astype("Int64")
    write_csv(folder / "patches.csv", rows[list(COLUMNS)])
    write_text(folder / NOTES, json.dumps(row, indent=1) + "\n")
    return row


def index(found: Mapped, folders: dict[str, Path], bundle: Bundle, root: Path) -> str:
    """Return the page of all specimens."""
    return fill(
        "maps.html",
        {
            "title": f"Specimens of {root.name or root}",
            "version": __version__,
            "model": bundle.name,
            "synthetic": bool(bundle.manifest["data"]["synthetic"]),
            "thresholds": thresholds(bundle),
            "context": bundle.manifest.get("context"),
            "pages": [{"row": row, "folder": folders[row["patient"]].name} for row in found.specimens],
            "errors": found.errors,
        },
    )
