"""The training patches a model remembers, and which of them are most like a new one. Read as untrusted input.

NAME/examples.safetensors   `embedding` float16 (M, D), each row of length 1
NAME/examples.json          path, patient, label and pixel hash of each, as four lists of M
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np
import onnxruntime as ort
import pandas as pd
from safetensors import SafetensorError
from safetensors.numpy import load, save

from cancernet.common.errors import UserError
from cancernet.data.pack import Pack
from cancernet.data.sampling import even
from cancernet.model import inference
from cancernet.model.model import Model

ARRAYS, ABOUT = "examples.safetensors", "examples.json"
COLUMNS = ("path", "patient", "label", "hash")
MOST = 2000  # patches; 0.5 MB for the model that ships, and a search takes under a millisecond
NEAREST = 5
Embed = Callable[[np.ndarray], np.ndarray]
MAX_BYTES = 64_000_000  # of either file; 2,000 patches of the widest network take 5 MB


@dataclass(frozen=True)
class Index:
    """Training patches that a model remembers.

    Attributes:
        embedding: float32 (M, D), each row of length 1, or 0 where no unit was active.
        table: M rows of path, patient (str), label (0 or 1) and hash of the pixels (see `content_hash`).
    """

    embedding: np.ndarray
    table: pd.DataFrame


def unit(embedding: np.ndarray) -> np.ndarray:
    """Return rows scaled to length 1, float32; a row of zeros stays."""
    wide = np.asarray(embedding, "float32")
    length = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.divide(wide, length, out=np.zeros_like(wide), where=length > 0)


def embed(session: ort.InferenceSession, images: np.ndarray) -> np.ndarray:
    """Return the embeddings float32 (N, D) of uint8 patches by a graph that explains its answers."""
    found = inference.run_batches(session, images, np.arange(len(images)), outputs=("embedding",))
    return np.concatenate([each[0] for each in found])


def index_files(embed: Embed, pack: Pack, rows: np.ndarray, seed: int) -> dict[str, bytes]:
    """Choose training patches to remember, evenly over classes and patients, and return them as files.

    Args:
        embed: from uint8 patches to embeddings (N, D).
        pack: the patches.
        rows: those the network learned from, int (N,).
        seed: which ones.
    """
    chosen = rows[even(pack.table.iloc[rows], MOST, seed)]
    embedding = unit(embed(pack.images[chosen])).astype("float16")
    table = pack.table.iloc[chosen][list(COLUMNS)]
    about = {name: table[name].tolist() for name in COLUMNS}
    return {ARRAYS: save({"embedding": embedding}), ABOUT: json.dumps(about).encode()}


def read_index(model: Model) -> Index | None:
    """Return the training patches that a model remembers; nothing where it was made without.

    Raises:
        UserError: the files are missing, damaged, too large, or do not fit each other.
    """
    listed = model.manifest.files
    if ARRAYS not in listed and ABOUT not in listed:
        return None
    for name in (ARRAYS, ABOUT):
        if name in listed and listed[name].bytes > MAX_BYTES:
            raise UserError(f"{model.folder / name}: too large for a list of training patches")
    about, arrays = model.read(ABOUT), model.read(ARRAYS)
    try:
        return _checked(about, load(arrays))
    except (SafetensorError, msgspec.DecodeError, ValueError, KeyError, RecursionError) as error:
        raise UserError(f"{model.folder / ARRAYS}: no list of training patches ({error})") from error


def nearest(index: Index, embedding: np.ndarray, k: int = NEAREST) -> tuple[np.ndarray, np.ndarray]:
    """Find the training patches most like some others, by cosine of the angle between embeddings.

    Args:
        index: from `read_index`.
        embedding: (N, D).
        k: how many; all where there are fewer.

    Returns:
        Rows of the index int (N, k), the most alike first, and their similarity float32 (N, k), up to 1.

    Raises:
        UserError: the index is of another network.
    """
    if embedding.shape[1] != index.embedding.shape[1]:
        raise UserError(
            f"the training patches were remembered by another network ({index.embedding.shape[1]} numbers each, "
            f"not {embedding.shape[1]}); copy the bundle again"
        )
    similarity = unit(embedding) @ index.embedding.T
    rows = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    return rows, np.take_along_axis(similarity, rows, axis=1)


class _About(msgspec.Struct):
    """The four lists of examples.json."""

    path: list[str]
    patient: list[str]
    label: list[Literal[0, 1]]
    hash: list[str]


def _checked(about: bytes, arrays: dict[str, np.ndarray]) -> Index:
    """Return the index, or raise ValueError or msgspec.DecodeError with what is wrong."""
    embedding = arrays["embedding"]
    if embedding.dtype != np.float16 or embedding.ndim != 2 or not embedding.size:
        raise ValueError(f"embedding is {embedding.dtype} {embedding.shape}, not float16 (M, D)")
    if not np.isfinite(embedding).all():
        raise ValueError("an embedding is not finite")
    columns = msgspec.structs.asdict(msgspec.json.decode(about, type=_About))
    for name, column in columns.items():
        if len(column) != len(embedding):
            raise ValueError(f"{name} is no list of {len(embedding)}")
    return Index(unit(embedding), pd.DataFrame(columns))
