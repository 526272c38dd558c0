"""From trained weights to a bundle: export, thresholds on validation patients, manifest."""

from __future__ import annotations

import datetime
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import keras
import numpy as np
from safetensors.numpy import save

import cancernet
from cancernet.bundle import GRAPH, WEIGHTS, Bundle, write_bundle
from cancernet.data.pack import Pack
from cancernet.data.split import Split
from cancernet.defaults import CLASS_NAMES, MPP, PATCH_SIZE
from cancernet.evaluation.floor import fit_floor
from cancernet.evaluation.metrics import auc, average_precision
from cancernet.evaluation.operating_points import choose_thresholds
from cancernet.inference import open_session, predict
from cancernet.networks import with_probability
from cancernet.recipes import Recipe
from cancernet.training.checkpoint import Progress, weights_of
from cancernet.training.engine import Examples
from cancernet.training.export import save_h5, to_onnx
from cancernet.training.options import TrainingOptions

PACKAGES = ("keras", "tensorflow", "tensorflow-cpu", "numpy", "onnxruntime", "scikit-learn")


def finish(
    network: keras.Model,
    recipe: Recipe,
    pack: Pack,
    split: Split,
    examples: Examples,
    progress: Progress,
    *,
    weights_from: str,
    models: Path,
    options: TrainingOptions,
) -> Bundle:
    """Export a trained network and write its bundle to `models / recipe.name`.

    Thresholds and the colour floor are fitted here, on training and validation patients only, from the
    very graph that ships.
    """
    model = with_probability(network)
    graph = to_onnx(model)
    label = examples.label[examples.val]
    probability = predict(open_session(graph), pack.images, examples.val)
    floor = fit_floor(pack.images[examples.train], examples.label[examples.train], seed=options.seed)
    floor_probability = floor.predict(pack.images[examples.val])
    manifest = {
        "name": recipe.name,
        "cancernet": cancernet.__version__,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "recipe": recipe.to_dict(),
        "input": {"size_px": PATCH_SIZE, "mpp": MPP, "dtype": "uint8", "channels": "RGB", "layout": "NHWC"},
        "classes": list(CLASS_NAMES),
        "parameters": network.count_params(),
        "weights_from": weights_from,
        "seed": options.seed,
        "versions": _versions(),
        "data": _data_facts(pack),
        "split": _split_facts(split),
        "target_recall": options.target_recall,
        "thresholds": choose_thresholds(label, probability, target_recall=options.target_recall),
        "floor": {
            "model": floor.to_dict(),
            "thresholds": choose_thresholds(label, floor_probability, target_recall=options.target_recall),
        },
        "validation": {
            "n_patches": len(label),
            "auc": float(auc(label, probability)),
            "average_precision": float(average_precision(label, probability)),
            "floor_auc": float(auc(label, floor_probability)),
        },
        "training": _training_facts(progress, examples, options),
    }
    bundle = write_bundle(models / recipe.name, manifest, {GRAPH: graph, WEIGHTS: save(weights_of(network))})
    if recipe.keras_file:
        save_h5(model, models / recipe.keras_file)
    return bundle


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _data_facts(pack: Pack) -> dict[str, Any]:
    return {
        "hash": pack.data_hash,
        "layout": pack.layout,
        "n_patches": len(pack.table),
        "n_patients": int(pack.table["patient"].nunique()),
        "synthetic": pack.synthetic,
    }


def _split_facts(split: Split) -> dict[str, Any]:
    patients = dict(sorted(split.assignment.items())) if split.patient_safe else {}
    return {"name": split.name, "hash": split.hash, "patient_safe": split.patient_safe, "patients": patients}


def _training_facts(progress: Progress, examples: Examples, options: TrainingOptions) -> dict[str, Any]:
    return {
        "fingerprint": progress.fingerprint,
        "n_patches": len(examples.train),
        "n_malignant": int(np.sum(examples.label[examples.train])),
        "max_per_patient": options.max_per_patient,
        "limit": options.limit,
        "epochs": progress.epoch,
        "best_epoch": progress.best_epoch,
        "seconds": round(sum(row["seconds"] for row in progress.history), 1),
    }
