"""The embedded sample: synthetic sections cut into patches in the layout of the public IDC set.

It exists so that everything can be run and tested with no download. It is not evidence of anything
about tissue, and says so in a file beside the patches.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.common.progress import progress
from cancernet.data.synthetic import Section, draw_section
from cancernet.data.tissue import smooth_noise

FILLED = 0.80  # share of the grid's cells that hold tissue, about: the section is rounder than its frame
ALL_BENIGN = 12  # one patient in this many has no tumour, as some have none in the public set


def write_sample(
    folder: Path | str,
    *,
    patients: int = defaults.SAMPLE_PATIENTS,
    patches_per_patient: int = defaults.SAMPLE_PATCHES_PER_PATIENT,
    seed: int = defaults.SEED,
) -> Path:
    """Write a synthetic data set to `folder`, or leave it as it is if the same one is there already.

    The layout is PATIENT/{0,1}/PATIENT_idx5_xX_yY_classC.png with 50x50 px patches on a 50 px grid
    (x = 1 + 50*i), and `SYNTHETIC.txt` at the root. The same arguments give the same pixels. The folder
    appears whole or not at all.

    Args:
        folder: where to write; absent, empty, or holding the same sample.
        patients: number of patients, at least 1.
        patches_per_patient: patches of each, about; at least 4.
        seed: of everything random.

    Returns:
        The folder.

    Raises:
        UserError: the folder holds something else, or the numbers are too small.
    """
    folder = Path(folder)
    if patients < 1 or patches_per_patient < 4:
        raise UserError(f"A sample needs at least 1 patient with 4 patches, got {patients} with {patches_per_patient}.")
    text = (
        "SYNTHETIC: every patch in this folder was drawn by a program from random numbers.\n"
        "No patient, no tissue and no real image is in it. Results on it are not evidence of anything\n"
        "about cancer or about how well a model would do on real tissue.\n"
        f"Made by cancernet: patients={patients} patches_per_patient={patches_per_patient} seed={seed}\n"
    )
    if folder.is_dir() and any(folder.iterdir()):
        marker = folder / defaults.SYNTHETIC_MARKER
        if marker.is_file() and marker.read_text(encoding="utf-8") == text:
            return folder
        raise UserError(f"{folder} is not empty and holds another data set; give the sample a folder of its own.")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; give the sample a folder of its own.")
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    temporary.mkdir(parents=True)
    try:
        for number in progress(range(1, patients + 1), what="drawing the synthetic sample", unit=" patients"):
            _write_patient(temporary, number, patches_per_patient, seed)
        (temporary / defaults.SYNTHETIC_MARKER).write_text(text, encoding="utf-8")
        temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def patient_section(number: int, patches: int, seed: int) -> tuple[str, Section, NDArray[np.bool_]]:
    """Draw patient `number` (from 1): its name, its section and the coarse annotation of its tumour.

    A patient depends on its number and the seed alone, not on how many others there are. The annotation
    (bool, shape of the section) is the tumour outlined with a thick pen: smoothed, and off by up to
    about a patch at the border, as hand-made outlines at low magnification are.
    """
    rng = np.random.default_rng([seed, number])
    cells = patches / FILLED
    columns = int(np.ceil(np.sqrt(cells * 1.25)))
    rows = int(np.ceil(cells / columns))
    share = 0.0 if number % ALL_BENIGN == 0 else float(rng.uniform(0.12, 0.55))
    size = defaults.PATCH_SIZE
    section = draw_section(rng, rows * size, columns * size, malignant_share=share)
    soft = cv2.GaussianBlur(section.malignant.astype(np.float32), (0, 0), 0.5 * size)
    wobble = 0.16 * smooth_noise(rng, soft.shape, 1.5 * size)
    return f"S{number:03d}", section, (soft + wobble > 0.5) & (soft > 0.05)


def _write_patient(root: Path, number: int, patches: int, seed: int) -> None:
    name, section, annotation = patient_section(number, patches, seed)
    size = defaults.PATCH_SIZE
    tissue = _per_cell(section.tissue, size)
    rows, columns = np.unravel_index(np.argsort(-tissue, axis=None, kind="stable")[:patches], tissue.shape)
    labels = _per_cell(annotation, size) > 0.5
    for row, column in sorted(zip(rows.tolist(), columns.tolist(), strict=True)):
        if tissue[row, column] == 0:
            continue
        label = int(labels[row, column])
        y, x = row * size, column * size
        target = root / name / str(label) / f"{name}_idx5_x{x + 1}_y{y + 1}_class{label}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        patch = section.image[y : y + size, x : x + size, ::-1]
        # Not by OpenCV, which ends the process at a name that is not UTF-8.
        target.write_bytes(cv2.imencode(".png", patch)[1].tobytes())


def _per_cell(mask: NDArray[np.bool_], size: int) -> NDArray[np.float64]:
    """Return the share of each grid cell that `mask` covers, (rows, columns)."""
    rows, columns = mask.shape[0] // size, mask.shape[1] // size
    return mask.reshape(rows, size, columns, size).mean(axis=(1, 3))
