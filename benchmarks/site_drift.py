"""How often `cancernet site --reference` tells a drift where nothing changed, and how soon it tells a change.

python benchmarks/site_drift.py --data DIR --split CSV

The halves are those of `site_limits.py`. A site keeps a reference of some patients of a half; its runs are of others of
the same half, some of whom come in several runs, so that it is harder to be quiet than in a laboratory. Half A sets the
width of the chart's limits, half B is counted. A trend is looked for in every run from the second on. Prints Markdown.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from cancernet.data.pack import default_cache_dir, pack
from cancernet.evaluation.verdicts import PASS
from cancernet.model.colours import Colours
from cancernet.model.model import load_model
from cancernet.sites import drift
from cancernet.sites.compare import compare_with_itself
from cancernet.sites.measures import Group
from cancernet.sites.reference import Reference
from cancernet.sites.usual import PUBLIC
from site_limits import BATCH, Rng, halved, made, replace_within, sides

HISTORIES, RUNS = 1000, 12
SITE = 30  # patients of a site's own reference


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", type=Path, required=True)
    options = parser.parse_args()
    data = pack(options.data, cache_dir=default_cache_dir())
    halves = halved(data, load_model(), sides(options.split))
    usual = {name: replace_within(PUBLIC[name], halves.within[name]) for name in PUBLIC}
    runs(halves.a, halves.b, halves.colours, usual, halves.within, np.random.default_rng(1))


def runs(a: list[Group], b: list[Group], colours: Colours, usual: dict, within: dict, rng: Rng) -> None:
    """Print how often runs over time are called drift where nothing changed, and how soon a change is told."""
    print(
        f"| a site's own reference of {SITE} patients, then {RUNS} runs of {BATCH} of others | "
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
