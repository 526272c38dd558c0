"""What a frozen network part makes of each patch, computed once and kept by content."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
from filelock import FileLock

from cancernet.common.files import replacing
from cancernet.common.mapped import sparing
from cancernet.common.progress import progress
from cancernet.model.floor import N_FEATURES, colour_features
from cancernet.model.inference import open_session, run_batches
from cancernet.training.checkpoint import weights_of
from cancernet.training.export import to_onnx
from cancernet.training.quiet import give_back

BLOCK = 4096  # patches between two steps of a progress bar; a multiple of what colours are worked out in
STATISTICS = 1  # raise it when `colour_features` says something else of a patch


def frozen_features(
    part: keras.Model, images: np.ndarray, rows: np.ndarray, *, content: str, cache: Path, cost: float = 0.0
) -> np.ndarray:
    """Return the output of a frozen network part for some patches, from the cache where it is there.

    The pass runs in ONNX Runtime, two to three times as fast as Keras on a CPU.

    Args:
        part: from uint8 patches to features (N, D).
        images: uint8 (N, 50, 50, 3).
        rows: int (M,), the patches wanted.
        content: hash of the patches and their order; with the weights it names the file.
        cache: folder of cached features.
        cost: of a patch, as a run foretells it.

    Returns:
        float32 (M, D), memory-mapped, in the order of `rows`.
    """
    key = hashlib.sha256(content.encode())
    key.update(rows.astype("<i8").tobytes())
    key.update(repr([layer.get_config() for layer in part.layers if layer.name in ("scale", "upsample")]).encode())
    for name, array in weights_of(part).items():
        key.update(name.split("/", 1)[0].encode())
        key.update(array.tobytes())

    def blocks() -> Iterator[np.ndarray]:
        session = open_session(to_onnx(part))
        with progress(total=len(rows), what="frozen features", cost=cost) as bar:
            for [batch] in run_batches(session, images, rows):
                yield batch
                bar.update(len(batch))

    return _kept(cache, f"features-{key.hexdigest()[:32]}", (len(rows), int(part.output.shape[-1])), blocks)


def kept_colours(images: np.ndarray, rows: np.ndarray, *, content: str, cache: Path, cost: float = 0.0) -> np.ndarray:
    """Return the colour statistics of some patches, from the cache where they are there: several recipes want the same.

    Args:
        images: uint8 (N, 50, 50, 3).
        rows: int (M,), the patches wanted.
        content: hash of the patches and their order.
        cache: folder of cached features.
        cost: of a patch, as a run foretells it.

    Returns:
        float32 (M, N_FEATURES), memory-mapped, as `colour_features` gives them.
    """

    def blocks() -> Iterator[np.ndarray]:
        with progress(total=len(rows), what="colours", cost=cost) as bar:
            for start in range(0, len(rows), BLOCK):
                part = rows[start : start + BLOCK]
                yield colour_features(images, part)
                bar.update(len(part))

    key = hashlib.sha256(f"{content} {STATISTICS}".encode() + rows.astype("<i8").tobytes())
    return _kept(cache, f"colours-{key.hexdigest()[:32]}", (len(rows), N_FEATURES), blocks)


def _kept(cache: Path, stem: str, shape: tuple[int, int], blocks: Callable[[], Iterator[np.ndarray]]) -> np.ndarray:
    """Return the rows that `blocks` works out, float32 and mapped, from a file that is whole or absent."""
    path = cache / f"{stem}.npy"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / f".{path.stem}.lock"):  # of two at once the second waits, and finds it made
        if not path.exists():
            for half in cache.glob(f".{path.stem}.*.tmp{path.suffix}"):  # of a run that was killed
                half.unlink(missing_ok=True)
            with replacing(path) as temporary, temporary.open("wb") as file:
                about = {"descr": "<f4", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, about)
                for block in blocks():  # written as they come: of all, nothing is held
                    file.write(np.ascontiguousarray(block, "<f4").data)
                file.flush()
                os.fsync(file.fileno())
            give_back()
    return sparing(np.load(path, mmap_mode="r"))
