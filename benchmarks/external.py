"""How a model does on a field of another scanner and another stain, with and without stain normalisation.

python benchmarks/external.py --image bcss_1008.jpg --mask bcss_1008_mask.jpg --mpp 0.25 --data DIR --model FOLDER ...

The field is reduced to the model's scale by area, then scored at every position `STEP` px apart. A position is
malignant where at least half of its 50 px square is tumour in the mask. One field is one patient, and neighbouring
positions overlap, so there is no interval. Normalisation (Reinhard et al. 2001): mean and spread of each channel of
CIE L*a*b* become those of the patches that the model learned from. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from cancernet.common.defaults import MPP, PATCH_SIZE
from cancernet.data.pack import default_cache_dir, pack
from cancernet.evaluation.metrics import auc, confusion, rates
from cancernet.model.model import load_model

STEP = 10  # px between positions
SAMPLE = 2000  # training patches whose colours are taken


def main() -> None:
    """Score and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--image", type=Path, required=True)
    parser.add_argument("--mask", type=Path, required=True, help="white where there is tumour")
    parser.add_argument("--mpp", type=float, required=True, help="um/px of both")
    parser.add_argument("--data", type=Path, required=True, help="patches that the models learned from")
    parser.add_argument("--model", type=Path, action="append", help="folder; by default the one that ships")
    options = parser.parse_args()
    field = reduce(cv2.imread(str(options.image))[..., ::-1], options.mpp)
    tumour = reduce(cv2.imread(str(options.mask), cv2.IMREAD_GRAYSCALE), options.mpp) / 255
    patches, share = windows(field), windows(tumour).mean(axis=(1, 2))
    label = (share >= 0.5).astype(int)
    data = pack(options.data, cache_dir=default_cache_dir())
    print(
        f"{field.shape[1]} x {field.shape[0]} px at {MPP:g} um/px, {len(patches)} positions {STEP} px apart, "
        f"{label.mean():.0%} at least half tumour\n"
    )
    print("| model | colours | AUC | rank correlation with tumour | called malignant | recall | specificity |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for folder in options.model or [None]:
        model = load_model(folder)
        target = colours(training_patches(data, model.manifest.split.patients))
        ways = {"as they are": patches, "normalised": windows(normalise(field, target))}
        for name, some in ways.items():
            probability = model.predict(np.ascontiguousarray(some))
            found = rates(*confusion(label, probability, model.threshold))
            print(
                f"| {model.name} | {name} | {auc(label, probability):.3f} | {spearmanr(share, probability)[0]:.2f} | "
                f"{np.mean(probability >= model.threshold):.0%} | {found['recall']:.2f} | {found['specificity']:.2f} |"
            )


def reduce(image: np.ndarray, mpp: float) -> np.ndarray:
    """Reduce to the model's scale by area."""
    size = (round(image.shape[1] * mpp / MPP), round(image.shape[0] * mpp / MPP))
    return cv2.resize(np.ascontiguousarray(image), size, interpolation=cv2.INTER_AREA)


def windows(image: np.ndarray) -> np.ndarray:
    """All 50 px squares `STEP` px apart that lie inside: (N, 50, 50, ...)."""
    view = np.lib.stride_tricks.sliding_window_view(image, (PATCH_SIZE, PATCH_SIZE), axis=(0, 1))[::STEP, ::STEP]
    view = np.moveaxis(view, 2, -1) if image.ndim == 3 else view
    return view.reshape(-1, PATCH_SIZE, PATCH_SIZE, *image.shape[2:])


def training_patches(data: object, patients: dict[str, str]) -> np.ndarray:
    """Patches of the patients that a model learned from."""
    table: pd.DataFrame = data.table
    rows = np.flatnonzero((table["patient"].map(patients) == "train") & ~table["near_white"])
    return data.images[np.sort(np.random.default_rng(1).choice(rows, min(SAMPLE, len(rows)), replace=False))]


def lab(images: np.ndarray) -> np.ndarray:
    """CIE L*a*b*, float32 (pixels, 3)."""
    flat = np.ascontiguousarray(images).reshape(-1, 1, 3).astype("float32") / 255
    return cv2.cvtColor(flat, cv2.COLOR_RGB2LAB).reshape(-1, 3)


def colours(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and spread of each channel."""
    pixels = lab(images)
    return pixels.mean(axis=0), pixels.std(axis=0)


def normalise(image: np.ndarray, target: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Give an image the colours of others."""
    pixels = lab(image)
    pixels = (pixels - pixels.mean(axis=0)) / pixels.std(axis=0) * target[1] + target[0]
    rgb = cv2.cvtColor(pixels.reshape(-1, 1, 3).astype("float32"), cv2.COLOR_LAB2RGB)
    return np.clip(np.rint(rgb.reshape(image.shape) * 255), 0, 255).astype(np.uint8)


if __name__ == "__main__":
    main()
