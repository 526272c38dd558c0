"""How far batches of patients of one site stray by chance, and what `cancernet site` makes of it.

python benchmarks/site_limits.py --data DIR --split CSV

Half A is half of the train and val patients of the split (`patient,split`), by a hash of their names; half B are the
others and the test patients. Usual numbers, colours and limits come from A: its patients are halved again and again,
one half the reference and batches of 20 from the other, so that no patient is held against himself. False alarms are
counted in batches of B, in which a patient may come twice, as if B were all there are; the interval draws B's patients
anew. Scores are those of patients held out, as the bundle keeps them; of test patients, those of the model. For speed
the distances of scores by chance are drawn once for batches of a size. What is told of other sites: `site_changes.py`,
of drift: `site_drift.py`. Prints Markdown.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from cancernet.data.pack import Pack, default_cache_dir, pack
from cancernet.evaluation.verdicts import PASS, Check
from cancernet.model.colours import Colours, fit_colours
from cancernet.model.held_out import read_held_out
from cancernet.model.judge import BLANK, NO_STAIN, Judge, unseen_rows
from cancernet.model.model import Model, load_model
from cancernet.sites import checks
from cancernet.sites.compare import MEASURED
from cancernet.sites.measures import MEASURES, UNSURE, Group, measure, summarise
from cancernet.sites.reference import ODDS, Reference, Spread, make_reference
from cancernet.sites.scores import Distance, apart, cumulative, distance
from cancernet.sites.shifts import colour_shift, shift_of
from cancernet.sites.standing import standing_out
from cancernet.sites.usual import POSITION, PUBLIC

BATCH = 20  # patients
HALVINGS, PER_HALVING = 100, 50  # of A, to set limits
BATCHES = 5000  # of B
RESAMPLES, PER_RESAMPLE = 200, 200  # of B's patients, for intervals
TAIL = 0.993  # 0.7 % of the batches a measure
Rng = np.random.Generator


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", type=Path, required=True)
    options = parser.parse_args()
    data, model, side = pack(options.data, cache_dir=default_cache_dir()), load_model(), sides(options.split)
    halves = halved(data, model, side)
    a, b, colours, within = halves.a, halves.b, halves.colours, halves.within
    test = sorted(each for each in data.table["patient"].unique() if side[each] == "test")
    rng = np.random.default_rng(1)
    usual = {name: replace_within(PUBLIC[name], within[name]) for name in PUBLIC}
    reference = made(a, colours, usual, within)
    print(f"{len(a)} patients in A, {len(b)} in B, {len(test)} of them test\n")
    constants(reference)
    limits(a, colours, usual, within, rng)
    alarms(b, reference, colours, rng)
    stand(b, reference)


class Halves(NamedTuple):
    """The patients of either half, and what was learned of A: colours, and how far patches of a patient stray."""

    a: list[Group]
    b: list[Group]
    colours: Colours
    within: dict[str, float]


def sides(split: Path) -> dict[str, str]:
    """Return patient -> side of a split file."""
    found: dict[str, str] = pd.read_csv(split, dtype="str").set_index("patient")["split"].to_dict()
    return found


def halved(data: Pack, model: Model, side: dict[str, str]) -> Halves:
    """Return the halves, all patients measured by what was learned of A."""
    patients = sorted(data.table["patient"].unique())
    half_a = {each for each in patients if side[each] != "test" and zlib.crc32(each.encode()) % 2 == 0}
    colours, within = learned(data, sorted(half_a))
    groups = dict(zip(patients, measured(data, model, colours, side), strict=True))
    a, b = ([groups[each] for each in patients if (each in half_a) == first] for first in (True, False))
    return Halves(a, b, colours, within)


def replace_within(spread: Spread, within: float) -> Spread:
    """Return a spread with another part within patients."""
    return Spread(spread.mean, spread.between, within, spread.error)


def learned(data: Pack, patients: Sequence[str]) -> tuple[Colours, dict[str, float]]:
    """Return the colours of some patients' patches with tissue, and how far patches of one patient stray.

    The latter is a root mean square over patients, of each measure and, as "position", of the nine colour statistics.
    """
    rows = np.flatnonzero(data.table["patient"].isin(patients))
    whose = data.table["patient"].to_numpy(object)[rows]
    numbers = measure(data.images[rows])
    seen = unseen_rows(data.images, rows)
    there = ~np.isin(seen, (BLANK, NO_STAIN))
    colours = fit_colours(numbers.colours[there], whose[there])
    judged = np.array(Judge(colours).see(data.images[rows]), dtype=object) != ""
    bright = numbers.colours[:, :3].mean(axis=1)
    values = {"brightness": bright, "sharpness": numbers.sharpness, "tissue": numbers.tissue, "unsure": judged}
    found = {}
    for each in MEASURES:
        kept = there if each.tissue_only else np.ones(len(rows), bool)
        found[each.name] = spread_within(np.asarray(values[each.name], float)[kept, None], whose[kept])
    whitened = numbers.colours @ np.array(colours.whiten).T
    found["position"] = spread_within(whitened[there], whose[there])
    held = read_held_out(load_model())
    assert held is not None  # of the model that ships
    held = held[held["patient"].isin(patients)]
    found[ODDS] = spread_within(held["logit"].to_numpy()[:, None], held["patient"].to_numpy())
    return colours, found


def spread_within(values: np.ndarray, whose: np.ndarray) -> float:
    """Return the root mean square over columns of the pooled standard deviation within patients."""
    groups = pd.DataFrame(values).groupby(whose)
    centred = pd.DataFrame(values) - groups.transform("mean")
    return float(np.sqrt((centred**2).sum().mean() / (len(values) - len(groups))))


def measured(data: Pack, model: Model, colours: Colours, side: dict[str, str]) -> list[Group]:
    """Return all patients, by name; those of train and val with the scores of networks that never saw them."""
    held = read_held_out(model)
    assert held is not None
    scores = {str(patient): each.to_numpy(float) for patient, each in held.groupby("patient")["logit"]}
    found = []
    for patient, rows in sorted(data.table.groupby("patient").indices.items()):
        images = data.images[np.sort(rows)]
        judge = Judge(colours)
        seen = judge.see(images, [patient] * len(rows))
        test = side[patient] == "test"
        probability = model.predict(images) if test else np.full(len(rows), 0.5)
        settled = judge.settle(seen, [patient] * len(rows))
        group = summarise(patient, measure(images), probability, seen, settled, judge.stain(patient))
        found.append(group if test else replace(group, odds=scores[patient]))
    return found


def made(groups: Sequence[Group], colours: Colours, usual: dict[str, Spread], within: dict[str, float]) -> Reference:
    """Return a reference of some patients."""
    position = Spread(0.0, POSITION.between, within["position"], 0.0)
    return make_reference(groups, colours, usual, position, of="half A", graph_sha256="")


def constants(reference: Reference) -> None:
    """Print what `sites/usual.py` holds."""
    print("| usual of half A | mean | between patients | within | error of the mean |\n| --- | --- | --- | --- | --- |")
    for name, each in {**reference.measures, "position of colours": reference.position}.items():
        print(f"| {name} | {each.mean:.4g} | {each.between:.3g} | {each.within:.3g} | {each.error:.2g} |")


def limits(a: list[Group], colours: Colours, usual: dict, within: dict, rng: Rng) -> None:
    """Print how far batches of one half of A stray from the other half, which sets the limits."""
    strayed: dict[str, list[float]] = {}
    for _ in range(HALVINGS):
        order = rng.permutation(len(a))
        one, other = ([a[i] for i in part] for part in np.array_split(order, 2))
        reference = made(one, colours, usual, within)
        quick = Quick(reference, colours, BATCH, usual_scores(one))
        for _ in range(PER_HALVING):
            batch = [other[i] for i in rng.choice(len(other), BATCH, replace=False)]
            strayed.setdefault("scores", []).append(1 - quick.scores(batch).p)
            for name in (*MEASURED, UNSURE):
                shift = shift_of(batch, name, reference)
                assert shift is not None
                strayed.setdefault(name, []).append(shift.z if name == UNSURE else abs(shift.z))
            moved = colour_shift(batch, reference, colours)
            assert moved is not None
            strayed.setdefault("colours", []).append(moved.z)
    p = 1 - np.array(strayed.pop("scores"))
    now = {**{name: limit.chance for name, limit in checks.LIMITS.items()}, "colours": checks.COLOUR.chance}
    print(f"\n| batches of {BATCH} of A, errors of the mean | 95 % | {TAIL:.1%} | limit |\n| --- | --- | --- | --- |")
    for name, values in strayed.items():
        print(f"| {name} | {np.quantile(values, 0.95):.2f} | {np.quantile(values, TAIL):.2f} | {now[name]:g} |")
    print(
        f"| scores, p | {np.quantile(p, 0.05):.3f} | {np.quantile(p, 1 - TAIL):.3f} | {checks.SCORES_P:g} |", flush=True
    )


def usual_scores(groups: Sequence[Group]) -> int:
    """Return how many scores a patient has in the median."""
    return int(np.median([len(group.odds) for group in groups]))


class Quick:
    """The checks of `compare`, with the distances of scores by chance drawn once for batches of a size."""

    def __init__(self, reference: Reference, colours: Colours, n: int, sizes: int) -> None:
        self.reference, self.colours = reference, colours
        theirs = [np.array(each) for each in reference.scores]
        self.chance = distance([np.resize(theirs[0], sizes)] * n, theirs)
        self.lines: dict[int, np.ndarray] = {}

    def scores(self, batch: Sequence[Group]) -> Distance:
        """Return how the scores of a batch lie."""
        for group in batch:
            if id(group) not in self.lines:
                self.lines[id(group)] = cumulative(group.odds)
        ours = np.mean([self.lines[id(group)] for group in batch], axis=0)
        value = apart(ours, self.chance.reference)
        p = float((1 + np.sum(self.chance.usual >= value)) / (1 + len(self.chance.usual)))
        return Distance(value, self.chance.usual, p, ours, self.chance.reference)

    def see(self, batch: Sequence[Group]) -> list[Check]:
        """Return the checks of a batch but for its size."""
        what = "patients"
        return [
            checks.check_answers(batch, self.reference, what=what),
            checks.check_stain(batch, what=what),
            checks.check_colours(batch, self.reference, self.colours),
            *(checks.check_measure(batch, name, self.reference) for name in MEASURED),
            checks.check_scores(self.scores(batch), what=what),
        ]


def alarms(b: list[Group], reference: Reference, colours: Colours, rng: Rng) -> None:
    """Print how often batches of B are no PASS."""
    print("\n| batches of B | WARN or FAIL (95 % interval) | FAIL | by check |\n| --- | --- | --- | --- |")
    for n in (10, BATCH, 50):
        quick = Quick(reference, colours, n, usual_scores(b))
        some = BATCHES if n == BATCH else BATCHES // 5
        seen = [quick.see([b[i] for i in rng.integers(0, len(b), n)]) for _ in range(some)]
        rate = np.mean([checks.verdict(each) != PASS for each in seen])
        fails = np.mean([checks.verdict(each) == checks.FAIL for each in seen])
        by = {c.name: np.mean([each[i].state != PASS for each in seen]) for i, c in enumerate(seen[0])}
        drawn = []
        for _ in range(RESAMPLES if n == BATCH else 0):
            again = [b[i] for i in rng.integers(0, len(b), len(b))]
            one = [quick.see([again[i] for i in rng.integers(0, len(b), n)]) for _ in range(PER_RESAMPLE)]
            drawn.append(np.mean([checks.verdict(each) != PASS for each in one]))
        interval = f" ({np.quantile(drawn, 0.025):.1%} to {np.quantile(drawn, 0.975):.1%})" if drawn else ""
        parts = ", ".join(f"{name} {share:.1%}" for name, share in by.items())
        print(f"| {n} patients, {some:,} batches | {rate:.1%}{interval} | {fails:.1%} | {parts} |", flush=True)


def stand(b: list[Group], reference: Reference) -> None:
    """Print how many patients of B stand out."""
    odd = standing_out(b, reference)
    print(f"\nof the {len(b)} patients of B {len(odd)} stand out")


if __name__ == "__main__":
    main()
