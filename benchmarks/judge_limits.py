"""How often a real patch is called `unsure` without cause, and how often what cannot be judged is told.

python benchmarks/judge_limits.py --data DIR --split CSV [--fields DIR] [--tile FILE]

False alarms: of the patches and patients of each side of the split (`patient,split`), by reason. The limits were chosen
by train and val. Detection: 1,000 test patches, evenly spaced, are
spoilt in ways of which each is said; what they become is counted by reason. With `--fields`, images of other
laboratories at 0.5 um/px, one patch each; with `--tile`, one at 0.25 um/px cut into patches of one folder.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from cancernet.data.pack import default_cache_dir, pack
from cancernet.model.judge import Judge, kind_of
from cancernet.model.model import load_model

SPOILT = 1000  # patches
SIDE = 50  # px
RANDOM = np.random.default_rng(0)

Spoil = Callable[[np.ndarray], np.ndarray]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--fields", type=Path)
    parser.add_argument("--tile", type=Path)
    options = parser.parse_args()
    data = pack(options.data, cache_dir=default_cache_dir())
    colours = load_model().colours
    patient = data.table["patient"]
    side = patient.map(pd.read_csv(options.split, dtype="str").set_index("patient")["split"]).to_numpy()
    for name in ("train", "val", "test"):
        rows = np.flatnonzero(side == name)
        judge = Judge(colours)
        said = judge.see(data.images[rows], patient.iloc[rows].tolist())
        malignant = data.table["label"].to_numpy()[rows] == 1
        lost = sum(bool(reason) for reason, is_malignant in zip(said, malignant, strict=True) if is_malignant)
        ids = patient.iloc[rows].unique()
        far = max(judge.stain(each).distance / judge.stain(each).limit for each in ids)
        print(
            f"{name}: {shares(said)}; of {malignant.sum():,} malignant patches {lost}; foreign stain "
            f"{len(judge.alarms())} of {len(ids)} patients, the farthest at {far:.2f} of its limit"
        )
    rows = np.flatnonzero(side == "test")
    sound = data.images[rows[np.linspace(0, len(rows) - 1, SPOILT).astype(int)]]
    for name, spoil in spoils().items():
        judge = Judge(colours)
        said = judge.see(np.ascontiguousarray(spoil(sound)))
        print(f"{name}: {shares(said)}; together: {told(judge)}")
    if options.fields:
        patches = np.stack(
            [field for path in sorted(options.fields.glob("*.jpg")) if (field := centre(path)) is not None]
        )
        judge = Judge(colours)
        groups = [str(each) for each in range(len(patches))]
        print(f"fields of other laboratories, one patch each: {shares(judge.see(patches, groups))}")
    if options.tile:
        patches = cut(reduced(options.tile, 16))
        judge = Judge(colours)
        print(f"{options.tile.name}: {shares(judge.settle(judge.see(patches)))}; together: {told(judge)}")


def told(judge: Judge) -> str:
    """Return how far the stain of all that was seen lies, and whether that is told."""
    found = judge.stain()
    if not found.n:
        return "no tissue"
    return f"distance {found.distance:.1f}, limit {found.limit:.1f}{', refused' if found.alarm else ''}"


def shares(said: list[str]) -> str:
    """Return how many are unsure, by reason."""
    counts = Counter(kind_of(reason) for reason in said if reason)
    parts = ", ".join(f"{n} {reason}" for reason, n in counts.most_common())
    return f"{counts.total() / len(said):.2%} of {len(said):,} unsure" + (f" ({parts})" if parts else "")


def spoils() -> dict[str, Spoil]:
    """Return ways to spoil patches: uint8 (N, 50, 50, 3) to the same."""
    made: dict[str, Spoil] = {
        "as they are": lambda sound: sound,
        "black": np.zeros_like,
        "one grey": lambda sound: np.full_like(sound, 128),
        "white": lambda sound: np.full_like(sound, 255),
        "without colour": lambda sound: np.repeat(sound.mean(axis=3, keepdims=True), 3, axis=3).astype(np.uint8),
        "red and green changed over": lambda sound: sound[..., [1, 0, 2]],
        "red and blue changed over": lambda sound: sound[..., ::-1],
        "inverted": lambda sound: 255 - sound,
        "noise": lambda sound: RANDOM.integers(0, 256, sound.shape, dtype=np.uint8),
        "12 bits read as 16": lambda sound: sound // 16,
        "half as bright": lambda sound: sound // 2,
        "40 levels brighter": lambda sound: np.clip(sound.astype(int) + 40, 0, 255).astype(np.uint8),
        "noise of 20 levels": lambda sound: np.clip(sound + RANDOM.normal(0, 20, sound.shape), 0, 255).astype(np.uint8),
    }
    for degrees in (-90, -40, 40, 90, 180):
        made[f"hue turned by {degrees} degrees"] = lambda sound, by=degrees: hue(sound, by)
    for sigma in (0.5, 0.7, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0):
        made[f"Gaussian blur of {sigma:g} px ({4 * sigma:g} um)"] = lambda sound, by=sigma: np.stack(
            [cv2.GaussianBlur(image, (0, 0), by) for image in sound]
        )
    return made


def hue(images: np.ndarray, degrees: int) -> np.ndarray:
    """Turn the hue of patches."""
    turned = cv2.cvtColor(images.reshape(-1, SIDE, 3), cv2.COLOR_RGB2HSV).astype(int)
    turned[..., 0] = (turned[..., 0] + degrees // 2) % 180
    return cv2.cvtColor(turned.astype(np.uint8), cv2.COLOR_HSV2RGB).reshape(images.shape)


def reduced(path: Path, by: int) -> np.ndarray:
    """Read an image and reduce it by a whole number: uint8 RGB."""
    image = cv2.imread(str(path))[..., ::-1]
    height, width = (side // by for side in image.shape[:2])
    return cv2.resize(image[: height * by, : width * by], (width, height), interpolation=cv2.INTER_AREA)


def centre(path: Path) -> np.ndarray | None:
    """Return the patch in the middle of a field at 0.5 um/px; nothing where the field is smaller than one."""
    image = reduced(path, 8)
    if min(image.shape[:2]) < SIDE:
        return None
    top, left = ((side - SIDE) // 2 for side in image.shape[:2])
    return image[top : top + SIDE, left : left + SIDE]


def cut(image: np.ndarray) -> np.ndarray:
    """Cut an image into whole patches."""
    height, width = image.shape[:2]
    corners = [(y, x) for y in range(0, height - SIDE + 1, SIDE) for x in range(0, width - SIDE + 1, SIDE)]
    return np.stack([image[y : y + SIDE, x : x + SIDE] for y, x in corners])


if __name__ == "__main__":
    main()
