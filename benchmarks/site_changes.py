"""What `cancernet site` says of test patients that were changed as another scanner might, and of other laboratories.

python benchmarks/site_changes.py --data DIR --split CSV [--fields DIR]

Batches of the test patients of the split (`patient,split`), some patches of each, against what the model that ships
learned from; and fields of other laboratories at 0.5 um/px, the middle of each, as one patient a case. Prints Markdown.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from cancernet.common.defaults import MPP, PATCH_SIZE
from cancernet.data.pack import Pack, default_cache_dir, pack
from cancernet.evaluation.verdicts import PASS
from cancernet.model.model import Model, load_model
from cancernet.sites import checks
from cancernet.sites.compare import compare
from cancernet.sites.gather import Gathered
from cancernet.sites.usual import of_model
from fields import FIELD_MPP, middle
from judge_limits import hue
from site_limits import BATCH, Quick, Rng, sides

PATCHES = 60  # of a test patient
BATCHES = 200


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--fields", type=Path)
    options = parser.parse_args()
    data, model, side = pack(options.data, cache_dir=default_cache_dir()), load_model(), sides(options.split)
    test = sorted(each for each in data.table["patient"].unique() if side[each] == "test")
    told(data, model, test, np.random.default_rng(1))
    if options.fields:
        other_laboratories(options.fields, model)


def changes() -> dict[str, object]:
    """Return ways in which another laboratory or scanner may differ: uint8 (N, 50, 50, 3) to the same."""

    def each(change: object) -> object:
        return lambda images: np.stack([change(image) for image in images])  # type: ignore[operator]

    def brighter(by: int) -> object:
        return lambda images: np.clip(images.astype(int) + by, 0, 255).astype(np.uint8)

    half = PATCH_SIZE // 4
    made: dict[str, object] = {"as they are": lambda images: images}
    for sigma in (0.5, 0.7, 1.0):
        made[f"Gaussian blur of {sigma:g} px"] = each(lambda image, by=sigma: cv2.GaussianBlur(image, (0, 0), by))
    for by in (-20, -10, 10, 20, 40):
        made[f"{by:+d} grey levels"] = brighter(by)
    for degrees in (-20, -10, 10, 20):
        made[f"hue turned by {degrees} degrees"] = lambda images, by=degrees: hue(images, by)
    made["JPEG of quality 50"] = each(
        lambda image: cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], cv2.IMREAD_COLOR)
    )
    made["at twice the scale"] = each(
        lambda image: cv2.resize(image[half:-half, half:-half], (PATCH_SIZE, PATCH_SIZE), interpolation=cv2.INTER_CUBIC)
    )
    return made


def evenly(rows: np.ndarray) -> np.ndarray:
    """Return at most PATCHES of some rows, of both classes as they come."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(PATCHES, len(rows))).round().astype(int))]


def told(data: Pack, model: Model, test: list[str], rng: Rng) -> None:
    """Print what becomes of batches of test patients that were changed, against what the model learned from."""
    usual = of_model(model)
    print(f"| {len(test)} test patients, changed; {BATCHES} batches of {BATCH} | PASS | WARN | FAIL | told by |")
    print("| --- | --- | --- | --- | --- |")
    whose = data.table["patient"].to_numpy(object)
    rows = np.concatenate([evenly(np.flatnonzero(whose == patient)) for patient in test])
    images = np.ascontiguousarray(data.images[rows])
    for name, change in changes().items():
        gathered = Gathered(model)
        gathered.add(np.ascontiguousarray(change(images)), whose[rows].tolist())  # type: ignore[operator]
        groups = gathered.groups()
        quick = Quick(usual, model.colours, BATCH, PATCHES)
        seen = [quick.see([groups[i] for i in rng.choice(len(groups), BATCH, replace=False)]) for _ in range(BATCHES)]
        states = [checks.verdict(each) for each in seen]
        shares = " | ".join(f"{states.count(state) / len(states):.0%}" for state in (PASS, "WARN", "FAIL"))
        by = {c.name: np.mean([each[i].state != PASS for each in seen]) for i, c in enumerate(seen[0])}
        print(f"| {name} | {shares} | {', '.join(name for name, share in by.items() if share >= 0.5)} |", flush=True)


def other_laboratories(folder: Path, model: Model) -> None:
    """Print the verdict on fields of other laboratories, one patch each: all, and of each that has ten."""
    table = pd.read_csv(folder / "fields.csv")
    table = table[(table[["width_px", "height_px"]] * FIELD_MPP / MPP >= PATCH_SIZE).all(axis=1)]
    images = np.stack([middle(folder / name) for name in table["file"]])
    usual = of_model(model)
    print(
        "\n| fields of other laboratories | patients | verdict | checks that do not pass |\n| --- | --- | --- | --- |"
    )
    for site in ("all", *sorted(name for name, n in table["site"].value_counts().items() if n >= 5)):
        kept = np.ones(len(table), bool) if site == "all" else (table["site"] == site).to_numpy()
        gathered = Gathered(model)
        gathered.add(images[kept], table["case"][kept].tolist())
        groups = gathered.groups()
        found = compare(groups, usual, model.colours, what="patients")
        off = "; ".join(f"{c.name} {c.state}: {c.found}" for c in found.checks if c.state != PASS)
        print(f"| {site} | {len(groups)} | {found.verdict} | {off} |")


if __name__ == "__main__":
    main()
