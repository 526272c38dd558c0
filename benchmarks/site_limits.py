"""How far batches of patients of one site stray by chance, and what `cancernet site` makes of it.

python benchmarks/site_limits.py --data DIR --split CSV [--fields DIR]

Half A is half of the train and val patients of the split (`patient,split`), by a hash of their names; half B are the
others and the test patients. Usual numbers, colours and limits come from A: its patients are halved again and again,
one half the reference and batches of 20 from the other, so that no patient is held against himself. False alarms are
counted in batches of B, in which a patient may come twice, as if B were all there are; the interval draws B's patients
anew. Scores are those of patients held out, as the bundle keeps them; of test patients, those of the model. For speed
the distances of scores by chance are drawn once for batches of a size. Then: what is told where test patients are
changed, fields of other laboratories, and runs over time. Prints Markdown.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from cancernet.common.defaults import MPP, PATCH_SIZE
from cancernet.data.pack import Pack, default_cache_dir, pack
from cancernet.evaluation.verdicts import PASS, Check
from cancernet.model.colours import Colours, fit_colours
from cancernet.model.held_out import read_held_out
from cancernet.model.judge import BLANK, NO_STAIN, Judge, unseen_rows
from cancernet.model.model import Model, load_model
from cancernet.sites import checks, drift
from cancernet.sites.compare import MEASURED, compare, compare_with_itself
from cancernet.sites.gather import Gathered
from cancernet.sites.measures import MEASURES, UNSURE, Group, measure, summarise
from cancernet.sites.reference import ODDS, Reference, Spread, make_reference
from cancernet.sites.scores import Distance, apart, cumulative, distance
from cancernet.sites.shifts import colour_shift, shift_of
from cancernet.sites.standing import standing_out
from cancernet.sites.usual import POSITION, PUBLIC, of_model
from fields import FIELD_MPP, middle
from judge_limits import hue

BATCH = 20  # patients
HALVINGS, PER_HALVING = 100, 50  # of A, to set limits
BATCHES = 5000  # of B
RESAMPLES, PER_RESAMPLE = 200, 200  # of B's patients, for intervals
HISTORIES, RUNS = 1000, 12
SITE = 30  # patients of a site's own reference
PATCHES = 60  # of a test patient, changed
TAIL = 0.993  # 0.7 % of the batches a measure
Rng = np.random.Generator


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--fields", type=Path)
    options = parser.parse_args()
    data, model = pack(options.data, cache_dir=default_cache_dir()), load_model()
    side = pd.read_csv(options.split, dtype="str").set_index("patient")["split"].to_dict()
    patients = sorted(data.table["patient"].unique())
    half_a = [each for each in patients if side[each] != "test" and zlib.crc32(each.encode()) % 2 == 0]
    colours, within = learned(data, half_a)
    groups = dict(zip(patients, measured(data, model, colours, side), strict=True))
    a = [groups[each] for each in half_a]
    b = [groups[each] for each in patients if each not in half_a]
    rng = np.random.default_rng(1)
    usual = {name: replace_within(PUBLIC[name], within[name]) for name in PUBLIC}
    reference = made(a, colours, usual, within)
    print(f"{len(a)} patients in A, {len(b)} in B, {sum(side[each] == 'test' for each in patients)} of them test\n")
    constants(reference)
    limits(a, colours, usual, within, rng)
    alarms(b, reference, colours, rng)
    stand(b, reference)
    test = [each for each in patients if side[each] == "test"]
    told(data, model, test, rng)
    if options.fields:
        other_laboratories(options.fields, model)
    runs(a, b, colours, usual, within, rng)


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


def changes() -> dict[str, object]:
    """Return ways in which another laboratory or scanner may differ: uint8 (N, 50, 50, 3) to the same."""

    def each(change: object) -> object:
        return lambda images: np.stack([change(image) for image in images])  # type: ignore[operator]

    def brighter(by: int) -> object:
        return lambda images: np.clip(images.astype(int) + by, 0, 255).astype(np.uint8)

    half = PATCH_SIZE // 4
    made: dict[str, object] = {"as they are": lambda images: images}
    for sigma in (0.5, 0.7, 1.0):
        made[f"Gaussian blur of {sigma:g} px"] = each(lambda image, by=sigma: cv2.GaussianBlur(image, (0, 0), by))
    for by in (-20, -10, 10, 20, 40):
        made[f"{by:+d} grey levels"] = brighter(by)
    for degrees in (-20, -10, 10, 20):
        made[f"hue turned by {degrees} degrees"] = lambda images, by=degrees: hue(images, by)
    made["JPEG of quality 50"] = each(
        lambda image: cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], cv2.IMREAD_COLOR)
    )
    made["at twice the scale"] = each(
        lambda image: cv2.resize(image[half:-half, half:-half], (PATCH_SIZE, PATCH_SIZE), interpolation=cv2.INTER_CUBIC)
    )
    return made


def evenly(rows: np.ndarray) -> np.ndarray:
    """Return at most PATCHES of some rows, of both classes as they come."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(PATCHES, len(rows))).round().astype(int))]


def told(data: Pack, model: Model, test: list[str], rng: Rng) -> None:
    """Print what becomes of batches of test patients that were changed, against what the model learned from."""
    usual = of_model(model)
    print(f"\n| {len(test)} test patients, changed; 200 batches of {BATCH} | PASS | WARN | FAIL | told by |")
    print("| --- | --- | --- | --- | --- |")
    whose = data.table["patient"].to_numpy(object)
    rows = np.concatenate([evenly(np.flatnonzero(whose == patient)) for patient in test])
    images = np.ascontiguousarray(data.images[rows])
    for name, change in changes().items():
        gathered = Gathered(model)
        gathered.add(np.ascontiguousarray(change(images)), whose[rows].tolist())  # type: ignore[operator]
        groups = gathered.groups()
        quick = Quick(usual, model.colours, BATCH, PATCHES)
        seen = [quick.see([groups[i] for i in rng.choice(len(groups), BATCH, replace=False)]) for _ in range(200)]
        states = [checks.verdict(each) for each in seen]
        shares = " | ".join(f"{states.count(state) / len(states):.0%}" for state in (PASS, "WARN", "FAIL"))
        by = {c.name: np.mean([each[i].state != PASS for each in seen]) for i, c in enumerate(seen[0])}
        print(f"| {name} | {shares} | {', '.join(name for name, share in by.items() if share >= 0.5)} |", flush=True)


def other_laboratories(folder: Path, model: Model) -> None:
    """Print the verdict on fields of other laboratories, one patch each: all, and of each that has ten."""
    table = pd.read_csv(folder / "fields.csv")
    table = table[(table[["width_px", "height_px"]] * FIELD_MPP / MPP >= PATCH_SIZE).all(axis=1)]
    images = np.stack([middle(folder / name) for name in table["file"]])
    usual = of_model(model)
    print(
        "\n| fields of other laboratories | patients | verdict | checks that do not pass |\n| --- | --- | --- | --- |"
    )
    for site in ("all", *sorted(name for name, n in table["site"].value_counts().items() if n >= 5)):
        kept = np.ones(len(table), bool) if site == "all" else (table["site"] == site).to_numpy()
        gathered = Gathered(model)
        gathered.add(images[kept], table["case"][kept].tolist())
        groups = gathered.groups()
        found = compare(groups, usual, model.colours, what="patients")
        off = "; ".join(f"{c.name} {c.state}: {c.found}" for c in found.checks if c.state != PASS)
        print(f"| {site} | {len(groups)} | {found.verdict} | {off} |")


def runs(a: list[Group], b: list[Group], colours: Colours, usual: dict, within: dict, rng: Rng) -> None:
    """Print how often runs over time are called drift where nothing changed, and how soon a change is told."""
    print(
        f"\n| a site's own reference of {SITE} patients, then {RUNS} runs of {BATCH} of others | "
        f"a trend told in any run | in a run, by its own checks |\n| --- | --- | --- |"
    )
    for name, some in (("half A (sets the limit)", a), ("half B", b)):
        widths, single = [], []
        for _ in range(HISTORIES):
            widths.append(widest(history(some, colours, usual, within, rng)[0]))
        told_ = np.mean(np.array(widths) > 1)
        for _ in range(100):
            single += own_checks(some, colours, usual, within, rng)
        said = f"{told_:.1%}; 95 % stay within {drift.WIDTH * np.quantile(widths, 0.95):.2f} standard errors"
        print(f"| {name}, {HISTORIES:,} histories | {said} | {np.mean(single):.1%} |", flush=True)
    print("\n| half B, changed from the first run on | trend told within 12 runs | median run |\n| --- | --- | --- |")
    for measure_name, by in (("brightness", 0.5), ("brightness", 1.0), ("sharpness", -0.5), ("sharpness", -1.0)):
        first = []
        for _ in range(HISTORIES // 5):
            made_, _ = history(b, colours, usual, within, rng, move=(measure_name, by))
            _, smooth, most = drift.chart(made_, measure_name)
            over = np.flatnonzero(np.abs(smooth) > most)
            first.append(max(over[0] + 1, drift.FEWEST_RUNS) if len(over) else RUNS + 1)
        share = np.mean(np.array(first) <= RUNS)
        where = f"{np.median(first):.0f}" if np.median(first) <= RUNS else f"over {RUNS}"
        print(f"| {measure_name} {by:+g} spreads between patients | {share:.0%} | {where} |", flush=True)


def history(
    some: list[Group], colours: Colours, usual: dict, within: dict, rng: Rng, move: tuple[str, float] | None = None
) -> tuple[drift.History, Reference]:
    """Return a history of runs of some patients against others of them, moved by so many spreads."""
    order = rng.permutation(len(some))
    reference = made([some[i] for i in order[:SITE]], colours, usual, within)
    rest = [some[i] for i in order[SITE:]]
    if move:
        name, by = move
        step = by * usual[name].between
        rest = [replace(group, means={**group.means, name: group.means[name] + step}) for group in rest]
    batches = [[rest[i] for i in rng.integers(0, len(rest), BATCH)] for _ in range(RUNS)]
    made_ = tuple(drift.make_run(batch, reference, date="", verdict="") for batch in batches)
    return drift.History("", made_), reference


def widest(found: drift.History) -> float:
    """Return the farthest that any moving average went, from the second run on, as a share of its limit."""
    shares = []
    for name in drift.CHARTED:
        _, smooth, most = drift.chart(found, name)
        shares.append(np.max(np.abs(smooth[1:]) / most[1:]))
    return float(max(shares))


def own_checks(some: list[Group], colours: Colours, usual: dict, within: dict, rng: Rng) -> list[bool]:
    """Return whether runs of some patients pass the checks against a reference of others of them."""
    order = rng.permutation(len(some))
    reference = made([some[i] for i in order[:SITE]], colours, usual, within)
    rest = [some[i] for i in order[SITE:]]
    batches = [[rest[i] for i in rng.integers(0, len(rest), BATCH)] for _ in range(2)]
    return [compare_with_itself(batch, reference, colours, what="patients").verdict != PASS for batch in batches]


if __name__ == "__main__":
    main()
