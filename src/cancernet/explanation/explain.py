"""Explain any number of image files, folders and zips: a CSV of all, pictures of the first, one page."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from cancernet.common.defaults import CLASS_NAMES, MAX_EXPLAINED
from cancernet.common.files import CsvWriter
from cancernet.common.output import Output
from cancernet.common.progress import progress
from cancernet.data.names import group_of, parse_name
from cancernet.data.stream import PatchStream
from cancernet.explanation.draw import Explanation, Neighbour, draw_explanation
from cancernet.explanation.remembered import Pictures
from cancernet.model.decide import UNSURE, logit
from cancernet.model.examples import NEAREST, Index, nearest, read_index
from cancernet.model.judge import Judge
from cancernet.model.model import Model, load_model
from cancernet.prediction.answer import COLUMNS, cells
from cancernet.report.html import embed
from cancernet.report.overlay import span_of
from cancernet.report.page import fill
from cancernet.report.style import Picture, picture

TABLE, PAGE, FOLDER = "explanations.csv", "index.html", "pictures"
NEAR = ("path", "patient", "label", "similarity")
NOTHING = np.empty(0)  # in the place of what is not drawn
SLUG = 60  # characters of a patch's name in its picture's: a number before it tells pictures apart


@dataclass
class Told:
    """What became of the files: patches `explained`, of them `drawn`; files `failed`; training patches shown."""

    explained: int = 0
    unsure: int = 0  # patches that the model cannot judge
    drawn: int = 0
    failed: int = 0
    remembered: int = 0  # nearest training patches of the patches drawn
    pictured: int = 0  # of them, those whose picture was found in the data
    alarms: dict[str, str] = field(default_factory=dict)  # patient or folder -> what to say of its stain
    notes: list[str] = field(default_factory=list)  # of what was left out as a copy
    page: Path = field(default_factory=Path)


def explain(
    paths: Path | str | Sequence[Path | str],
    model: Model | None = None,
    *,
    out: Path | str,
    data: Path | None = None,
    threads: int | None = None,
    max_images: int = MAX_EXPLAINED,
) -> Told:
    """Explain every image of some paths.

    Args:
        paths: image files, folders or zips.
        model: from `load_model`; by default the one that ships.
        out: folder for explanations.csv, index.html, pictures/ and, where a file could not be used, errors.csv.
        data: the model's training data, to show pictures of remembered patches from.
        threads: CPU threads that read files; those this process may use by default.
        max_images: most patches to draw; the table has all.

    Raises:
        UserError: a path that is not there, a model that cannot explain, a place that cannot be written, or not one
            image that could be used.
    """
    named = [Path(each) for each in ([paths] if isinstance(paths, str | Path) else paths)]
    model = model or load_model()
    read = named if data is None else [*named, data]
    with Output(Path(out), "explain", inputs=read, names=(TABLE, PAGE, FOLDER)) as output:
        index = read_index(model)
        pictures = Pictures(data) if data is not None else None
        stream = PatchStream(named)
        told, judge = Told(page=output.folder / PAGE), Judge(model.colours)
        found = explain_stream(model, index, stream, judge, most=max_images, threads=threads)
        if not found:
            raise stream.nothing_usable()
        kept = found[:max_images]
        told.explained, told.unsure = len(found), sum(bool(each.reason) for each in found)
        told.alarms, told.notes = judge.alarms(), stream.notes
        output.remove(FOLDER)  # pictures of an earlier run
        with output.writing(TABLE) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            rows = CsvWriter(file)
            rows.writerow([*COLUMNS[:-1], *_near_columns(index), "picture"])  # each patch is alone
            for number, each in enumerate(found, 1):
                name = f"{FOLDER}/{picture_name(number, each.name)}" if number <= len(kept) else ""
                rows.writerow(_row(each, name))
        output.errors = stream.errors
        told.failed, told.drawn = len(stream.errors), len(kept)
        shown = kept
        if pictures is not None:
            pictured = [[replace(n, image=pictures.get(n.path, n.hash)) for n in each.neighbours] for each in kept]
            shown = [replace(each, neighbours=near) for each, near in zip(kept, pictured, strict=True)]
        told.remembered = sum(len(each.neighbours) for each in shown)
        told.pictured = sum(near.image is not None for each in shown for near in each.neighbours)
        drawn = _draw(shown, model, output)
        context = {
            "model": model.name,
            "threshold": f"{model.threshold:.3f}",
            "synthetic": model.synthetic,
            "explained": told.explained,
            "alarms": told.alarms,
            "patches": [_on_page(*each) for each in zip(shown, drawn, strict=True)],
            "errors": stream.errors,
        }
        output.write_text(PAGE, fill("explain.html", context))
        return told


def picture_name(number: int, path: str) -> str:
    """Return a file name that is safe anywhere: a number of its own, then what is plain of the patch's name."""
    stem = path.rpartition("/")[2].rpartition(".")[0]
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", stem).strip("._-")[:SLUG]
    return f"{number:04d}_{plain}.png" if plain else f"{number:04d}.png"


def remembered(index: Index, embedding: np.ndarray) -> list[list[Neighbour]]:
    """Return the training patches most like each of some patches, of embeddings (N, D)."""
    known = index.table[["path", "patient", "label", "hash"]].to_dict("records")
    return [
        [Neighbour(**known[row], similarity=float(close)) for row, close in zip(*each, strict=True)]
        for each in zip(*nearest(index, embedding), strict=True)
    ]


def explain_stream(
    model: Model,
    index: Index | None,
    stream: PatchStream,
    judge: Judge,
    *,
    most: int,
    threads: int | None = None,
    hidden: bool = False,
) -> list[Explanation]:
    """Explain every patch of a stream by itself.

    Args:
        model: the model.
        index: the training patches that it remembers.
        stream: the patches; those that cannot be used are in its `errors`.
        judge: a new one, which then knows the stain of each patient or folder.
        most: patches that keep pixels and evidence, which would pile up.
        threads: CPU threads that read files.
        hidden: show no progress bar.

    Raises:
        UserError: the model cannot explain.
    """
    found = list(_explain(model, index, stream, judge, most, threads, hidden))
    return list(_settled(found, model, judge, stream.root))


def _explain(
    model: Model, index: Index | None, stream: PatchStream, judge: Judge, most: int, threads: int | None, hidden: bool
) -> Iterator[Explanation]:
    number = 0
    for patches in stream.chunks(what="explain", threads=threads, hidden=hidden):
        if not patches.members:
            continue
        found = model.explain(patches.images)
        reasons = judge.see(patches.images, [group_of(path, stream.root) for path in patches.paths])
        alike = remembered(index, found.embedding) if index else [[] for _ in patches.members]
        for i, path in enumerate(patches.paths):
            number += 1
            drawn = number <= most
            patient = parse_name(path).patient
            yield Explanation(
                path,
                patient,
                patches.images[i].copy() if drawn else NOTHING,  # a copy, or one patch would keep its whole chunk
                float(found.probability[i]),
                found.evidence[i].copy() if drawn else NOTHING,
                decision=UNSURE,
                reason=reasons[i],
                hash=patches.hashes[i],
                known=model.side_of(patient),
                neighbours=alike[i],
            )


def _settled(found: Sequence[Explanation], model: Model, judge: Judge, root: Path) -> Iterator[Explanation]:
    """Decide, now that the stain of each patient or folder is known."""
    reasons = judge.settle([each.reason for each in found], [group_of(each.name, root) for each in found])
    decisions = model.decide([each.probability for each in found], reasons=reasons)
    for each, decision, reason in zip(found, decisions.tolist(), reasons, strict=True):
        yield replace(each, decision=decision, reason=reason)


def _near_columns(index: Index | None) -> list[str]:
    k = min(NEAREST, len(index.table)) if index else 0
    return [f"near{i}_{name}" for i in range(1, k + 1) for name in NEAR]


def _row(found: Explanation, drawn: str) -> list[Any]:
    near = [
        cell
        for each in found.neighbours
        for cell in (each.path, each.patient, CLASS_NAMES[each.label], f"{each.similarity:.4f}")
    ]
    name = parse_name(found.name)
    row = (found.name, name.patient, name.x, name.y, found.probability, found.call, found.reason)
    return [*cells(row), *near, drawn]


def _on_page(shown: Explanation, drawn: Picture) -> dict[str, object]:
    said = f"{shown.call}, probability of malignant {shown.probability:.3f}"
    alt = f"{said}: the patch, its evidence, training patches like it"
    near = [(each.path, each.patient, CLASS_NAMES[each.label], f"{each.similarity:.3f}") for each in shown.neighbours]
    return {"name": shown.name, "figure": embed(shown.name, drawn, alt=alt), "near": near}


def _draw(shown: Sequence[Explanation], model: Model, out: Output) -> list[Picture]:
    """Draw and write the picture of each, all on one scale of colours."""
    if not shown:
        return []
    span = span_of(np.stack([each.evidence for each in shown]), float(logit(model.threshold)))
    warning = "SYNTHETIC, NOT EVIDENCE" if model.synthetic else ""
    drawn = []
    with progress(total=len(shown), what="draw") as bar, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a name in letters that the font lacks; the page has them
        for number, each in enumerate(shown, 1):
            made = draw_explanation(each, model=model.name, threshold=model.threshold, span=span, warning=warning)
            drawn.append(picture(made))
            out.write_bytes(f"{FOLDER}/{picture_name(number, each.name)}", drawn[-1].png)
            bar.update(1)
    return drawn
