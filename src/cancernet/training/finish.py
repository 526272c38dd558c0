"""From trained weights to a bundle: export, thresholds on validation patients, manifest."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from safetensors.numpy import save

import cancernet
from cancernet import defaults
from cancernet.bundle import GRAPH, WEIGHTS, Bundle, write_bundle
from cancernet.data.pack import Pack
from cancernet.data.sides import Split, count_patients
from cancernet.defaults import CLASS_NAMES, MPP, PATCH_SIZE
from cancernet.environment import versions
from cancernet.evaluation.calibration import fit_temperature
from cancernet.evaluation.floor import colour_features, fit_floor_features
from cancernet.evaluation.metrics import auc, average_precision, expected_calibration_error
from cancernet.evaluation.operating_points import choose_thresholds
from cancernet.evaluation.selective import fit_selective
from cancernet.inference import open_session, predict
from cancernet.networks import build_network, with_probability
from cancernet.recipes import Recipe
from cancernet.training.checkpoint import Progress, load_weights, weights_of
from cancernet.training.engine import Examples, predict_logits
from cancernet.training.export import save_h5, to_onnx
from cancernet.training.options import TrainingOptions


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
    clock: Callable[[], float],
) -> Bundle:
    """Export a trained network and write its bundle to `models / recipe.name`.

    The temperature of the calibration, the thresholds and the colour floor are fitted here, on training and
    validation patients only, the thresholds from the very graph that ships. `clock` gives the seconds spent
    outside the epochs so far.
    """
    weights = weights_of(network)
    plain = build_network(recipe.network, input_size=recipe.input_size, dropout=recipe.dropout)  # float32
    load_weights(plain, weights)
    label = examples.label[examples.val]
    uncalibrated = 1 / (1 + np.exp(-predict_logits(plain, pack.images, examples.val).astype(float)))
    temperature = fit_temperature(label, uncalibrated)
    model = with_probability(plain, scale=1 / temperature)
    graph = to_onnx(model)
    probability = predict(open_session(graph), pack.images, examples.val)
    rows = examples.train
    patient = pack.table["patient"].to_numpy()[rows]
    floor = fit_floor_features(
        colour_features(pack.images, rows), examples.label[rows], seed=options.seed, patient=patient
    )
    floor_probability = floor.predict(pack.images, examples.val)
    thresholds = choose_thresholds(label, probability, target_recall=options.target_recall)
    validation = pack.table.iloc[examples.val][["path", "patient"]].assign(
        label=label, probability=probability
    )
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
        "versions": versions(),
        "data": _data_facts(pack),
        "split": _split_facts(split),
        "calibration": {
            "method": "temperature",
            "temperature": temperature,
            "validation_ece_before": float(expected_calibration_error(label, uncalibrated)),
            "validation_ece_after": float(expected_calibration_error(label, probability)),
        },
        "target_recall": options.target_recall,
        "thresholds": thresholds,
        "selective": [
            fit_selective(validation, thresholds["target_recall"], abstain_share=share)
            for share in defaults.ABSTAIN_SHARES
        ],
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
        "training": _training_facts(progress, examples, options, clock()),
    }
    if recipe.keras_file:  # before the bundle, whose manifest says that all is there
        save_h5(model, models / recipe.keras_file)
    return write_bundle(models / recipe.name, manifest, {GRAPH: graph, WEIGHTS: save(weights)})


def _data_facts(pack: Pack) -> dict[str, Any]:
    return {
        "hash": pack.data_hash,
        "layout": pack.layout,
        "n_patches": len(pack.table),
        "n_patients": count_patients(pack.table),
        "synthetic": pack.synthetic,
    }


def _split_facts(split: Split) -> dict[str, Any]:
    patients = dict(sorted(split.assignment.items())) if split.patient_safe else {}
    return {"name": split.name, "hash": split.hash, "patient_safe": split.patient_safe, "patients": patients}


def _training_facts(
    progress: Progress, examples: Examples, options: TrainingOptions, outside: float
) -> dict[str, Any]:
    seconds = sum(row["seconds"] for row in progress.history)  # of all sessions of a run that was resumed
    return {
        "fingerprint": progress.fingerprint,
        "n_patches": len(examples.train),
        "n_malignant": int(np.sum(examples.label[examples.train])),
        "max_per_patient": options.max_per_patient,
        "limit": options.limit,
        "epochs": progress.epoch,
        "best_epoch": progress.best_epoch,
        "minutes": round((seconds + outside) / 60, 3),
    }
