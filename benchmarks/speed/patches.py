"""From files to batches: packing, the zip, random batches."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from cancernet.common.threads import available_cpus
from cancernet.data.pack import pack
from cancernet.data.stream import open_source
from cancernet.training.batches import Batches
from speed.timing import Row, Setup, alternate, in_process, median, ratio


def rows(setup: Setup) -> list[Row]:
    """Measure packing, the zip and random batches."""
    return [pack_row(setup), zip_row(setup), batch_row(setup)]


def pack_row(setup: Setup) -> Row:
    """A folder into the packed array, against a Pillow loop and against nothing but decoding."""
    paths = sorted(str(path) for path in setup.data.rglob("*.png"))
    source = open_source(setup.data)
    contents = [source.read(member.path) for member in source.members() if member.path.endswith(".png")]
    ways: dict[str, Callable[[], object]] = {
        "pillow": lambda: pillow_loop(paths),
        "decode": lambda: raw_decode(contents),
        "pack": lambda: packed(setup.data, setup.work),
    }
    seconds = alternate(ways, setup.rounds)
    memory = in_process("patches:pack_memory", data=str(setup.data), work=str(setup.work))
    gain, share = ratio(seconds["pillow"], seconds["pack"]), ratio(seconds["decode"], seconds["pack"])
    ceiling = ratio(seconds["pillow"], seconds["decode"])
    n = len(paths)
    return Row(
        "Pack a folder: read, check, decode, hash, write",
        "one-thread Pillow loop; limit: OpenCV decoding the same bytes from memory on all cores",
        "4x the loop, 0.8 of the limit, under 500 MB",
        f"{gain:.1f}x the loop, {share:.2f} of the limit (itself {ceiling:.1f}x the loop); "
        f"{n / median(seconds['pack']):,.0f} patches/s; peak {memory['peak_mb']:.0f} MB",
        gain >= 4 and share >= 0.8 and memory["peak_mb"] < 500,
        {"seconds": seconds, "n": n, "peak_mb": memory["peak_mb"], "gain": gain, "share": share},
    )


def zip_row(setup: Setup) -> Row:
    """A zip read as it is, against unpacking it and reading the folder."""
    archive = setup.work / "patches.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(setup.data.rglob("*")):
            if path.is_file():
                file.write(path, path.relative_to(setup.data))
    seconds = alternate(
        {"unpack first": lambda: unpacked(archive, setup.work), "zip": lambda: packed(archive, setup.work)},
        setup.rounds,
    )
    gain = ratio(seconds["unpack first"], seconds["zip"])
    return Row(
        "Read the zip of a data set",
        "unpacking it (Python's zipfile), then packing the folder",
        "faster in total",
        f"{gain:.1f}x as fast",
        gain > 1,
        {"seconds": seconds, "gain": gain},
    )


def batch_row(setup: Setup) -> Row:
    """Random batches out of the packed array on disk, against the same out of memory."""
    data = pack(setup.data, cache_dir=setup.work / "cache")
    n, memory = len(data.images), np.array(data.images)
    label, weight = np.zeros(n, "float32"), np.ones(n, "float32")

    def epoch(images: np.ndarray) -> None:
        batches = Batches(images, np.arange(n), label, weight, batch_size=64, seed=1, epoch=0)
        for index in range(len(batches)):
            batches[index]

    seconds = alternate({"memory": lambda: epoch(memory), "packed": lambda: epoch(data.images)}, setup.rounds)
    share = ratio(seconds["memory"], seconds["packed"])
    step = in_process("training:starved", packs=str(setup.work / "cache"), data=str(setup.data), rounds=setup.rounds)
    cost = max(step["cost"].values())
    said = ", ".join(f"{name} {value:.3f}" for name, value in step["cost"].items())
    return Row(
        "Random training batches",
        "in-memory NumPy; a training step on one fixed batch",
        "0.8 of memory; a step at most 1.05x that of the fixed batch",
        f"{share:.2f} of memory ({n / median(seconds['packed']):,.0f} patches/s); step: {said}",
        share >= 0.8 and cost <= 1.05,
        {"seconds": seconds, "share": share, "step": step},
    )


def pillow_loop(paths: list[str]) -> None:
    """What a first script does: open, convert, to an array, one file after the other."""
    for path in paths:
        try:
            np.asarray(Image.open(io.BytesIO(Path(path).read_bytes())).convert("RGB"))
        except OSError:  # one damaged file must not end it
            continue


def raw_decode(contents: list[bytes]) -> None:
    """Nothing but cv2.imdecode of files that are in memory already, on all cores."""
    cv2.setNumThreads(1)

    def some(start: int) -> None:
        for content in contents[start : start + 256]:
            cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)

    with ThreadPoolExecutor(available_cpus()) as pool:
        list(pool.map(some, range(0, len(contents), 256)))


def packed(path: Path, work: Path) -> None:
    """Pack into an empty cache."""
    cache = work / "empty"
    try:
        pack(path, cache_dir=cache)
    finally:
        shutil.rmtree(cache, ignore_errors=True)


def unpacked(archive: Path, work: Path) -> None:
    """Unpack a zip, then pack the folder."""
    folder = work / "unpacked"
    try:
        with zipfile.ZipFile(archive) as file:
            file.extractall(folder)
        packed(folder, work)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def pack_memory(data: str, work: str) -> dict[str, Any]:
    """Pack in a process of its own, to see its memory."""
    packed(Path(data), Path(work))
    return {}
