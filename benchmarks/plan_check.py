"""Does `plan` say the truth? Its numbers against brute force, and its threshold on patients that chose nothing.

python benchmarks/plan_check.py [--model BUNDLE] [--results FOLDER] [--thresholds] [--purposes [--only PURPOSE...]]

Two parts, both by default, each on the patients held out of a model.

1. The numbers. For each purpose the number of patients that 90 % of samples need is sought again without any short
   cut of `plan`: every sample of patients goes through what a laboratory would run, the threshold through
   `assured_threshold` on its patches, intervals through the bootstrap by patient of `evaluate` and `compare` (AUC of
   each resample exactly, from who outranks whom among the patients). The share of samples that reach the
   purpose is fitted over numbers of patients around the one said.
2. The threshold. Patients are halved. How alike patches are (rho) is taken from one half, on which and on simulated
   patients the rule was chosen; of the other, samples stand for laboratories, and the patients left for those to come.
   Other ways to choose a threshold are beside it. With --results the same for the test patients of a folder that
   `evaluate` left, with rho of all patients held out.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import curve_fit

from cancernet.evaluation.assured import assured_threshold
from cancernet.evaluation.bootstrap import interval, multiplicities
from cancernet.evaluation.closed_forms import likeness
from cancernet.evaluation.operating_points import recall_threshold
from cancernet.evaluation.pilot import Pilot
from cancernet.evaluation.plan import Plan, PlanOptions, plan
from cancernet.evaluation.thresholds_ahead import ThresholdsAhead
from cancernet.experiment.plan import of_model, of_results
from cancernet.model.model import load_model

AROUND = (0.65, 0.8, 0.9, 1.0, 1.12, 1.3)  # times the number of patients said
BRUTE = 800  # samples at each; the number of patients of which 90 % reach a purpose is then known to 2 to 4 %
RESAMPLES = 600  # of the bootstrap in each; its interval's width is then known to 3 %
SITES = 1000  # samples that stand for laboratories
TARGET, ASSURANCE, SLACK = 0.95, 0.9, 0.02
HALVES_SEED = 7
Reached = Callable[[np.ndarray, int], bool]  # from numbers of patients drawn, and a seed


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", type=Path, help="folder; by default the one that ships")
    parser.add_argument("--purposes", action="store_true", help="only the numbers")
    parser.add_argument("--only", nargs="+", default=[], metavar="PURPOSE", help="such as auc_width: only its numbers")
    parser.add_argument("--results", type=Path, help="folder of `evaluate`")
    parser.add_argument("--thresholds", action="store_true", help="only the threshold")
    options = parser.parse_args()
    first, floor = of_model(load_model(options.model), 0, 1)
    if not options.thresholds:
        numbers(first, floor, options.only)
    if not options.purposes:
        every = np.random.default_rng(HALVES_SEED).permutation(first.n_patients)
        half = len(every) // 2
        thresholds(first, every[half:], alike(first, every[:half]), (10, 20, 40))
        if options.results:
            new, _ = of_results(options.results, "test", 0, 1)
            thresholds(new, np.arange(new.n_patients), alike(first, every), (10, 20))


def numbers(first: Pilot, floor: Pilot, only: list[str]) -> None:
    """Print what `plan` says of each purpose and what brute force finds."""
    asks = (PlanOptions(), PlanOptions(half_width=0.08, loss=0.15, difference=0.03))
    print("| purpose | asked | plan | brute force | apart |\n| --- | --- | --- | --- | --- |")
    for ask in asks:
        said = plan(first, floor, ask)
        for key, reached in purposes(first, floor, said).items():
            if only and key not in only:
                continue
            n = said[key].patients
            found = sought(reached, n, first.n_patients)
            print(
                f"| {key.replace('_', ' ')} | {said[key].purpose.what} | {n} | {found:.0f} | {n / found - 1:+.0%} |",
                flush=True,
            )


def purposes(first: Pilot, floor: Pilot, said: Plan) -> dict[str, Reached]:
    """Return, for each purpose, whether a sample of patients reaches it, by what a laboratory would run."""
    ask = said.ask
    rho = ThresholdsAhead(first, target=ask.target_recall, assurance=ask.assurance).rho
    benign = first.probability[first.label == 0]
    ideal = (benign < recall_threshold(first.label, first.probability, ask.target_recall)).mean()
    sums = {pilot.name: Sums(pilot) for pilot in (first, floor)}

    def threshold(drawn: np.ndarray) -> float:
        rows = sample(first, drawn)
        choice = {"target": ask.target_recall, "assurance": ask.assurance, "rho": rho}
        return assured_threshold(rows["patient"], rows["label"], rows["probability"], **choice).threshold

    def cheap(drawn: np.ndarray, _: int) -> bool:
        at = threshold(drawn)
        return bool(np.isfinite(at)) and ideal - (benign < at).mean() <= ask.loss

    def narrow(metric: str) -> Reached:
        def reached(drawn: np.ndarray, seed: int) -> bool:
            once, often = resamples(drawn, first.n_patients, seed)
            of = getattr(sums[first.name], metric)
            found = interval(of(once)[0], of(often), len(drawn), ask.confidence)
            return (found.high - found.low) / 2 <= ask.half_width and found.high > found.low

        return reached

    def apart(metric: str) -> Reached:
        def reached(drawn: np.ndarray, seed: int) -> bool:
            once, often = resamples(drawn, first.n_patients, seed)
            better, less = (getattr(sums[pilot.name], metric) for pilot in (first, floor))
            return (
                interval(better(once)[0] - less(once)[0], better(often) - less(often), len(drawn), ask.confidence).low
                > 0
            )

        return reached

    found: dict[str, Reached] = {
        "threshold": lambda drawn, _: bool(np.isfinite(threshold(drawn))),
        "threshold_cost": cheap,
        "recall_width": narrow("recall"),
        "specificity_width": narrow("specificity"),
        "auc_width": narrow("auc"),
    }
    if ask.difference is None:  # one supposed is a shift of what is seen, and no patches have it
        found |= {"auc_difference": apart("auc"), "specificity_difference": apart("specificity")}
    return found


class Sums:
    """What recall, specificity and AUC of any sample of a pilot's patients are made of, exactly."""

    def __init__(self, pilot: Pilot) -> None:
        n, called = pilot.n_patients, pilot.probability >= pilot.threshold
        self.malignant, self.benign = pilot.malignant, pilot.benign
        self.found = np.bincount(pilot.code, called & (pilot.label == 1), n)
        self.cleared = np.bincount(pilot.code, ~called & (pilot.label == 0), n)
        self.wins = np.zeros((n, n))  # malignant patches of one patient above benign ones of another, ties as halves
        ones = pilot.label == 1
        for other in range(n):
            against = np.sort(pilot.probability[(pilot.code == other) & ~ones])
            left, right = (np.searchsorted(against, pilot.probability[ones], side) for side in ("left", "right"))
            self.wins[:, other] = np.bincount(pilot.code[ones], (left + right) / 2, n)

    def recall(self, weight: np.ndarray) -> np.ndarray:
        """Return the recall of samples (S, P)."""
        return weight @ self.found / (weight @ self.malignant)

    def specificity(self, weight: np.ndarray) -> np.ndarray:
        """Return the specificity of samples (S, P)."""
        return weight @ self.cleared / (weight @ self.benign)

    def auc(self, weight: np.ndarray) -> np.ndarray:
        """Return the AUC of samples (S, P)."""
        return ((weight @ self.wins) * weight).sum(axis=1) / (weight @ self.malignant) / (weight @ self.benign)


def resamples(drawn: np.ndarray, n_pilot: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a sample (1, P) and resamples of its patients (B, P), as how often each patient is in it."""
    [[often]] = [list(multiplicities(len(drawn), RESAMPLES, seed, RESAMPLES))]
    of = np.zeros((len(drawn), n_pilot))
    of[np.arange(len(drawn)), drawn] = 1
    return of.sum(axis=0, keepdims=True), often @ of


def sample(pilot: Pilot, drawn: np.ndarray) -> pd.DataFrame:
    """Return the patches of patients drawn, those drawn twice as two patients."""
    order = np.argsort(pilot.code, kind="stable")
    size = np.bincount(pilot.code)
    begin = np.cumsum(size) - size
    rows = np.concatenate([order[begin[each] : begin[each] + size[each]] for each in drawn])
    copy = np.repeat(np.arange(len(drawn)), size[drawn])
    table = pilot.table.iloc[rows].reset_index(drop=True)
    return table.assign(patient=copy.astype(str), path=np.arange(len(rows)).astype(str))


def sought(reached: Reached, said: int, n_pilot: int) -> float:
    """Return the number of patients of which 90 % of samples reach a purpose, fitted over numbers around one said."""
    tried = sorted({max(4, round(said * each)) for each in AROUND})
    shares = []
    for n in tried:
        generator = np.random.default_rng((99, n))  # other draws than those of `plan`
        shares.append(np.mean([reached(generator.integers(n_pilot, size=n), each) for each in range(BRUTE)]))

    def model(log_n: np.ndarray, centre: float, slope: float) -> np.ndarray:
        return 1 / (1 + np.exp(-slope * (log_n - centre)))

    spread = np.sqrt(np.maximum(np.array(shares) * (1 - np.array(shares)), 0.01) / BRUTE)
    (centre, slope), _ = curve_fit(
        model, np.log(tried), shares, p0=(np.log(said / 1.5), 3), sigma=spread, maxfev=20_000
    )
    return float(np.exp(centre + np.log(ASSURANCE / (1 - ASSURANCE)) / slope))


def alike(pilot: Pilot, patients: np.ndarray) -> float:
    """Return rho of some patients, at the threshold of the target recall on them."""
    there = np.isin(pilot.code, patients) & (pilot.label == 1)
    at = recall_threshold(pilot.label[there], pilot.probability[there], TARGET)
    return likeness(pilot.code[there], pilot.probability[there] >= at)


def thresholds(pilot: Pilot, sites: np.ndarray, rho: float, local: tuple[int, ...]) -> None:
    """Print what ways to choose a threshold hold and cost, of samples of patients that chose nothing."""
    here = np.isin(pilot.code, sites)
    label, score = pilot.label[here], pilot.probability[here]
    best = (score[label == 0] < recall_threshold(label, score, TARGET)).mean()
    print(f"\nSamples of {len(sites)} patients ({pilot.of}); rho {rho:.4f}; one who knows all of them would have a")
    print(f"specificity of {best:.3f}.\n")
    print("| patients | threshold | none given | recall at least 0.95 | at least 0.93 | specificity |")
    print("| --- | --- | --- | --- | --- | --- |")
    by_patient = {each: np.flatnonzero(pilot.code == each) for each in sites}
    for n in local:
        rows: dict[str, list[tuple[float, float]]] = {}
        generator = np.random.default_rng(n)
        for _ in range(SITES):
            drawn = generator.choice(sites, n, replace=False)
            mine = np.concatenate([by_patient[each] for each in drawn])
            left = np.concatenate([by_patient[each] for each in np.setdiff1d(sites, drawn)])
            label, score = pilot.label[left], pilot.probability[left]
            for name, rule in RULES.items():
                chosen = rule(pilot.code[mine], pilot.label[mine], pilot.probability[mine], rho)
                found = ((score[label == 1] >= chosen).mean(), (score[label == 0] < chosen).mean())
                rows.setdefault(name, []).append(found if np.isfinite(chosen) else (np.nan, np.nan))
        for name, found in rows.items():
            recall, cleared = np.array(found).T
            given = np.isfinite(recall)
            shares = [(recall[given] >= least).mean() for least in (TARGET, TARGET - SLACK)]
            told = (f"{share:.3f}" for share in (*shares, cleared[given].mean()))
            print(f"| {n} | {name} | {1 - given.mean():.1%} | {' | '.join(told)} |", flush=True)


def assured(patient: np.ndarray, label: np.ndarray, score: np.ndarray, rho: float) -> float:
    """Return the threshold that ships."""
    return assured_threshold(patient, label, score, target=TARGET, assurance=ASSURANCE, rho=rho).threshold


def plain(_: np.ndarray, label: np.ndarray, score: np.ndarray, __: float) -> float:
    """Return the threshold that has the target on the patients at hand."""
    return recall_threshold(label, score, TARGET)


def resampled(patient: np.ndarray, label: np.ndarray, score: np.ndarray, _: float) -> float:
    """Return the largest threshold at which 90 % of resamples of the patients have the target."""
    malignant = label == 1
    code = np.unique(patient[malignant], return_inverse=True)[1]
    scores = score[malignant]
    order = np.argsort(scores)
    weight = np.random.default_rng(1).multinomial(
        code.max() + 1, np.full(code.max() + 1, 1 / (code.max() + 1)), size=400
    )
    spread = weight[:, code[order]].astype(float)
    missed = np.cumsum(spread, axis=1) - spread
    recall = 1 - missed / spread.sum(axis=1, keepdims=True)
    holds = (recall >= TARGET).mean(axis=0) >= ASSURANCE
    return float(scores[order][np.flatnonzero(holds)[-1]])


RULES = {"target reached at hand": plain, "patients resampled": resampled, "with assurance (ships)": assured}


if __name__ == "__main__":
    main()
