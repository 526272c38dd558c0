"""The patches of a section: where they lie, what they look like, what the model says of them.

Probabilities are appended, a chunk at a time, to a file of float32 in the order of the patches, whose head tells what
they depend on. Whatever a killed run cut short is dropped back to whole chunks, so that a run that was resumed has put
the same patches into the same batches. Embeddings, where they are asked for, come of the same pass and lie in a file
beside it, which is written first and so never has fewer rows.
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
EMBEDDINGS = "embeddings.f32"  # (N, D), no head; those of a large slide are gigabytes, so they stay on disk
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
    *,
    embeddings: bool = False,
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
        embeddings: whether to leave EMBEDDINGS in `folder` as well; see `read_embeddings`.

    Raises:
        UserError: the graph cannot be run, or has no embeddings.
    """
    path, seconds = folder / SCORES, seconds or Seconds()
    depends = json.dumps([fingerprint, len(x), embeddings], sort_keys=True).encode()
    head = hashlib.sha256(depends).digest()
    done = _resume(path, head, len(x))
    if embeddings and _resume_embeddings(folder / EMBEDDINGS, model, done) < done:
        write_bytes(path, head)
        done = 0
    judge, reasons = Judge(model.colours), list[str]()

    def see(images: NDArray[Any]) -> None:
        with seconds.of("judge"):
            reasons.extend(judge.see(images))

    with path.open("ab") as file, Behind(see) as behind, progress(total=len(x), what="predict") as bar:
        for start, images in zip(count(0, CHUNK), cut(section, x, y, CHUNK), strict=False):
            behind.do(images)
            if start >= done:  # what is done is whole chunks, or all
                with seconds.of("predict"):
                    if embeddings:
                        probability, embedding = model.embed(images)
                        with (folder / EMBEDDINGS).open("ab") as beside:  # whole on disk before the scores are
                            beside.write(embedding.tobytes())
                    else:
                        probability = model.predict(images)
                    file.write(probability.astype(np.float32).tobytes())
                file.flush()
            behind.wait()  # `images` is good until the next
            bar.update(len(images))
    scores = np.fromfile(path, np.float32, offset=HEAD)
    return Scored(scores, np.array(judge.settle(reasons), dtype=object), judge.stain())


def read_embeddings(folder: Path, n: int) -> NDArray[np.float32]:
    """Return the embeddings of n patches that `score` left in a folder: float32 (n, D), read from disk as needed."""
    return np.memmap(folder / EMBEDDINGS, np.float32, mode="r").reshape(n, -1).view(np.ndarray)  # plain, for h5py


def _resume_embeddings(path: Path, model: Model, done: int) -> int:
    """Cut a file of embeddings to the patches that have a score and return how many; where it has fewer, empty it."""
    if done and path.is_file():
        blank = np.zeros((1, model.size_px, model.size_px, 3), np.uint8)
        rows = done * model.embed(blank)[1].nbytes
        if path.stat().st_size >= rows:
            with path.open("r+b") as file:
                file.truncate(rows)
            return done
    write_bytes(path, b"")
    return 0


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
