"""Predict the patches of a section; a run that was killed goes on where it stopped.

Probabilities are appended, a chunk at a time, to a file of float32 in the order of the patches; a note
beside it says what they depend on. Whatever was cut short is dropped back to whole chunks, so that a run
that was resumed has put the same patches into the same batches.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cancernet.common.files import write_text
from cancernet.common.progress import progress
from cancernet.model.inference import BATCH, predict
from cancernet.slide.patches import Ints, cut
from cancernet.slide.section import Section

if TYPE_CHECKING:
    import onnxruntime as ort

SCORES, NOTES = "scores.f32", "scores.json"
CHUNK = 16 * BATCH  # patches; under a second of work, so little is lost


def score(
    section: Section,
    x: Ints,
    y: Ints,
    session: ort.InferenceSession,
    folder: Path,
    fingerprint: dict[str, Any],
) -> NDArray[np.float32]:
    """Return the probability of malignant, float32 (N,), of the patches at x, y.

    Args:
        section: of the slide.
        x: int (N,), left px.
        y: int (N,), top px, rising.
        session: of the model.
        folder: for the work files; exists.
        fingerprint: what the scores depend on; scores with another are made anew.
    """
    path = folder / SCORES
    if not _belongs(folder / NOTES, fingerprint):
        path.unlink(missing_ok=True)
        write_text(folder / NOTES, json.dumps(fingerprint, indent=1) + "\n")
    done = _whole_chunks(path, len(x))
    with path.open("ab") as file, progress(total=len(x), what="predict") as bar:
        bar.update(done)
        for images in cut(section, x[done:], y[done:], CHUNK):
            file.write(predict(session, images).astype(np.float32).tobytes())
            file.flush()
            bar.update(len(images))
    return np.fromfile(path, np.float32)


def _belongs(notes: Path, fingerprint: dict[str, Any]) -> bool:
    try:
        return json.loads(notes.read_text("utf-8")) == fingerprint
    except (FileNotFoundError, json.JSONDecodeError):
        return False


def _whole_chunks(path: Path, most: int) -> int:
    """Cut a file of scores back to whole chunks (or leave it, if it is complete) and return how many it has."""
    found = path.stat().st_size // 4 if path.exists() else 0
    done = most if found >= most else found // CHUNK * CHUNK
    if path.exists():
        with path.open("r+b") as file:
            file.truncate(done * 4)
    return done
