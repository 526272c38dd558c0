"""The main job: check, pack, split, train every recipe, evaluate, report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cancernet.common.defaults import MAX_ALARMS
from cancernet.common.outlook import Outlook, following
from cancernet.common.output import Output
from cancernet.common.provenance import begin, minutes_since
from cancernet.common.text import printable
from cancernet.data.attributes import Groups, read_groups
from cancernet.data.layout import Labels
from cancernet.data.pack import Pack, default_cache_dir
from cancernet.data.sample import write_sample
from cancernet.data.sides import SIDES, Split, assign, count_patients, write_split
from cancernet.data.split import SplitChoice
from cancernet.evaluation.leakage import Leakage, audit_leakage
from cancernet.evaluation.prevalence import Restating
from cancernet.evaluation.results import FLOOR, RunResults
from cancernet.evaluation.score_parts import Seen
from cancernet.evaluation.scoring import Scores, below_floor, score_floor, score_model
from cancernet.experiment.checklists import fill_in_checklists
from cancernet.experiment.data import Say, describe_leakage, make_split, open_pack
from cancernet.experiment.doubts import find_doubts
from cancernet.experiment.mistakes import find_mistakes
from cancernet.experiment.quick import hasten, shorten
from cancernet.experiment.train import check_name, start_training, train_all, training_minutes
from cancernet.model.model import Model
from cancernet.model.recipe import Recipe
from cancernet.report.folder import NAMES, SPLIT, write_results
from cancernet.report.tables import unsure
from cancernet.training.costs import foretold, pass_cost, scoring_cost
from cancernet.training.held import kept_held
from cancernet.training.options import TrainingOptions
from cancernet.training.recipes import load_recipes, with_parents

# The sample is small: fewer leave the CNNs below its colour floor, more take over five minutes.
SAMPLE_EPOCHS = 10
SCORING = "scoring on val and test patients"  # a part of a run, beside its recipes


def run(
    data: Path | str | None = None,
    *,
    recipes: Sequence[str] = (),
    recipe_file: Path | None = None,
    models: Path | str | None = None,
    results: Path | str | None = None,
    labels: Labels | None = None,
    split: SplitChoice | Path | str = "grouped",
    options: TrainingOptions | None = None,
    quick: bool = False,
    by: str | None = None,
    cache: Path | None = None,
    say: Say = print,
) -> RunResults:
    """Check, pack, split, train every recipe, evaluate on the test patients and write a report. Needs TensorFlow.

    Stopped at any point and called again, it continues.

    Args:
        data: folder or zip of labelled patches; by default the synthetic sample, which is drawn.
        recipes: names; by default the five approaches.
        recipe_file: TOML file with recipes of the user's own.
        models: folder for the models; by default `models`, of a quick run `models-quick`.
        results: folder for the report; by default `results`, of a quick run `results-quick`.
        labels: what is to be said of classes and patients that folders and names do not; see `Labels`.
        split: `grouped`, `official`, the path of a CSV, or a `SplitChoice`.
        options: of training.
        quick: a first answer, of a share of each patient's patches and fewer epochs; all that is written says so.
        by: `CSV` or `CSV:COLUMN`, a table of patients whose columns group them; every model is then measured by group.
        cache: folder for packed patches and frozen features; by default the user's cache.
        say: where lines for the user go.

    Raises:
        UserError: as `train`; a place that cannot be written.
    """
    options, kind = options or TrainingOptions(), "-quick" if quick else ""
    models, results = Path(models or f"models{kind}"), Path(results or f"results{kind}")
    known = load_recipes(recipe_file)
    wanted = with_parents(recipes or [name for name, recipe in known.items() if recipe.in_run], known)
    wanted = hasten(wanted) if quick else wanted
    check_name(models)
    start_training(options.threads, say)
    from cancernet.training.pretrained import find_weights

    if any(recipe.pretrained for recipe in wanted):
        find_weights(options.weights)  # weights that are not to be had should stop a run here, not half-way
    facts = begin()
    cache = cache or default_cache_dir()
    if data is None:
        data = write_sample(cache / "sample")
        if not quick:
            options = replace(options, epochs=options.epochs or SAMPLE_EPOCHS)
    inputs = [Path(data)]
    with (
        Output(results, "run", inputs=inputs, names=NAMES) as out,
        Output(models, "train", inputs=inputs) as bundles,
        ExitStack() as stack,
    ):
        packed = open_pack(Path(data), cache, say, labels)
        made = make_split(packed, split, say)
        groups = read_groups(by, set(packed.table["patient"])) if by else None
        write_split(made, out.path(SPLIT))
        if quick:  # after the split, which is that of a whole run
            packed, left_out = shorten(packed, options.seed, epochs=options.epochs)
            options = replace(options, shortened=left_out)
            say(f"QUICK: {left_out}; a first look, not a result")
        side = assign(made, packed.table)
        leakage = audit_leakage(packed.images, packed.table, side)
        say(describe_leakage(leakage, by_patient=made.patient_safe))
        outlook = stack.enter_context(following(Outlook(_parts(wanted, packed, side, options))))
        trained = train_all(wanted, packed, made, models=bundles, cache=cache, options=options, say=say)
        minutes = {model.name: round(training_minutes(model), 2) for model in trained}
        facts |= {
            "minutes": minutes_since(facts["started"]),
            "training_minutes": minutes,
            "target_recall": options.target_recall,
            "seed": options.seed,
            "data_hash": packed.data_hash,
            "split_hash": made.hash,
            "bundles": {model.name: str(model.folder) for model in trained},
        }
        if quick:
            facts["quick"] = options.shortened
        with outlook.of(SCORING):
            found = collect(
                trained, packed, made, side, minutes=minutes, facts=facts, leakage=leakage, groups=groups, cache=cache
            )
        say(f"report: {write_results(out, found)}")
        return found


def collect(
    models: Sequence[Model],
    pack: Pack,
    split: Split,
    side: pd.Series,
    *,
    minutes: dict[str, float],
    facts: dict[str, Any],
    leakage: Leakage | None = None,
    alone: bool = False,
    restated: Restating | None = None,
    groups: Groups | None = None,
    cache: Path | None = None,
    seen: Seen | None = None,
) -> RunResults:
    """Score models, and the floor of the first, on the validation and test sides.

    Args:
        models: at least one.
        pack: the patches.
        split: the split, for the record.
        side: side of each row of the pack.
        minutes: of training, by model.
        facts: of the run, for `run.json`.
        leakage: what the audit across sides found.
        alone: judge each patch by itself.
        restated: probabilities of the one model there is, for another share of malignant patches.
        groups: that patients are in, to measure the models by.
        cache: where training has kept what the models said of a large val side; of models trained here only.
        seen: what other processes have made of the rows to score, where there is one model.
    """
    assert seen is None or len(models) == 1  # whose answers these are

    def score(model: Model) -> Scores:
        known = _known(model, side, cache) if cache else None
        return score_model(
            model,
            pack,
            side,
            alone=alone,
            restating=restated,
            by=groups.table if groups else None,
            cost=pass_cost(model.manifest.recipe),
            known=known,
            seen=seen,
        )

    scores = {model.name: score(model) for model in models}
    floor = score_floor(models[0], pack, side, alone=alone, seen=seen)
    metrics = [each.metrics for each in scores.values()]
    results = RunResults(
        title=f"CancerNet on {printable(pack.root.name or str(pack.root))}",
        synthetic=pack.synthetic,
        patient_safe=split.patient_safe,
        metrics=[*metrics, floor.metrics],
        predictions={name: each.predictions for name, each in scores.items()} | {FLOOR: floor.predictions},
        histories={
            model.name: pd.read_csv(path).dropna(axis="columns", how="all")  # a cross-fit validates after training
            for model in models
            if (path := model.folder / "history.csv").exists()
        },
        minutes=minutes,
        notes=[
            *pack.warnings,
            *split.notes,
            *(groups.notes if groups else ()),
            *_notes(models),
            *(note for each in scores.values() for note in each.notes),
            *_unsure(scores[models[0].name]),
        ],
        data=_data(pack, split, side, leakage),
        run=facts,
        weights={model.name: model.manifest.weights_from for model in models},
        bands={model.name: model.bands for model in models},
        calibrations={model.name: model.calibration.to_dict() for model in models},
        below_floor=below_floor(metrics, floor.metrics),
        shortened=next((model.shortened for model in models if model.shortened), ""),
    )
    return replace(
        results,
        mistakes=find_mistakes(results, models, pack),
        doubts=find_doubts(results, models, pack),
        checklists=fill_in_checklists(results, models),
    )


def _known(model: Model, side: pd.Series, cache: Path) -> np.ndarray | None:
    """Return what training has kept of a model's probabilities, float32 (N,), a row of the pack each; NaN elsewhere."""
    val = np.flatnonzero(side == "val")
    held = kept_held(cache, model, len(val))
    if held is None:
        return None
    known = np.full(len(side), np.nan, "float32")
    known[val] = held
    return known


def _parts(recipes: Sequence[Recipe], pack: Pack, side: pd.Series, options: TrainingOptions) -> dict[str, float]:
    """Return what each part of a run costs, as foretold: the recipes, and scoring them."""
    costs = foretold(recipes, pack.table, side, options)
    return costs | {SCORING: sum(scoring_cost(recipe, side) for recipe in recipes)}


def _notes(models: Sequence[Model]) -> Iterator[str]:
    for name, manifest in ((model.name, model.manifest) for model in models):
        if manifest.recipe.pretrained and "random" in manifest.weights_from:
            yield f"{name} should start from ImageNet weights and started from {manifest.weights_from}."
        if manifest.recipe.cross_fit:
            yield (
                f"{name} learned from train and val patients alike; its thresholds come from "
                f"{manifest.recipe.cross_fit} folds of them, each predicted by a network that had not seen it."
            )


def _unsure(scores: Scores) -> Iterator[str]:
    """Say what cannot be judged on the side that is reported, and of whom the stain is foreign."""
    side, numbers = next(iter(scores.metrics["splits"].items()))
    if said := unsure(numbers):
        yield f"{side}: {said}; in use they are unsure."
    for group, alarm in islice(scores.alarms.items(), MAX_ALARMS):
        yield f"{group}: {alarm}."
    if len(scores.alarms) > MAX_ALARMS:
        yield f"{len(scores.alarms) - MAX_ALARMS:,} more patients or folders have a foreign stain; see predictions.csv."


def _data(pack: Pack, split: Split, side: pd.Series, leakage: Leakage | None) -> dict[str, Any]:
    table = pack.table.assign(split=side.to_numpy())
    sizes = {
        name: {"patients": count_patients(rows), "patches": len(rows), "malignant": int(rows["label"].sum())}
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
