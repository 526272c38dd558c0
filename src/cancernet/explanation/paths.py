"""Explain any number of image files, folders and zips: a CSV of all, pictures of the first, one page."""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from cancernet.common.atomic import replacing, write_text
from cancernet.common.defaults import CLASS_NAMES
from cancernet.common.errors import UserError
from cancernet.common.inputs import (
    ERRORS,
    open_inputs,
    refuse_inside,
    refuse_other,
    refuse_other_errors,
    write_errors,
)
from cancernet.common.progress import progress
from cancernet.data.names import parse_name
from cancernet.data.scan import Scanned, scan
from cancernet.explanation.draw import Explanation, Neighbour, draw_explanation
from cancernet.explanation.page import render
from cancernet.explanation.remembered import Pictures
from cancernet.model.bundle import Bundle
from cancernet.model.decide import logit
from cancernet.model.evidence import explain_patches, open_explaining
from cancernet.model.neighbours import NEAREST, Index, nearest, read_index
from cancernet.prediction.paths import COLUMNS, prediction_row
from cancernet.report.overlay import span_of
from cancernet.report.style import Picture, picture

TABLE, PAGE, FOLDER = "explanations.csv", "index.html", "pictures"
NEAR = ("path", "patient", "label", "similarity")
SLUG = 60  # characters of a patch's name in its picture's: a number before it tells pictures apart


@dataclass
class Told:
    """What became of the files: patches `explained`, of them `drawn`; files `failed`; training patches shown."""

    explained: int = 0
    drawn: int = 0
    failed: int = 0
    remembered: int = 0  # nearest training patches of the patches drawn
    pictured: int = 0  # of them, those whose picture was found in the data
    page: Path = field(default_factory=Path)


def explain_paths(
    paths: Sequence[Path],
    bundle: Bundle,
    *,
    out: Path,
    data: Path | None = None,
    threads: int | None = None,
    max_images: int = 100,
) -> Told:
    """Explain every image of some paths.

    Args:
        paths: image files, folders or zips.
        bundle: the model.
        out: folder for explanations.csv, index.html, pictures/ and, where a file could not be used, errors.csv.
        data: the model's training data, to show pictures of remembered patches from.
        threads: CPU threads; those this process may use by default.
        max_images: most patches to draw; the table has all.

    Raises:
        UserError: a path that is not there, a model that cannot explain, or not one image that could be used.
    """
    refuse_other_errors(out / ERRORS)
    refuse_other(out / PAGE)
    refuse_other(out / TABLE, ",".join(COLUMNS))
    refuse_inside(out, paths)
    session, index = open_explaining(bundle, threads=threads), read_index(bundle)
    pictures = Pictures(data) if data is not None else None
    inputs = open_inputs(paths)
    total = sum(len(each.members) for each in inputs)
    kept: list[Explanation] = []
    errors: list[tuple[str, str]] = []
    told = Told(page=out / PAGE)
    with ExitStack() as stack:
        bar = stack.enter_context(progress(total=total, what="explain"))
        temporary = stack.enter_context(replacing(out / TABLE))
        rows = csv.writer(
            stack.enter_context(temporary.open("w", newline="", encoding="utf-8")), lineterminator="\n"
        )
        rows.writerow([*COLUMNS, *_near_columns(index), "picture"])
        for prefix, source, members in inputs:
            for chunk in scan(source, members, workers=threads):
                for found in _explain_chunk(session, bundle, index, chunk, prefix) if chunk.members else ():
                    told.explained += 1
                    name = picture_name(told.explained, found.name) if len(kept) < max_images else ""
                    rows.writerow(_row(bundle, found, f"{FOLDER}/{name}" if name else ""))
                    if name:
                        kept.append(found)
                errors += [(prefix + name, reason) for name, reason in chunk.bad]
                bar.update(chunk.n_files)
        if not told.explained:
            first = f": {errors[0][0]}: {errors[0][1]}" if errors else ""
            raise UserError(f"no image could be used of {total} files{first}")
    told.failed, told.drawn = len(errors), len(kept)
    write_errors(out / ERRORS, errors)
    shown = [with_pictures(each, pictures) for each in kept]
    told.remembered = sum(len(each.neighbours) for each in shown)
    told.pictured = sum(near.image is not None for each in shown for near in each.neighbours)
    drawn = _draw(shown, bundle, out / FOLDER)
    write_text(out / PAGE, render(bundle, shown, drawn, explained=told.explained, errors=errors))
    return told


def picture_name(number: int, path: str) -> str:
    """Return a file name that is safe anywhere: a number of its own, then what is plain of the patch's name."""
    stem = path.rpartition("/")[2].rpartition(".")[0]
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", stem).strip("._-")[:SLUG]
    return f"{number:04d}_{plain}.png" if plain else f"{number:04d}.png"


def with_pictures(shown: Explanation, pictures: Pictures | None) -> Explanation:
    """Return an explanation with the pictures of its training patches that the data holds."""
    if pictures is None:
        return shown
    return replace(
        shown,
        neighbours=[replace(each, image=pictures.get(each.path, each.hash)) for each in shown.neighbours],
    )


def remembered(index: Index, embedding: np.ndarray) -> list[list[Neighbour]]:
    """Return the training patches most like each of some patches, of embeddings (N, D)."""
    known = index.table[["path", "patient", "label", "hash"]].to_dict("records")
    return [
        [Neighbour(**known[row], similarity=float(close)) for row, close in zip(*each, strict=True)]
        for each in zip(*nearest(index, embedding), strict=True)
    ]


def _explain_chunk(
    session: Any, bundle: Bundle, index: Index | None, chunk: Scanned, prefix: str
) -> list[Explanation]:
    found = explain_patches(session, chunk.images)
    sides = bundle.manifest["split"]["patients"]
    alike: list[list[Neighbour]] = (
        remembered(index, found.embedding) if index else [[] for _ in chunk.members]
    )
    made = []
    for i, member in enumerate(chunk.members):
        patient = parse_name(member.path).patient
        made.append(
            Explanation(
                prefix + member.path,
                patient,
                chunk.images[i].copy(),  # or one patch would keep its whole chunk
                float(found.probability[i]),
                found.evidence[i],
                chunk.hashes[i],
                sides.get(patient, ""),
                alike[i],
            )
        )
    return made


def _near_columns(index: Index | None) -> list[str]:
    k = min(NEAREST, len(index.table)) if index else 0
    return [f"near{i}_{name}" for i in range(1, k + 1) for name in NEAR]


def _row(bundle: Bundle, found: Explanation, drawn: str) -> list[Any]:
    answer = int(found.probability >= bundle.threshold)
    near = [
        cell
        for each in found.neighbours
        for cell in (each.path, each.patient, CLASS_NAMES[each.label], f"{each.similarity:.4f}")
    ]
    return [*prediction_row(found.name, found.name, found.probability, answer), *near, drawn]


def _draw(shown: Sequence[Explanation], bundle: Bundle, folder: Path) -> list[Picture]:
    """Draw and write the picture of each, all on one scale of colours."""
    if not shown:
        return []
    span = span_of(np.stack([each.evidence for each in shown]), float(logit(bundle.threshold)))
    warning = "SYNTHETIC, NOT EVIDENCE" if bundle.manifest["data"]["synthetic"] else ""
    drawn = []
    with progress(total=len(shown), what="draw") as bar, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a name in letters that the font lacks; the page has them
        for number, each in enumerate(shown, 1):
            made = draw_explanation(
                each, model=bundle.name, threshold=bundle.threshold, span=span, warning=warning
            )
            drawn.append(picture(made))
            with replacing(folder / picture_name(number, each.name)) as temporary:
                temporary.write_bytes(drawn[-1].png)
            bar.update(1)
    return drawn
