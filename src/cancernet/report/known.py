"""What a bundle, an evaluation and an audit know, as facts by name, for the checklists. No number is typed in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cancernet.common import defaults
from cancernet.model.manifest import Manifest
from cancernet.report.tables import unsure


def facts(
    manifest: Manifest,
    splits: Mapping[str, Any],
    *,
    data: Mapping[str, Any] | None = None,
    audit: Mapping[str, Any] | None = None,
    explains: bool = False,
    card: str = "",
) -> dict[str, str]:
    """Return what is known, by the names that the lists use; what is not known is not there.

    Args:
        manifest: of the bundle.
        splits: split -> its part of `evaluate()`; empty where nothing was evaluated.
        data: `RunResults.data` of an evaluation or a run, where there was one.
        audit: of audit.json, where there is one.
        explains: the model can say where in a patch the evidence lies.
        card: words that lead from where the facts stand to the model card; none on the card itself.
    """
    found = {
        **_always(card),
        **_of_manifest(manifest),
        **_of_training(manifest),
        **_of_splits(splits),
        **_of_data(data or {}),
        **_of_audit(audit),
        "explained": "evidence by cell of a patch, whose mean is the log odds of its answer" if explains else "",
    }
    return {name: text for name, text in found.items() if text}


def _always(card: str) -> dict[str, str]:
    """What is so whatever the bundle."""
    return {
        "purpose": "a model that gives patches of H&E breast tissue a probability of malignant",
        "see_title": f"see the title of {card or 'this card'}",
        "use": f"research on patches of H&E breast tissue; no place in a care pathway: see Intended use{_of(card)}",
        "checked": "files that cannot be read, contradict their label or repeat another are set aside with the reason; "
        "the same for all patients",
        "label": "label of each patch by its file or folder name, benign or malignant",
        "missing": "a patch is read whole or set aside; nothing is imputed",
        "preparation": "bytes as they are; scaled inside the network",
        "limits": f"see Limits{_of(card)}",
        "poor_input": "unusable patches are not predicted; they are listed with the reason",
        "differences": "other patients, the same way of reading and preparing patches",
    }


def _of(card: str) -> str:
    return f" of {card}" if card else ""


def _of_manifest(manifest: Manifest) -> dict[str, str]:
    """What every bundle knows."""
    data, split, size = manifest.data, manifest.split, manifest.input
    sides = list(split.patients.values())
    counts = ", ".join(f"{side} {sides.count(side)}" for side in ("train", "val", "test"))
    calibration = manifest.calibration
    folds = manifest.recipe.cross_fit
    chosen_on = f"patients held out in turn ({folds} folds)" if folds else "validation patients"
    made = "synthetic patches" if data.synthetic else "patches of a folder"
    return {
        "kind": f"a convolutional network ({manifest.recipe.network})",
        "data": f"{made}: {data.n_patches:,} of {data.n_patients} patients, layout {data.layout}, "
        f"hash {data.hash[:12]}",
        "pixels": f"RGB pixels, {size.size_px} px at {size.mpp:g} um/px",
        "split": f"split {split.name} (hash {split.hash[:12]}), "
        + (f"by patient: {counts}" if split.patient_safe else "NOT by patient: scores are too high"),
        "disjoint": "by patient" if split.patient_safe else "by patch, NOT by patient: scores are too high",
        "calibration": f"probabilities calibrated on held-out patients: temperature {calibration.temperature:.3g}"
        f", offset {calibration.offset:.3g}"
        if calibration
        else "none",
        "prediction": f"ONNX graph of {manifest.recipe.network}; malignant at or above the threshold",
        "thresholds": f"a probability; thresholds chosen on {chosen_on}, the headline's ("
        f"{manifest.thresholds.target_recall:.3g}) for a recall of {manifest.target_recall:.0%}",
        "version": f"CancerNet {manifest.cancernet}",
        "software": ", ".join(f"{name} {version}" for name, version in manifest.versions.items()),
        "bundle": "this bundle: weights and graph, "
        + ", ".join(f"{name} SHA-256 {file.sha256[:12]}" for name, file in manifest.files.items()),
        "give": f"give patches of {size.size_px} px at {size.mpp:g} um/px",
        "weights": f"weights at the start: {manifest.weights_from}; seed {manifest.seed}",
        "ensemble": "none: one network answers",
        "resampled": f"{folds} folds by patient, each predicted by a network trained on the others; calibration and "
        "threshold from all of them"
        if folds
        else "",
    }


def _of_training(manifest: Manifest) -> dict[str, str]:
    """What the recipe and the training knew; parts are missing in hand-made bundles."""
    recipe, training = manifest.recipe.to_dict(), manifest.training
    found = {}
    if training and training.n_patches is not None:
        cap = training.max_per_patient
        capped = f", at most {cap:,} a patient" if cap else ""
        found["sample_size"] = (
            f"all patches given{capped}: {training.n_patches:,} for training; no calculation beforehand"
        )
        malignant = f", {training.n_malignant:,} malignant" if training.n_malignant is not None else ""
        found["training_counts"] = f"{training.n_patches:,} training patches{malignant}"
    settings = ("network", "epochs", "batch_size", "learning_rate", "schedule", "augmentation", "dropout")
    stated = [f"{name.replace('_', ' ')} {_words(recipe[name])}" for name in settings]
    best = ""
    if training and training.best_epoch:
        best = (
            f"the last of {training.best_epoch} epochs kept"
            if recipe["cross_fit"]
            else f"epoch {training.best_epoch} kept, chosen on validation patients"
        )
    found["training"] = f"{', '.join(stated)}; weights at the start: {manifest.weights_from}{best and f'; {best}'}"
    found["selection"] = best
    used = "; ".join(f"{name.replace('_', ' ')}: {recipe[name]}" for name in ("class_weight", "patient_weight"))
    found["imbalance"] = f"{used}; recalibrated: {'yes' if manifest.calibration else 'no'}"
    return found


def _of_splits(splits: Mapping[str, Any]) -> dict[str, str]:
    """What an evaluation knew; next to nothing without one."""
    if not splits:
        return {"objective": "development", "differences": ""}
    first, numbers = next(iter(splits.items()))
    auc, patients = numbers["auc"], numbers.get("per_patient") or {}
    points = numbers["operating_points"]
    point = points.get("target_recall") or next(iter(points.values()))
    unit, samples = numbers["bootstrap"]["unit"], numbers["bootstrap"]["samples"]
    intervals = f"{defaults.CONFIDENCE:.0%} intervals from {samples:,} resamples of {unit}s"
    benefit = numbers.get("decision_curve")
    cells = point["confusion"]
    found = {
        "objective": "development and evaluation",
        "clusters": "recall by patient",
        "measures": "AUC, average precision, recall, specificity, precision, F1, Brier, calibration error; "
        + intervals,
        "intervals": intervals,
        "sizes": "; ".join(
            f"{name}: {n['n_patches']:,} patches of {n['n_patients']} patients, {n['n_malignant']:,} malignant"
            for name, n in splits.items()
        ),
        "prevalence": f"{first}: {numbers['prevalence']:.1%} of patches malignant",
        "rates": f"{first}: " + ", ".join(_rate(name, point[name]) for name in ("recall", "specificity", "precision")),
        "confusion": f"{first}: {cells['tp']:,} malignant patches found and {cells['fn']:,} missed, {cells['tn']:,} "
        f"benign called benign and {cells['fp']:,} malignant",
        "unsure": unsure(numbers),
        "internal": f"{first}: patients that neither training nor threshold has seen",
        "uncorrected": "classes as they are in the patches of the folder",
        "subgroups": _subgroups(numbers.get("subgroups")),
    }
    if benefit:
        found["benefit"] = f"decision curve over thresholds of {benefit['threshold'][0]:.0%} to " + (
            f"{benefit['threshold'][-1]:.0%}, predictive values by prevalence"
        )
    if auc["value"] is not None:
        found["auc"] = f"{first}: {_rate('AUC', auc)}; more under Performance"
    if patients.get("median_recall") is not None:
        found["per_patient"] = (
            f"{first}: median recall over patients {patients['median_recall']:.3f}; lowest under Performance"
        )
    return found


def _of_data(data: Mapping[str, Any]) -> dict[str, str]:
    """What a run or an evaluation knew of its patches."""
    aside = data.get("quarantined")
    leaks = data.get("leakage") or {}
    return {
        "set_aside": "" if aside is None else f"{len(aside):,} files set aside, each with its reason",
        "leaks": ", ".join(f"{name}: {count}" for name, count in leaks.items()),
        "errors": "confusion matrix, recall by patient, the errors it was surest of" if data else "",
        "stored": "predictions.csv has every probability, with the reason where a patch cannot be judged"
        if data
        else "",
    }


def _of_audit(audit: Mapping[str, Any] | None) -> dict[str, str]:
    """What an audit knew."""
    if not audit:
        return {}
    kinds: Sequence[str] = list(audit["robustness"]["corruptions"])
    return {"robustness": f"audited with {len(kinds)} corruptions: {', '.join(kinds)}"}


def _subgroups(found: Mapping[str, Any] | None) -> str:
    """Say how recall differs between groups of patients."""
    said = []
    for column, each in (found or {}).items():
        gap = each["gaps"].get("recall")
        largest = f"largest gap in recall {_interval(gap)}, {gap['highest']} over {gap['lowest']}" if gap else "no gap"
        said.append(f"by {column}: {len(each['groups'])} groups, {largest}")
    return "; ".join(said)


def _rate(name: str, metric: Mapping[str, Any]) -> str:
    return f"{name} {_interval(metric)}"


def _interval(metric: Mapping[str, Any]) -> str:
    if metric["value"] is None:
        return "undefined"
    between = f" ({metric['low']:.3f} to {metric['high']:.3f})" if metric["low"] is not None else ""
    return f"{metric['value']:.3f}{between}"


def _words(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " + ".join(str(item) for item in value) or "none"
    return str(value)
