"""How time grows with the number of patches (leak audit, copies, colour floor), and what the whole public set takes."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import sklearn.linear_model  # noqa: F401 - here, or the first fit of a floor would count its import

from cancernet.common.mapped import let_go, sparing
from cancernet.data.integrity import copies
from cancernet.data.pack import Pack, pack
from cancernet.evaluation.floor import fit_floor_features
from cancernet.evaluation.leakage import audit_leakage
from cancernet.model.floor import colour_features
from cancernet.training.costs import foretold, pass_cost
from cancernet.training.options import TrainingOptions
from cancernet.training.recipes import load_recipes
from speed.growth import FULL
from speed.timing import Row, Setup

MOST_PAGES_MB = 200
MOST_MINUTES = 45
PATIENTS = 279  # of the public set
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
    return [*(exponent_row(name, by_size) for name, by_size in seconds.items()), pages_row(whole), foretold_row()]


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
    order = np.random.default_rng(0).permutation(real)  # so that the first of them are of many patients
    images = np.memmap(file, np.uint8, "w+", shape=(n, *found.images.shape[1:]))
    for start in range(0, n, 1000):
        rows = np.arange(start, min(n, start + 1000))
        again = start // real
        block = found.images[order[rows % real]]
        block = np.rot90(block[:, :, ::-1] if again & 4 else block, again & 3, axes=(1, 2))
        images[rows[0] : rows[-1] + 1] = np.clip(block.astype(int) + again // 8, 0, 255)
    images.flush()
    table = pd.concat([found.table.iloc[order]] * (n // real + 1), ignore_index=True).iloc[:n]
    hashes = [f"{number:032x}" for number in range(n)]
    mapped = sparing(np.memmap(file, np.uint8, "r", shape=images.shape))
    return replace(found, images=mapped, table=table.assign(hash=hashes))


def pages_row(whole: Pack) -> Row:
    """Read all patches in random order, as training does, by a plain map and by one that gives its pages back."""
    order, found = np.random.default_rng(0).permutation(len(whole.images)), {}
    plain = np.memmap(str(whole.images.filename), np.uint8, "r", shape=whole.images.shape)
    for name, images in (("given back", whole.images), ("kept", plain)):
        let_go(images)
        before, begun = pages_mb(), time.perf_counter()
        for start in range(0, len(order), 64):
            images[order[start : start + 64]]
        each = (time.perf_counter() - begun) / len(order) * 1e6
        found[name] = {"mb": pages_mb() - before, "us": each}
    let_go(plain)
    said = "; ".join(f"{name}: {each['mb']:.0f} MB, {each['us']:.1f} µs a patch" for name, each in found.items())
    return Row(
        f"Pages resident after reading {len(order):,} patches in random order",
        "a plain memory map",
        "under 200 MB",
        said,
        found["given back"]["mb"] < MOST_PAGES_MB,
        found,
    )


def pages_mb() -> float:
    """Return how much of mapped files this process holds, MB (Linux; 0 elsewhere)."""
    status = Path("/proc/self/status")
    return int(status.read_text("ascii").split("RssFile:")[1].split()[0]) / 1024 if status.exists() else 0.0


def foretold_row() -> Row:
    """Minutes of two free cores that five recipes and their scoring take on the public set, as a run foretells them."""
    patient = np.sort(np.arange(FULL) % PATIENTS)
    table = pd.DataFrame({"patient": patient.astype(str)})
    side = pd.Series(np.array(["train", "train", "train", "val", "test"], object)[patient % 5])
    recipes = [recipe for recipe in load_recipes().values() if recipe.in_run]
    learned = foretold(recipes, table, side, TrainingOptions())
    scored = int((side == "test").sum()) * sum(map(pass_cost, recipes))  # what was said of val is kept
    minutes = {name: cost / 1000 / 60 / 2 for name, cost in {**learned, "scoring": scored}.items()}
    said = ", ".join(f"{name} {each:.1f}" for name, each in minutes.items())
    whole = sum(minutes.values())
    return Row(
        f"Foretold, not measured: five recipes on {FULL:,} patches, minutes of two free cores",
        "-",
        "under 45",
        f"{whole:.0f}: {said}",
        whole < MOST_MINUTES,
        {"minutes": minutes},
    )
