"""The catalog: one row a usable patch, and every other file with the reason it is not one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.data.decode import Image
from cancernet.data.integrity import copies
from cancernet.data.layout import Labels, detect_layout, place
from cancernet.data.scan import Patches
from cancernet.data.stream import PatchStream


@dataclass(frozen=True)
class Catalog:
    """What a labelled folder or zip holds.

    `table` has the columns path, patient (str), x, y (Int64, px, may be missing), label (int8), width,
    height (int32, px, as in the file), hash (str, see `stream.content_hash`), padded and near_white (bool),
    in the order of path. `quarantine` has path and reason.
    """

    root: Path
    layout: str
    table: pd.DataFrame
    quarantine: pd.DataFrame
    warnings: list[str]
    synthetic: bool = False
    slots: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """(N,) position of each row's image in what `sink` was given."""


def open_labelled(path: Path | str) -> PatchStream:
    """Open a labelled folder or zip and list it.

    Raises:
        UserError: see `open_source`; a single file; an empty folder.
    """
    stream = PatchStream([path], plain=True)
    if stream.parts[0].source.is_file:
        raise UserError(f"{stream.root}: is a file, not a folder or zip of patches; give the folder it lies in")
    if not len(stream):
        raise UserError(f"{stream.root}: holds no files; give a folder of patches (PATIENT/0, PATIENT/1)")
    return stream


def catalog(
    stream: PatchStream,
    *,
    labels: Labels | None = None,
    workers: int | None = None,
    sink: Callable[[Image], object] | None = None,
) -> Catalog:
    """Read every file of a labelled folder or zip once, and sort usable patches from the rest.

    Nothing is deleted, moved or rewritten, and no single file ends it.

    Args:
        stream: from `open_labelled`.
        labels: what the user says of classes and patients.
        workers: threads; by default the number of usable cores.
        sink: called with the decoded patches, uint8 (n, 50, 50, 3), chunk after chunk. It also gets those
            later found to be copies: `Catalog.slots` says which ones the table kept.

    Raises:
        UserError: no known layout, see `detect_layout`; or no usable patch.
    """
    try:
        layout = detect_layout([member.path for member in stream.members], labels)
    except UserError as error:
        raise UserError(f"{stream.root}: {error}") from error
    chunks: list[Patches] = []
    for chunk in stream.chunks(what="Reading patches", check=partial(place, layout=layout), threads=workers):
        if sink is not None and len(chunk.images):
            sink(chunk.images)
        chunks.append(chunk.without_pixels())
    table = _table(chunks)
    bad = list(stream.errors)
    if len(table):
        reasons = copies(table)
        bad += zip(table["path"][reasons.index], reasons, strict=True)
        table = table.drop(index=reasons.index)
    quarantine = pd.DataFrame(sorted(bad), columns=["path", "reason"], dtype="str")
    if table.empty:
        most = quarantine["reason"].mode().iloc[0]
        raise UserError(f"{stream.root}: none of its {len(stream):,} files is a usable patch; most often: {most}")
    slots = table.index.to_numpy(np.int64)
    table = table.reset_index(drop=True)
    warnings = _warnings(table, quarantine) + layout.notes + stream.notes
    return Catalog(stream.root, layout.name, table, quarantine, warnings, stream.synthetic, slots)


def _table(chunks: list[Patches]) -> pd.DataFrame:
    """Put the chunks together, one row a decoded patch; the index is its position in the stream."""
    paths = [member.path for chunk in chunks for member in chunk.members]
    places = [known for chunk in chunks for known in chunk.checked]
    sizes = np.concatenate([np.zeros((0, 2), np.int32), *(chunk.sizes for chunk in chunks)])
    white = [chunk.near_white for chunk in chunks]
    return pd.DataFrame(
        {
            "path": pd.Series(paths, dtype="str"),
            "patient": pd.Series([p.patient for p in places], dtype="str"),
            "x": pd.array([p.x for p in places], dtype="Int64"),
            "y": pd.array([p.y for p in places], dtype="Int64"),
            "label": np.array([p.label for p in places], np.int8),
            "width": sizes[:, 0],
            "height": sizes[:, 1],
            "hash": pd.Series([h for chunk in chunks for h in chunk.hashes], dtype="str"),
            "padded": (sizes < defaults.PATCH_SIZE).any(axis=1),
            "near_white": np.concatenate(white) if white else np.zeros(0, bool),
        }
    )


def _warnings(table: pd.DataFrame, quarantine: pd.DataFrame) -> list[str]:
    """Say what a reader of the results has to know."""
    warnings = []
    unknown = table["patient"] == ""
    if unknown.any():
        example = table["path"][unknown].iloc[0]
        warnings.append(
            f"The patient of {unknown.sum():,} of {len(table):,} patches is unknown (such as {example}): "
            "a split by patient is impossible, and no score can be trusted to hold for a new patient; "
            "name them with --patients CSV."
        )
    if table["label"].min() == table["label"].max():
        warnings.append(f"All patches are of class {table['label'].iloc[0]}: nothing can be learned from one class.")
    if len(quarantine) > len(table) / 10:
        warnings.append(f"{len(quarantine):,} files were left out, {len(table):,} kept: look at the quarantine list.")
    return warnings
