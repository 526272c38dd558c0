"""Map every specimen of a folder or zip: a figure, tables and an index page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pandas as pd

from cancernet.common.defaults import MPP, PATCH_SIZE
from cancernet.common.errors import UserError
from cancernet.common.executor import Executor, InProcess, WorkerDiedError
from cancernet.common.files import read_json
from cancernet.common.output import Output
from cancernet.common.progress import progress
from cancernet.data.stream import PatchStream
from cancernet.maps.measure import line, thresholds
from cancernet.maps.specimens import list_specimens
from cancernet.maps.unit import FORMAT, KIND, NOTES, Done, Unit, left_out, map_guarded
from cancernet.model.model import Model, load_model
from cancernet.model.travel import ticket
from cancernet.report.page import fill

INDEX, TABLE = "index.html", "specimens.csv"


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
    executor: Executor | None = None,
    say: Callable[[str], None] = print,
) -> Mapped:
    """Draw the map of each specimen.

    Args:
        data: folder or zip whose file names state patient, x and y.
        model: from `load_model`; by default the one that ships.
        out: folder; gets PATIENT/{viewer.html, map.png, overlay.png, patches.csv, specimen.json}, specimens.csv,
            index.html and, where something could not be used, errors.csv. Specimens of earlier runs stay on the page.
        patients: which to draw; all by default.
        threads: CPU threads of a specimen; those this process may use by default, shared out among workers.
        executor: where specimens are mapped; here, one after the other, by default. Not closed.
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
    with Output(Path(out), KIND, inputs=[stream.root], names=(INDEX, TABLE)) as output:
        listed = list_specimens(stream)
        absent = [patient for patient in patients if patient not in listed]
        if absent:
            raise UserError(f"{stream.root}: holds no patches of {', '.join(absent)}; it has {len(listed)} patients")
        if patients:
            stream.errors.clear()  # of files that are not asked for
            listed = {patient: listed[patient] for patient in dict.fromkeys(patients)}
        at = executor or InProcess()
        travelling, run = ticket(model, threads=threads or at.threads()), uuid4().hex

        def units() -> Iterator[Unit]:
            for patient in listed:
                folder = output.child(patient, owner=patient).folder.absolute()
                yield Unit(run, Path(data).expanduser().absolute(), patient, folder, travelling, travelling.threads)

        ended: dict[int, Done] = {}
        with progress(total=len(listed), what="map", unit=" specimens") as bar:
            for number, found in at.each(map_guarded, units()):
                ended[number] = (
                    left_out(list(listed)[number], str(found)) if isinstance(found, WorkerDiedError) else found
                )
                bar.update()
                if row := ended[number].row:
                    say(line(row))
        in_order = [ended[number] for number in sorted(ended)]
        mapped = Mapped(
            [done.row for done in in_order if done.row],
            [*stream.errors, *(error for done in in_order for error in done.errors)],
            output.folder / INDEX,
        )
        if not mapped.specimens:
            first = ": ".join(("", *mapped.errors[0])) if mapped.errors else ""
            raise UserError(f"{stream.root}: no specimen could be drawn{first}")
        output.errors = mapped.errors
        pages = finished(output, model, like=mapped.specimens[0])
        output.write_csv(TABLE, pd.DataFrame([row for _, row in pages]))
        output.write_text(INDEX, index(pages, mapped.errors, model, stream.root, synthetic=stream.synthetic))
        return mapped


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
