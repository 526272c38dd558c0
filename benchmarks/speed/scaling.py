"""How the time of what looks at all patches together grows with their number: leak audit, copies, colour floor."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from cancernet.common.mapped import sparing
from cancernet.data.integrity import copies
from cancernet.data.pack import Pack, pack
from cancernet.evaluation.floor import fit_floor_features
from cancernet.evaluation.leakage import audit_leakage
from cancernet.model.floor import colour_features
from speed.timing import Row, Setup

MOST_POWER = 1.15  # of n, between the two largest sizes: n log n has 1.09 between 10,000 and 100,000


def rows(setup: Setup) -> list[Row]:
    """How the time of the leak audit, of copies and of the colour floor grows with the number of patches."""
    whole = grown(pack(setup.data, cache_dir=setup.work / "cache"), max(setup.sizes), setup.work / "grown.u8")
    seconds: dict[str, dict[int, float]] = {}
    for size in setup.sizes:
        table, images = whole.table.iloc[:size], whole.images
        side = pd.Series(np.array(["train", "val", "test"], object)[pd.factorize(table["patient"])[0] % 3])
        features = colour_features(images, np.arange(size))
        ways = {
            "leak audit": lambda images=images, table=table, side=side: audit_leakage(images, table, side),
            "copies": lambda table=table: copies(table),
            "fit of the colour floor": lambda features=features, table=table: fit_floor_features(
                features, table["label"], patient=table["patient"]
            ),
        }
        for name, way in ways.items():
            begun = time.process_time()
            way()
            seconds.setdefault(name, {})[size] = time.process_time() - begun
            print(f"{name}: {size:,}, {seconds[name][size]:.2f} s of CPU", flush=True)
    return [exponent_row(name, by_size) for name, by_size in seconds.items()]


def exponent_row(name: str, seconds: dict[int, float]) -> Row:
    """Return a row with the exponent of growth between each two sizes."""
    sizes, values = np.array(list(seconds)), np.array(list(seconds.values()))
    powers = np.diff(np.log(np.maximum(values, 1e-6))) / np.diff(np.log(sizes))
    listed = "; ".join(f"{size:,}: {value:.2f} s" for size, value in seconds.items())
    powers_said = ", ".join(f"{power:.2f}" for power in powers)
    return Row(
        f"Growth of the {name}",
        "-",
        "as n log n or slower",
        f"{listed}; exponents {powers_said}",
        bool(powers[-1] < MOST_POWER),
        {"seconds": seconds, "exponents": powers.tolist()},
    )


def grown(found: Pack, n: int, file: Path) -> Pack:
    """Return a pack of n patches: real ones, then mirrored, turned and brighter by a step for each round."""
    real = len(found.table)
    images = np.memmap(file, np.uint8, "w+", shape=(n, *found.images.shape[1:]))
    for start in range(0, n, 1000):
        rows = np.arange(start, min(n, start + 1000))
        again = start // real
        block = found.images[rows % real]
        block = np.rot90(block[:, :, ::-1] if again & 4 else block, again & 3, axes=(1, 2))
        images[rows[0] : rows[-1] + 1] = np.clip(block.astype(int) + again // 8, 0, 255)
    images.flush()
    table = pd.concat([found.table] * (n // real + 1), ignore_index=True).iloc[:n]
    hashes = [f"{number:032x}" for number in range(n)]
    mapped = sparing(np.memmap(file, np.uint8, "r", shape=images.shape))
    return replace(found, images=mapped, table=table.assign(hash=hashes))
