"""Patches drawn from random numbers, and folders of them; no real patch is ever in the tests."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray


def _patch(seed: int = 0, height: int = 50, width: int = 50) -> NDArray[np.uint8]:
    return np.random.default_rng([seed, height, width]).integers(0, 256, (height, width, 3), dtype=np.uint8)


def _png(image: NDArray) -> bytes:
    """Encode RGB as a PNG."""
    return cv2.imencode(".png", image[..., ::-1])[1].tobytes()


@pytest.fixture
def patch() -> Callable[..., NDArray[np.uint8]]:
    """A random RGB patch by seed, height and width."""
    return _patch


@pytest.fixture
def png() -> Callable[[NDArray], bytes]:
    """Encode an RGB array as PNG bytes."""
    return _png


@pytest.fixture
def idc(tmp_path: Path) -> Callable[..., Path]:
    """Write a folder in the public set's layout; returns its path."""

    def write(patients: dict[str, tuple[int, int]] | None = None, name: str = "idc") -> Path:
        root = tmp_path / name
        seed = 0
        for patient, counts in (patients or {"8863": (3, 2), "9001": (2, 3), "10253": (2, 2)}).items():
            for label, count in enumerate(counts):
                folder = root / patient / str(label)
                folder.mkdir(parents=True, exist_ok=True)
                for i in range(count):
                    seed += 1
                    file = folder / f"{patient}_idx5_x{1 + 50 * i}_y{1 + 50 * label}_class{label}.png"
                    file.write_bytes(_png(_patch(seed)))
        return root

    return write


@pytest.fixture
def zipped(tmp_path: Path) -> Callable[..., Path]:
    """Zip a folder, by default under one more folder; returns the zip's path."""

    def write(root: Path, *, top: str = "top/", method: int = zipfile.ZIP_DEFLATED, name: str = "a.zip") -> Path:
        target = tmp_path / name
        with zipfile.ZipFile(target, "w", method) as archive:
            for file in sorted(root.rglob("*")):
                archive.write(file, top + file.relative_to(root).as_posix())
        return target

    return write


@pytest.fixture
def undisturbed() -> Iterator[Callable[[Path], None]]:
    """Watch folders; at the end of the test each must hold the same files with the same bytes and times."""
    watched: dict[Path, dict[Path, tuple[bytes, int]]] = {}

    def state(root: Path) -> dict[Path, tuple[bytes, int]]:
        return {f: (f.read_bytes(), f.stat().st_mtime_ns) for f in root.rglob("*") if f.is_file()}

    def watch(root: Path) -> None:
        watched[root] = state(root)

    yield watch
    for root, before in watched.items():
        assert state(root) == before
