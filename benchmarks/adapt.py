"""What adapting is worth: recall held on patients to come, its price, true intervals, and fields of other laboratories.

python benchmarks/adapt.py --fields external/tcga_fields

Pretended laboratories are samples of the patients held out of the model that ships. These are halved anew for each
draw: how alike patches of a patient are is taken from one half, and a laboratory is drawn from the other, so that
nothing is told on what it was fitted on: N patients without replacement, and recall and specificity on the rest.
Intervals are checked on samples with replacement, whose population is known. The fields are halved by case; each half
adapts a model for the other. Prints Markdown.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from cancernet.common.defaults import BOOTSTRAP_SAMPLES, MPP, PATCH_SIZE
from cancernet.common.errors import UserError
from cancernet.evaluation.adaptation import PLAIN, Chosen, Fitted, Rule, fit, fold_of, told_on
from cancernet.evaluation.bootstrap import interval, replicate
from cancernet.evaluation.closed_forms import likeness
from cancernet.evaluation.operating_points import recall_threshold
from cancernet.experiment.adapt import adapt, changes
from cancernet.model.decide import logit, sigmoid
from cancernet.model.held_out import read_held_out
from cancernet.model.model import Model, load_model
from fields import FIELD_MPP, middle

PARTS = ("held", "coverage", "fields")
SIZES = (10, 20, 40, 60)
DRAWS = 300
TARGET, SLACK = 0.95, 0.02
FIELD_TARGETS = (0.95, 0.9, 0.8)
COVERAGE_DRAWS, COVERAGE_SAMPLES = 300, 300
Way = Callable[[pd.DataFrame, float], Fitted]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--fields", type=Path, help="folder with fields.csv and the images it names")
    parser.add_argument("--only", action="append", choices=PARTS, help="measure this alone; repeatable")
    parser.add_argument("--draws", type=int, default=DRAWS)
    options = parser.parse_args()
    model = load_model()
    table = read_held_out(model)
    assert table is not None
    rows = table.assign(alone=table["logit"], path=[str(at) for at in range(len(table))])
    ways: dict[str, Way] = {
        "the target on the patients at hand (before)": plain,
        "assurance 0.9": lambda rows, rho: fit(rows, Rule(TARGET, 0.9, rho)),
        "assurance 0.95": lambda rows, rho: fit(rows, Rule(TARGET, 0.95, rho)),
        "guarantee 0.05": lambda rows, rho: fit(rows, Rule(TARGET, 0.9, rho, alpha=0.05)),
    }
    parts = options.only or PARTS
    if "held" in parts:
        held(ways, rows, model.threshold, options.draws)
    if "coverage" in parts:
        coverage(rows, likeness_of(rows, model.threshold), model.threshold, options.draws)
    if "fields" in parts and options.fields:
        for target in FIELD_TARGETS:
            fields(options.fields, model, target)


def likeness_of(rows: pd.DataFrame, threshold: float) -> float:
    """Return how alike the malignant patches of a patient are, as far as these patients tell."""
    mine = rows[rows["label"] == 1]
    return likeness(mine["patient"], mine["probability"] >= threshold)


def plain(rows: pd.DataFrame, _: float) -> Fitted:
    """Fit as thresholds were chosen before: the target recall on the patients at hand."""
    at = float(logit(recall_threshold(rows["label"], sigmoid(rows["among"].to_numpy()), TARGET)))
    return Fitted(at, 1.0, 0.0, Chosen(at, PLAIN), 1.0, 0.0, Chosen(at, PLAIN))


def held(ways: dict[str, Way], rows: pd.DataFrame, threshold: float, draws: int) -> None:
    """Print how often each way holds the recall on patients to come, and what it costs."""
    print(
        f"| threshold | N | P(recall >= {TARGET - SLACK:g}) | P(recall >= {TARGET:g}) | recall, mean | specificity, "
        "median (5 % to 95 %) | miss rate a patient, mean | without what was asked for |"
    )
    print("| --- | ---: |" + " --- |" * 6)
    halves = []
    for draw in range(draws):
        half = fold_of(rows, 2, seed=draw)
        halves.append((likeness_of(rows[half == 0], threshold), rows[half == 1]))
    for name, way in ways.items():
        for n in SIZES:
            found = []
            for draw, (rho, others) in enumerate(halves):
                chosen = np.random.default_rng([draw, n]).choice(others["patient"].unique(), n, replace=False)
                local = others["patient"].isin(chosen)
                try:
                    made = way(others[local], rho)
                except UserError:  # one class
                    continue
                found.append((*rates(made, others[~local]), (made.among or made.chosen).how == PLAIN))
            recall, specificity, miss, without = np.array(found).T
            low, half_way, high = np.quantile(specificity, [0.05, 0.5, 0.95])
            print(
                f"| {name} | {n} | {share(recall >= TARGET - SLACK)} | {share(recall >= TARGET)} | {recall.mean():.3f} "
                f"| {half_way:.3f} ({low:.3f} to {high:.3f}) | {miss.mean():.3f} | {without.mean():.0%} |",
                flush=True,
            )


def rates(made: Fitted, rows: pd.DataFrame) -> tuple[float, float, float]:
    """Return recall, specificity and the mean miss rate a patient on rows."""
    odds = made.with_surroundings(rows["among"].to_numpy())
    called, label = odds >= made.threshold, rows["label"].to_numpy() == 1
    missed = pd.Series(~called[label]).groupby(rows["patient"].to_numpy()[label]).mean()
    return float(called[label].mean()), float((~called[~label]).mean()), float(missed.mean())


def share(found: np.ndarray) -> str:
    """Return a share with its 95 % interval (Wilson 1927)."""
    n, p, z = len(found), float(np.mean(found)), 1.96
    centre, reach = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = ((centre + sign * reach) / (1 + z * z / n) for sign in (-1, 1))
    return f"{p:.3f} ({low:.3f}-{high:.3f})"


def coverage(rows: pd.DataFrame, rho: float, threshold: float, draws: int) -> None:
    """Print how often the intervals that are printed hold what they are of, on samples of a known population."""
    print("\n| interval of | N | holds (asked: 0.95) | half-width, median |\n| --- | ---: | --- | --- |")
    rule = Rule(TARGET, 0.9, rho)
    names, parts = rows["patient"].unique(), dict(list(rows.groupby("patient")))
    for n in SIZES[1:3]:
        found: dict[str, list[tuple[bool, float]]] = {}
        for draw in range(draws):
            chosen = np.random.default_rng([draw, n, 2]).choice(names, n)
            local = pd.concat(
                [
                    parts[name].assign(patient=f"{at}", path=f"{at}/" + parts[name]["path"])
                    for at, name in enumerate(chosen)
                ],
                ignore_index=True,
            )
            try:
                told = told_on(local, rule, seed=draw)
            except UserError:
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                change = changes(told, rule, threshold, draw, samples=COVERAGE_SAMPLES)
            recall, specificity, _ = rates(told.fitted, rows)
            before = replicate(
                rows.assign(probability=sigmoid(rows["among"].to_numpy())), {"own": threshold}, samples=0, seed=1
            )
            truth = {
                "recall after": (recall, change["recall"], "b"),
                "specificity after": (specificity, change["specificity"], "b"),
                "change of recall": (recall - before.value["recall@own"], change["recall"], ""),
                "change of specificity": (specificity - before.value["specificity@own"], change["specificity"], ""),
            }
            for name, (true, told_of, side) in truth.items():
                low, high = (told_of[f"{side}_{end}" if side else end] for end in ("low", "high"))
                if low is not None and high is not None:
                    found.setdefault(name, []).append((low <= true <= high, (high - low) / 2))
        for name, each in found.items():
            inside, width = np.array(each).T
            print(f"| {name} | {n} | {share(inside)} | {np.median(width):.3f} |", flush=True)


def fields(folder: Path, model: Model, target: float) -> None:
    """Print rates on fields of other laboratories, before and after adapting on the other half of them."""
    table = pd.read_csv(folder / "fields.csv")
    table = table[
        (table[["width_px", "height_px"]] * FIELD_MPP / MPP >= PATCH_SIZE).all(axis=1) & table["label"].notna()
    ]
    images = np.stack([middle(folder / name) for name in table["file"]])
    label = (table["label"] == "malignant").to_numpy().astype(int)
    half = np.array([zlib.crc32(case.encode()) % 2 for case in table["case"]])
    scored = np.full(len(table), np.nan)
    over = np.full(len(table), np.nan)
    for number in (0, 1):
        with tempfile.TemporaryDirectory() as work:
            data = Path(work) / "fields"
            for at in np.flatnonzero(half != number):
                place = data / table["case"].iloc[at] / str(label[at])
                place.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(place / f"{Path(table['file'].iloc[at]).stem}.png"), images[at][..., ::-1])
            places = {"out": Path(work) / "local", "cache": Path(work) / "cache"}
            made = adapt(data, model, **places, target_recall=target, say=lambda _: None)
            mine = half == number
            scored[mine] = made.model.predict(images[mine])
            over[mine] = logit(scored[mine]) - logit(made.model.threshold)
            print(f"\ntarget {target:g}, adapted on {sum(half != number)} fields: {'; '.join(made.warnings)}")
    rows = pd.DataFrame({"path": table["file"], "patient": table["case"], "label": label})
    draw = {"samples": BOOTSTRAP_SAMPLES, "seed": 1}
    before = replicate(rows.assign(probability=model.predict(images)), {"own": model.threshold}, **draw)
    after = replicate(rows.assign(probability=sigmoid(over)), {"own": 0.5}, **draw)
    print("\n| fields | before | after | difference (95 % interval over cases) |\n| --- | --- | --- | --- |")
    for name in ("recall@own", "specificity@own", "balanced_accuracy@own"):
        gap = interval(
            after.value[name] - before.value[name], after.resampled[name] - before.resampled[name], before.n_units
        )
        print(
            f"| {name.partition('@')[0]} | {before.value[name]:.3f} | {after.value[name]:.3f} | {gap.value:+.3f} "
            f"({gap.low:+.3f} to {gap.high:+.3f}) |"
        )


if __name__ == "__main__":
    main()
