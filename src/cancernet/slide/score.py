"""The patches of a section: where they lie, what they look like, what the model says of them.

Probabilities are appended, a chunk at a time, to a file of float32 in the order of the patches, whose head tells what
they depend on. Whatever a killed run cut short is dropped back to whole chunks, so that a run that was resumed has put
the same patches into the same batches.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cancernet.common import defaults
from cancernet.common.files import write_bytes
from cancernet.common.progress import progress
from cancernet.common.stages import Behind, Seconds
from cancernet.data.decode import fit_patch
from cancernet.model.inference import BATCH
from cancernet.model.judge import Judge, Stain
from cancernet.model.model import Model
from cancernet.slide.section import Section

SCORES = "scores.f32"
HEAD = 32  # bytes: SHA-256 of what the scores depend on
CHUNK = 16 * BATCH  # patches; under a second of work, so little is lost

Ints = NDArray[np.int64]


def positions(width: int, height: int, stride: int) -> tuple[Ints, Ints]:
    """Return left and top px, int (N,), of all patches of a section, row by row.

    At the right and bottom edge a patch needs MIN_PATCH_SIDE px of the section; what is missing is continued by
    reflection, as in the patches the model learned from.
    """
    sides = (max(0, side - defaults.MIN_PATCH_SIDE) + 1 for side in (width, height))
    x, y = np.meshgrid(*(np.arange(0, side, stride, dtype=np.int64) for side in sides))
    return x.ravel(), y.ravel()


def cut(section: Section, x: Ints, y: Ints, chunk: int) -> Iterator[NDArray[Any]]:
    """Yield the patches at x, y (rising in y) in their order: uint8 (chunk or fewer, 50, 50, 3), valid until the next.

    Memory stays flat: a row of patches is read at a time.
    """
    side = defaults.PATCH_SIZE
    out = np.empty((min(chunk, len(x)), side, side, 3), np.uint8)
    filled, top = 0, -1
    rows = np.empty((0, section.width, 3), np.uint8)
    for left, wanted in zip(x.tolist(), y.tolist(), strict=True):
        if wanted != top:
            rows, top = section.rows(wanted, wanted + side), wanted
        out[filled] = fit_patch(rows[:, left : left + side])
        filled += 1
        if filled == chunk:
            yield out
            filled = 0
    if filled:
        yield out[:filled]


class Scored(NamedTuple):
    """What a model says of the patches of a section, in their order."""

    probability: NDArray[np.float32]  # (N,), of malignant
    reasons: NDArray[Any]  # str (N,), why the model cannot answer, "" where it can
    stain: Stain  # of the slide


def score(
    section: Section,
    x: Ints,
    y: Ints,
    model: Model,
    folder: Path,
    fingerprint: dict[str, Any],
    seconds: Seconds | None = None,
) -> Scored:
    """Judge and score the patches at x, y, which are cut once for both.

    Args:
        section: of the slide.
        x: int (N,), left px.
        y: int (N,), top px, rising.
        model: the model.
        folder: for the work file; exists.
        fingerprint: what the scores depend on; scores with another, or of another number of patches, are made anew.
        seconds: gets how long judging and predicting were at work, side by side.
    """
    path, seconds = folder / SCORES, seconds or Seconds()
    depends = json.dumps([fingerprint, len(x)], sort_keys=True).encode()
    done = _resume(path, hashlib.sha256(depends).digest(), len(x))
    judge, reasons = Judge(model.colours), list[str]()

    def see(images: NDArray[Any]) -> None:
        with seconds.of("judge"):
            reasons.extend(judge.see(images))

    with path.open("ab") as file, Behind(see) as behind, progress(total=len(x), what="predict") as bar:
        for start, images in zip(count(0, CHUNK), cut(section, x, y, CHUNK), strict=False):
            behind.do(images)
            if start >= done:  # what is done is whole chunks, or all
                with seconds.of("predict"):
                    file.write(model.predict(images).astype(np.float32).tobytes())
                file.flush()
            behind.wait()  # `images` is good until the next
            bar.update(len(images))
    probability = np.fromfile(path, np.float32, offset=HEAD)
    return Scored(probability, np.array(judge.settle(reasons), dtype=object), judge.stain())


def embed_patches(section: Section, x: Ints, y: Ints, model: Model) -> NDArray[np.float32]:
    """Return what the network makes of the patches at x, y before its last layer: float32 (N, D).

    Raises:
        UserError: the model was made before there were embeddings.
    """
    found = []
    with progress(total=len(x), what="embed") as bar:
        for images in cut(section, x, y, CHUNK):
            found.append(model.explain(images).embedding)
            bar.update(len(images))
    return np.concatenate(found)


def _resume(path: Path, head: bytes, most: int) -> int:
    """Cut a file of scores back to whole chunks, unless it is complete, and return how many scores it has.

    One of another head, or with more than there are patches, is begun anew.
    """
    found = -1
    if path.exists():
        with path.open("rb") as file:
            found = (path.stat().st_size - HEAD) // 4 if file.read(HEAD) == head else -1
    if not 0 <= found <= most:
        write_bytes(path, head)
        return 0
    done = most if found == most else found // CHUNK * CHUNK
    with path.open("r+b") as file:
        file.truncate(HEAD + done * 4)
    return done
