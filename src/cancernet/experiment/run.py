"""The main job: check, pack, split, train every recipe, evaluate, report."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from cancernet.common.provenance import machine, versions
from cancernet.data.pack import Pack
from cancernet.data.sides import SIDES, Split, assign, count_patients, write_split
from cancernet.evaluation.leakage import Leakage, audit_leakage
from cancernet.evaluation.results import FLOOR, RunResults
from cancernet.evaluation.scoring import below_floor, score_floor, score_model
from cancernet.experiment.mistakes import find_mistakes
from cancernet.model.bundle import Bundle
from cancernet.report.folder import write_results
from cancernet.training.options import TrainingOptions
from cancernet.training.recipes import Recipe


def run(
    pack: Pack,
    split: Split,
    recipes: Sequence[Recipe],
    *,
    models: Path,
    results: Path,
    cache: Path,
    options: TrainingOptions,
    command: str,
    say: Callable[[str], None] = print,
) -> RunResults:
    """Train recipes on a packed data set and report on its test patients.

    Args:
        pack: the patches.
        split: who trains, who chooses, who tests.
        recipes: in an order in which each comes after the one it starts from.
        models: folder of bundles.
        results: folder of everything to read.
        cache: folder for frozen features.
        options: seed and the like.
        command: as the user gave it, for `run.json`.
        say: where lines for the user go.

    Returns:
        What was found and written.
    """
    from cancernet.training.pretrained import find_weights
    from cancernet.training.train import train

    if any(recipe.pretrained for recipe in recipes):
        find_weights(options.weights)  # weights that are not to be had should stop a run here, not half-way
    started, clock = datetime.datetime.now(datetime.UTC), time.perf_counter()
    side = assign(split, pack.table)
    write_split(split, results / "split.csv")
    leakage = audit_leakage(pack.images, pack.table, side)
    say(describe_leakage(leakage, by_patient=split.patient_safe))
    bundles: list[Bundle] = []
    minutes: dict[str, float] = {}
    for recipe in recipes:
        say(f"{recipe.name}: {recipe.summary}")
        begun = time.perf_counter()
        bundle = train(recipe, pack, split, models=models, cache=cache, options=options, say=say)
        took = (time.perf_counter() - begun) / 60
        facts, found = bundle.manifest["training"], bundle.manifest["validation"]
        minutes[recipe.name] = round(facts["minutes"], 2)
        say(
            f"  {took:.1f} min, best epoch {facts['best_epoch']} of {facts['epochs']}, "
            f"validation AUC {found['auc']:.3f} (colour floor {found['floor_auc']:.3f}), "
            f"weights: {bundle.manifest['weights_from']}"
        )
        bundles.append(bundle)
    facts = {
        "command": command,
        "started": started.isoformat(timespec="seconds"),
        "minutes": round((time.perf_counter() - clock) / 60, 2),
        "training_minutes": minutes,
        "target_recall": options.target_recall,
        "seed": options.seed,
        "data_hash": pack.data_hash,
        "split_hash": split.hash,
        "versions": versions(),
        "machine": machine(),
        "bundles": {bundle.name: str(bundle.folder) for bundle in bundles},
    }
    found = collect(
        bundles, pack, split, side, minutes=minutes, facts=facts, leakage=leakage, threads=options.threads
    )
    say(f"report: {write_results(results, found)}")
    return found


def collect(
    bundles: Sequence[Bundle],
    pack: Pack,
    split: Split,
    side: pd.Series,
    *,
    minutes: dict[str, float],
    facts: dict[str, Any],
    leakage: Leakage | None = None,
    threads: int = 0,
) -> RunResults:
    """Score bundles, and the floor of the first, on the validation and test sides.

    Args:
        bundles: at least one.
        pack: the patches.
        split: the split, for the record.
        side: side of each row of the pack.
        minutes: of training, by model.
        facts: of the run, for `run.json`.
        leakage: what the audit across sides found.
        threads: CPU threads; 0 for those this process may use.
    """
    scores = {bundle.name: score_model(bundle, pack, side, threads=threads or None) for bundle in bundles}
    floor = score_floor(bundles[0], pack, side)
    metrics = [each.metrics for each in scores.values()]
    results = RunResults(
        title=f"CancerNet on {pack.root.name or pack.root}",
        synthetic=pack.synthetic,
        patient_safe=split.patient_safe,
        metrics=[*metrics, floor.metrics],
        predictions={name: each.predictions for name, each in scores.items()} | {FLOOR: floor.predictions},
        histories={bundle.name: history for bundle in bundles if (history := _history(bundle)) is not None},
        minutes=minutes,
        notes=[*pack.warnings, *split.notes, *_random_notes(bundles), *_cross_notes(bundles)],
        data=_data(pack, split, side, leakage),
        run=facts,
        weights={bundle.name: bundle.manifest["weights_from"] for bundle in bundles},
        bands={bundle.name: bundle.bands for bundle in bundles},
        calibrations={bundle.name: bundle.calibration for bundle in bundles},
        below_floor=below_floor(metrics, floor.metrics),
    )
    return replace(results, mistakes=find_mistakes(results, bundles, pack, threads=threads or None))


def describe_leakage(leakage: Leakage, *, by_patient: bool = True) -> str:
    """Say in one line what the audit across the sides of a split, made by patient or not, found."""
    exact, near = len(leakage.exact), len(leakage.near)
    patients = (
        f"{len(leakage.patients_shared)} patients on two sides" if by_patient else "patients not kept apart"
    )
    return f"leak audit: {patients}, {exact} exact and {near} near duplicates across sides"


def _random_notes(bundles: Sequence[Bundle]) -> list[str]:
    return [
        f"{bundle.name} should start from ImageNet weights and started from {bundle.manifest['weights_from']}."
        for bundle in bundles
        if bundle.manifest["recipe"].get("pretrained") and "random" in bundle.manifest["weights_from"]
    ]


def _cross_notes(bundles: Sequence[Bundle]) -> list[str]:
    return [
        f"{bundle.name} learned from train and val patients alike; its thresholds come from {folds} folds of them, "
        "each predicted by a network that had not seen it."
        for bundle in bundles
        if (folds := bundle.manifest["recipe"].get("cross_fit"))
    ]


def _history(bundle: Bundle) -> pd.DataFrame | None:
    path = bundle.folder / "history.csv"
    if not path.exists():
        return None
    return pd.read_csv(path).dropna(
        axis="columns", how="all"
    )  # a cross-fit validates after training, not in it


def _data(pack: Pack, split: Split, side: pd.Series, leakage: Leakage | None) -> dict[str, Any]:
    table = pack.table.assign(split=side.to_numpy())
    sizes = {
        name: {
            "patients": count_patients(rows),
            "patches": len(rows),
            "malignant": int(rows["label"].sum()),
        }
        for name in SIDES
        if len(rows := table[table["split"] == name])
    }
    audit = {}
    if leakage is not None:
        audit = {
            "patients on two sides": len(leakage.patients_shared),
            "exact duplicates across sides": len(leakage.exact),
            "near duplicates across sides": len(leakage.near),
        }
    return {
        "path": str(pack.root),
        "layout": pack.layout,
        "n_patches": len(pack.table),
        "n_patients": count_patients(pack.table),
        "n_malignant": int(pack.table["label"].sum()),
        "data_hash": pack.data_hash,
        "quarantined": pack.quarantine,
        "split": {
            "name": split.name,
            "hash": split.hash,
            "seed": split.seed,
            "notes": list(split.notes),
            "sizes": sizes,
        },
        "leakage": audit,
    }
