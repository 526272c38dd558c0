"""How models do on fields of other laboratories: one patch a field, at the threshold that the model came with.

python benchmarks/fields.py --fields external/tcga_fields --model FOLDER ...

The fields are of TCGA breast cancer cases (BRCA-M2C), reduced to the model's scale by area; the patch is the middle of
each, and fields smaller than a patch are left out. `malignant` and `benign` are a rule on cells that experts marked
(fields.csv), no pathologist's word, and nearly all benign fields are of one laboratory: these labels measure, and
choose nothing. Cases are halved by their name, so that a look at one half spoils the other for nobody. Intervals
resample cases. Prints Markdown.
"""

from __future__ import annotations

import argparse
import zlib
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from cancernet.common.defaults import MPP, PATCH_SIZE
from cancernet.evaluation import patient_bootstrap
from cancernet.model.model import Model, load_model

FIELD_MPP = 0.5  # um/px of the files


def main() -> None:
    """Score and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--fields", type=Path, required=True, help="folder with fields.csv and the images it names")
    parser.add_argument("--model", type=Path, action="append", help="folder; by default the one that ships")
    options = parser.parse_args()
    table = pd.read_csv(options.fields / "fields.csv")
    table = table[(table[["width_px", "height_px"]] * FIELD_MPP / MPP >= PATCH_SIZE).all(axis=1)]
    images = np.stack([middle(options.fields / name) for name in table["file"]])
    labelled = table["label"].notna().to_numpy()
    half = np.array([zlib.crc32(case.encode()) % 2 for case in table["case"]])
    print(f"{len(table)} fields, {labelled.sum()} with a label\n")
    print(
        "| model | fields | malignant / benign | AUC | recall | specificity | unsure | of them wrong | others wrong |"
    )
    print("| --- |" + " --- |" * 8)
    for folder in options.model or [None]:
        model = load_model(folder)
        for name, some in (("all", labelled), ("half 0", labelled & (half == 0)), ("half 1", labelled & (half == 1))):
            print(f"| {model.name} | {name} | {line(model, images[some], table[some])} |")


def middle(path: Path) -> np.ndarray:
    """Return the middle of a field at the model's scale: uint8 RGB (50, 50, 3)."""
    image = cv2.imread(str(path))[..., ::-1]
    size = tuple(round(side * FIELD_MPP / MPP) for side in image.shape[1::-1])
    small = cv2.resize(np.ascontiguousarray(image), size, interpolation=cv2.INTER_AREA)
    top, left = ((side - PATCH_SIZE) // 2 for side in small.shape[:2])
    return small[top : top + PATCH_SIZE, left : left + PATCH_SIZE]


def line(model: Model, images: np.ndarray, table: pd.DataFrame) -> str:
    """Return the cells of a row: each field is judged by itself, as a folder of its own."""
    label = (table["label"] == "malignant").to_numpy().astype(int)
    probability = model.predict(images)
    unsure = model.judge(images, table["file"].tolist()) != ""
    rows = pd.DataFrame({"path": table["file"], "patient": table["case"], "label": label, "probability": probability})
    found = patient_bootstrap(rows.assign(split="test"), {"own": model.threshold})
    wrong = (probability >= model.threshold) != label
    rates = [found["auc"], found["recall@own"], found["specificity@own"]]
    return " | ".join(
        [
            f"{label.sum()} / {(label == 0).sum()}",
            *(f"{each.value:.2f} ({each.low:.2f}-{each.high:.2f})" for each in rates),
            f"{unsure.sum()}",
            f"{wrong[unsure].sum()}",
            f"{wrong[~unsure].sum()} of {(~unsure).sum()}",
        ]
    )


if __name__ == "__main__":
    main()
