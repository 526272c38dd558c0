"""The TRIPOD+AI checklist, filled in where the files of a run know the answer.

Source: Collins et al. 2024, "TRIPOD+AI statement", BMJ 385:e078378, table 2; topics in our words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cancernet.common import defaults
from cancernet.model.manifest import Manifest

UNKNOWN = "not known to the run"
ITEMS = (
    ("1", "Title: development or evaluation, population, outcome"),
    ("2", "Abstract: see TRIPOD+AI for abstracts"),
    ("3a", "Background: healthcare context, reasons, earlier models"),
    ("3b", "Background: target population, intended purpose and users"),
    ("3c", "Background: known health inequalities"),
    ("4", "Objectives: development, evaluation, or both"),
    ("5a", "Data: sources and how representative they are"),
    ("5b", "Data: dates of collection"),
    ("6a", "Participants: setting, number and place of centres"),
    ("6b", "Participants: who was eligible"),
    ("6c", "Participants: treatments received"),
    ("7", "Data preparation and checks of quality"),
    ("8a", "Outcome: definition, how and when assessed"),
    ("8b", "Outcome: who assessed it"),
    ("8c", "Outcome: blinding of the assessment"),
    ("9a", "Predictors: how chosen"),
    ("9b", "Predictors: definition, how and when measured"),
    ("9c", "Predictors: who assessed them, where judgement is needed"),
    ("10", "Sample size: how arrived at"),
    ("11", "Missing data: how handled"),
    ("12a", "Analysis: how the data were used and divided"),
    ("12b", "Analysis: how predictors were handled"),
    ("12c", "Analysis: type of model, building, tuning, internal validation"),
    ("12d", "Analysis: heterogeneity between clusters"),
    ("12e", "Analysis: measures and plots of performance"),
    ("12f", "Analysis: updating of the model"),
    ("12g", "Analysis: how predictions were calculated"),
    ("13", "Class imbalance: methods, and recalibration after them"),
    ("14", "Fairness: approaches"),
    ("15", "Model output, and how thresholds were chosen"),
    ("16", "Training against evaluation: differences"),
    ("17", "Ethical approval and consent"),
    ("18a", "Funding"),
    ("18b", "Conflicts of interest"),
    ("18c", "Protocol"),
    ("18d", "Registration"),
    ("18e", "Data sharing"),
    ("18f", "Code sharing"),
    ("19", "Patient and public involvement"),
    ("20a", "Results, participants: flow, with and without the outcome"),
    ("20b", "Results, participants: characteristics"),
    ("20c", "Results, participants: evaluation against development"),
    ("21", "Results, development: participants and outcomes in each analysis"),
    ("22", "Results: the full model, so that others can predict"),
    ("23a", "Results: performance with intervals, key subgroups"),
    ("23b", "Results: heterogeneity between clusters"),
    ("24", "Results: updating of the model"),
    ("25", "Discussion: interpretation, fairness"),
    ("26", "Discussion: limitations"),
    ("27a", "Usability: input of poor quality or missing"),
    ("27b", "Usability: what users must do and know"),
    ("27c", "Usability: next steps"),
)


def checklist(manifest: Manifest, splits: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return every item as (number, topic, answer); the answer is `UNKNOWN` where no file holds it.

    Args:
        manifest: of the bundle.
        splits: split -> its part of `evaluate()`; empty where nothing was evaluated.
    """
    answers = {**_of_manifest(manifest), **_of_training(manifest), **_of_splits(splits)}
    return [(number, topic, answers.get(number, UNKNOWN)) for number, topic in ITEMS]


def _of_manifest(manifest: Manifest) -> dict[str, str]:
    """What every bundle knows, and what is so whatever the bundle."""
    data, split, size = manifest.data, manifest.split, manifest.input
    sides = list(split.patients.values())
    counts = ", ".join(f"{side} {sides.count(side)}" for side in ("train", "val", "test"))
    calibration = manifest.calibration
    folds = manifest.recipe.cross_fit
    chosen_on = f"patients held out in turn ({folds} folds)" if folds else "validation patients"
    made = "synthetic patches" if data.synthetic else "patches of a folder"
    updated = (
        f"probabilities calibrated on held-out patients: temperature {calibration.temperature:.3g}"
        f", offset {calibration.offset:.3g}"
        if calibration
        else "none"
    )
    return {
        "1": "a model that gives patches of H&E breast tissue a probability of malignant; see the title of this card",
        "3b": "research on patches of H&E breast tissue; no place in a care pathway: see Intended use",
        "5a": f"{made}: {data.n_patches:,} of {data.n_patients} patients, layout {data.layout}, "
        f"hash {data.hash[:12]}; how representative: {UNKNOWN}",
        "7": "files that cannot be read, contradict their label or repeat another are set aside with the reason; "
        "the same for all patients",
        "8a": f"label of each patch by its file or folder name, benign or malignant; how assessed: {UNKNOWN}",
        "9a": "all pixels of a patch; none chosen beforehand",
        "9b": f"RGB pixels, {size.size_px} px at {size.mpp:g} um/px",
        "9c": "no judgement by a person",
        "11": "a patch is read whole or set aside; nothing is imputed",
        "12a": f"split {split.name} (hash {split.hash[:12]}), "
        + (f"by patient: {counts}" if split.patient_safe else "NOT by patient: scores are too high"),
        "12b": "bytes as they are; scaled inside the network",
        "12f": updated,
        "12g": f"ONNX graph of {manifest.recipe.network}; malignant at or above the threshold",
        "15": f"a probability; thresholds chosen on {chosen_on}, the headline's ("
        f"{manifest.thresholds.target_recall:.3g}) for a recall of {manifest.target_recall:.0%}",
        "18f": f"CancerNet {manifest.cancernet}",
        "22": "this bundle: weights and graph, "
        + ", ".join(f"{name} SHA-256 {file.sha256[:12]}" for name, file in manifest.files.items()),
        "24": updated,
        "26": "see Limits",
        "27a": "unusable patches are not predicted; they are listed with the reason",
        "27b": f"give patches of {size.size_px} px at {size.mpp:g} um/px; what users must know: {UNKNOWN}",
    }


def _of_training(manifest: Manifest) -> dict[str, str]:
    """What the recipe and the training knew; parts are missing in hand-made bundles."""
    recipe, training = manifest.recipe.to_dict(), manifest.training
    answers = {}
    if training and training.n_patches is not None:
        cap = training.max_per_patient
        capped = f", at most {cap:,} a patient" if cap else ""
        answers["10"] = f"all patches given{capped}: {training.n_patches:,} for training; no calculation beforehand"
        malignant = f", {training.n_malignant:,} malignant" if training.n_malignant is not None else ""
        answers["21"] = f"{training.n_patches:,} training patches{malignant}"
    settings = ("network", "epochs", "batch_size", "learning_rate", "schedule", "augmentation", "dropout")
    stated = [f"{name.replace('_', ' ')} {_words(recipe[name])}" for name in settings]
    best = ""
    if training and training.best_epoch:
        best = (
            f"; the last of {training.best_epoch} epochs kept"
            if recipe["cross_fit"]
            else f"; epoch {training.best_epoch} kept, chosen on validation patients"
        )
    answers["12c"] = f"{', '.join(stated)}; weights at the start: {manifest.weights_from}{best}"
    used = "; ".join(f"{name.replace('_', ' ')}: {recipe[name]}" for name in ("class_weight", "patient_weight"))
    answers["13"] = f"{used}; recalibrated: {'yes' if manifest.calibration else 'no'}"
    return answers


def _of_splits(splits: Mapping[str, Any]) -> dict[str, str]:
    """What an evaluation knew; nothing without one."""
    if not splits:
        return {"4": "development"}
    first, numbers = next(iter(splits.items()))
    auc, patients = numbers["auc"], numbers.get("per_patient") or {}
    sizes = "; ".join(
        f"{name}: {n['n_patches']:,} patches of {n['n_patients']} patients, {n['n_malignant']:,} malignant"
        for name, n in splits.items()
    )
    answers = {
        "4": "development and evaluation",
        "12d": "recall by patient; between hospitals: " + UNKNOWN,
        "12e": "AUC, average precision, recall, specificity, precision, F1, Brier, calibration error; "
        f"{defaults.CONFIDENCE:.0%} intervals from {numbers['bootstrap']['samples']:,} resamples of "
        f"{numbers['bootstrap']['unit']}s",
        "16": f"other patients, the same way of reading and preparing patches; other differences: {UNKNOWN}",
        "20a": sizes,
        "20b": f"{first}: {numbers['prevalence']:.1%} of patches malignant; age, sex and the like: {UNKNOWN}",
    }
    if auc["value"] is not None:
        between = f" ({auc['low']:.3f} to {auc['high']:.3f})" if auc["low"] is not None else ""
        answers["23a"] = f"{first}: AUC {auc['value']:.3f}{between}; more under Performance; subgroups: {UNKNOWN}"
    if patients.get("median_recall") is not None:
        answers["23b"] = (
            f"{first}: median recall over patients {patients['median_recall']:.3f}; lowest under Performance"
        )
    return answers


def _words(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " + ".join(str(item) for item in value) or "none"
    return str(value)
