"""How cost grows with the number of patches: packing and predicting a folder, seconds and memory."""

from __future__ import annotations

import io
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from cancernet.common.executor import Processes
from cancernet.common.threads import available_cpus
from cancernet.data.pack import Pack, pack
from speed.timing import Row, Setup, in_process

FOLDER = 2000  # files of one folder of copies
FULL = 277_524  # patches of the public set
Job = tuple[str, tuple[int, ...], str, int, int]


def rows(setup: Setup) -> list[Row]:
    """Pack and predict folders of growing size."""
    found = pack(setup.data, cache_dir=setup.work / "cache")
    all_copies = replicate(found, max(setup.sizes), setup.work / "copies")
    measured = []
    for size in setup.sizes:
        folder = first(all_copies, size, setup.work / f"first-{size}")
        options = {"folder": str(folder), "work": str(setup.work / "growth")}
        packed = in_process("growth:pack_folder", **options)
        predicted = in_process("growth:predict_folder", **options)
        measured.append({"patches": size, "pack": packed, "predict": predicted})
    peaks = [each["predict"]["peak_mb"] for each in measured]
    packs, last = [each["pack"]["peak_mb"] for each in measured], measured[-1]
    full = last["patches"] >= FULL
    said = f"{last['pack']['seconds']:.0f} s for {last['patches']:,} patches, peak {max(packs):.0f} MB"
    return [
        Row(
            "Pack the whole public set (real patches, replicated)"
            if full
            else "Pack the largest folder of the growth table",
            "-",
            "277,524 patches in under 60 s, under 500 MB",
            said,
            full and last["pack"]["seconds"] < 60 and max(packs) < 500,
            {"growth": measured},
        ),
        Row(
            "Resident memory of `predict` on a folder",
            f"{setup.sizes[0]:,} patches",
            "flat in the number of patches; under 400 MB",
            "; ".join(f"{each['patches']:,}: {peak:.0f} MB" for each, peak in zip(measured, peaks, strict=True)),
            max(peaks) < 400 and max(peaks) <= 1.5 * peaks[0] + 100,
            {"growth": measured},
        ),
    ]


def table(growth: list[dict[str, Any]]) -> list[str]:
    """Return the lines of a Markdown table of cost by size."""
    lines = [
        "| patches | pack, s | µs a patch | peak, MB | predict a folder, s | patches/s | peak, MB |",
        "| ---: " * 7 + "|",
    ]
    for each in growth:
        n, packed, predicted = each["patches"], each["pack"], each["predict"]
        lines.append(
            f"| {n:,} | {packed['seconds']:.1f} | {packed['seconds'] / n * 1e6:.0f} | {packed['peak_mb']:.0f} "
            f"| {predicted['seconds']:.1f} | {n / predicted['seconds']:,.0f} | {predicted['peak_mb']:.0f} |"
        )
    return lines


def replicate(found: Pack, n: int, folder: Path) -> Path:
    """Write n PNG files, all different: the patches again and again, mirrored, turned, one pixel changed."""
    name, shape = str(found.images.filename), found.images.shape
    jobs = [
        (name, shape, str(folder / f"{start // FOLDER:04d}"), start, min(n, start + FOLDER))
        for start in range(0, n, FOLDER)
    ]
    list(Processes(available_cpus()).each(write_copies, jobs))
    return folder


def write_copies(job: Job) -> None:
    """Write the copies numbered from `start` to `end`, as PATIENT/CLASS/file."""
    name, shape, folder, start, end = job
    images = np.memmap(name, np.uint8, "r", shape=shape)
    for label in "01":
        (Path(folder) / label).mkdir(parents=True, exist_ok=True)
    for number in range(start, end):
        patch, again = np.array(images[number % len(images)]), number // len(images)
        patch = np.rot90(patch[:, ::-1] if again & 4 else patch, again & 3)
        patch = np.ascontiguousarray(patch)
        patch[0, 0, 0] ^= again // 8
        written = io.BytesIO()
        Image.fromarray(patch).save(written, "PNG")
        label, patient = number % 2, Path(folder).name
        x, y = 1 + 50 * (number % 200), 1 + 50 * (number // 200 % 200)
        path = Path(folder) / str(label) / f"{patient}_idx5_x{x}_y{y}_class{label}.png"
        path.write_bytes(written.getbuffer())


def first(copies: Path, n: int, folder: Path) -> Path:
    """Return a folder with the first n files of another, as links."""
    paths = sorted(copies.rglob("*.png"))[:n]
    for path in paths:
        target = folder / path.relative_to(copies)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(path, target)
    return folder


def pack_folder(folder: str, work: str) -> dict[str, Any]:
    """Pack a folder into an empty cache and say how long it took."""
    from speed.patches import packed

    started = time.perf_counter()
    packed(Path(folder), Path(work))
    return {"seconds": time.perf_counter() - started}


def predict_folder(folder: str, work: str) -> dict[str, Any]:
    """Predict a folder with the shipped model, as `cancernet predict` does."""
    from cancernet.model.model import load_model
    from cancernet.prediction.predict import predict_paths

    out = Path(work) / "predictions.csv"
    out.parent.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    predict_paths([Path(folder)], load_model(), out=out, screen=sys.stdout)
    return {"seconds": time.perf_counter() - started}
