"""How a model does in each group of patients, and how far the groups lie apart.

Some two groups always lie furthest apart. So beside the gap between those two, with its interval, stands how often
a gap as large comes about where patients are dealt to groups of these sizes at random.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from cancernet.common import defaults
from cancernet.data.attributes import UNKNOWN
from cancernet.evaluation.bootstrap import (
    PLAIN_METRICS,
    Replicates,
    interval,
    intervals,
    patient_names,
    replicate,
    units,
    weigh,
)
from cancernet.evaluation.metrics import RATES
from cancernet.evaluation.ranking import Floats

LEAST_PATIENTS = 10  # of a group whose metrics are given: resampling fewer says little of others of their kind
DEALS = 500  # of patients to groups at random: a share of 5 % is then known to about 1 %
POINT = "at"  # the one threshold there is
METRICS = (*PLAIN_METRICS, *(f"{rate}@{POINT}" for rate in RATES))


def subgroups(
    predictions: pd.DataFrame,
    groups: pd.DataFrame,
    threshold: float,
    *,
    samples: int = defaults.BOOTSTRAP_SAMPLES,
    deals: int = DEALS,
    seed: int = defaults.SEED,
) -> dict[str, Any]:
    """Measure a model by group, for every column of a table of patients.

    Args:
        predictions: columns path, patient, label, probability; one row a patch.
        groups: a row a patient, indexed by patient; a column a way to group them, `UNKNOWN` where not known.
        threshold: malignant at or above it.
        samples: resamples of the patients.
        deals: of patients to groups at random.
        seed: of both.

    Returns:
        column -> {"least_patients", "groups", "gaps", "without"}. `groups` is a list in the order of names of {"group",
        "n_patients", "n_patches", "n_malignant", "too_few", "metrics"}, metrics a {"value", "low", "high"} each, empty
        of a group with too few patients. `gaps` has for each metric the largest gap between two of the other groups,
        {"value", "low", "high", "highest", "lowest", "by_chance"}: `by_chance` is the share of deals that come to as
        much. `without` counts patients and patches in no group.

    Raises:
        ValueError: labels or scores that make no sense.
    """
    patient = patient_names(predictions)
    found = {}
    for column in groups:
        group = patient.map(groups[column]).fillna(UNKNOWN)
        found[str(column)] = _of_column(predictions, group, threshold, samples=samples, deals=deals, seed=seed)
    return found


def _of_column(
    predictions: pd.DataFrame, group: pd.Series, threshold: float, *, samples: int, deals: int, seed: int
) -> dict[str, Any]:
    at = {POINT: threshold}
    listed, drawn = [], {}
    for number, (name, rows) in enumerate(_parts(predictions, group)):
        n_patients = patient_names(rows).nunique()
        few = n_patients < LEAST_PATIENTS
        if not few:  # another seed for each, or the patients of two groups would be drawn alike
            drawn[name] = replicate(rows, at, samples=samples, seed=seed + number)
        listed.append(
            {
                "group": name,
                "n_patients": int(n_patients),
                "n_patches": len(rows),
                "n_malignant": int(rows["label"].sum()),
                "too_few": few,
                "metrics": {} if few else {_plain(key): v.to_dict() for key, v in intervals(drawn[name]).items()},
            }
        )
    without = predictions[group == UNKNOWN]
    names = patient_names(without)
    return {
        "least_patients": LEAST_PATIENTS,
        "groups": listed,
        "gaps": _gaps(predictions[group.isin(list(drawn))], group, drawn, at, deals=deals, seed=seed),
        "without": {"n_patients": int(names[names != ""].nunique()), "n_patches": len(without)},
    }


def _parts(predictions: pd.DataFrame, group: pd.Series) -> Iterator[tuple[str, pd.DataFrame]]:
    for name in sorted(set(group) - {UNKNOWN}):
        yield name, predictions[group == name]


def _gaps(
    predictions: pd.DataFrame,
    group: pd.Series,
    drawn: Mapping[str, Replicates],
    at: Mapping[str, float],
    *,
    deals: int,
    seed: int,
) -> dict[str, Any]:
    """The largest gap of each metric between two groups; nothing where there are not two with enough patients."""
    if len(drawn) < 2:
        return {}
    dealt = _dealt(predictions, group, at, deals, seed)
    gaps = {}
    for key in METRICS:
        values = {name: each.value[key] for name, each in drawn.items() if np.isfinite(each.value[key])}
        if len(values) < 2:
            continue
        high, low = max(values, key=lambda name: values[name]), min(values, key=lambda name: values[name])
        gap = values[high] - values[low]
        resampled = drawn[high].resampled[key] - drawn[low].resampled[key]
        as_large = np.count_nonzero(dealt[key] >= gap - 1e-12)
        gaps[_plain(key)] = {
            **interval(gap, resampled, min(drawn[high].n_units, drawn[low].n_units), corrected=key != "ece").to_dict(),
            "highest": high,
            "lowest": low,
            "by_chance": (1 + as_large) / (1 + deals),  # the groups as they are count as one deal
        }
    return gaps


def _dealt(
    predictions: pd.DataFrame, group: pd.Series, at: Mapping[str, float], deals: int, seed: int
) -> dict[str, Floats]:
    """The largest gap (deals,) of each metric with patients dealt at random to groups of the sizes that there are."""
    unit, n_units = units(predictions)
    of_unit = np.empty(n_units, object)
    of_unit[unit] = group.loc[predictions.index].to_numpy()
    codes = np.unique(of_unit.astype(str), return_inverse=True)[1]
    n_groups = codes.max() + 1
    weighed = weigh(predictions, at)
    generator = np.random.default_rng(seed)
    found: dict[str, list[Floats]] = {key: [] for key in METRICS}
    once = max(1, weighed.chunk // n_groups)
    for start in range(0, deals, once):
        n = min(once, deals - start)
        mixed = generator.permuted(np.tile(codes, (n, 1)), axis=1)
        weights = (mixed[:, None, :] == np.arange(n_groups)[None, :, None]).reshape(n * n_groups, n_units)
        statistics = weighed.statistics(weights.astype(np.float64))
        for key in METRICS:
            of_groups = statistics[key].reshape(n, n_groups)
            defined = np.isfinite(of_groups)
            top, bottom = (np.where(defined, of_groups, end) for end in (-np.inf, np.inf))
            found[key].append(np.where(defined.any(axis=1), top.max(axis=1) - bottom.min(axis=1), 0.0))
    return {key: np.concatenate(parts) for key, parts in found.items()}


def _plain(key: str) -> str:
    return key.removesuffix(f"@{POINT}")
