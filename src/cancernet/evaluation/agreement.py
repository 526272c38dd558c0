"""How far two raters of patches agree beyond chance: Cohen's kappa, and its interval by resampling patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cancernet.common import defaults
from cancernet.evaluation.bootstrap import CHUNK_CELLS, Interval, interval
from cancernet.evaluation.ranking import Floats, finite, ratio

MIN_PATCHES = 20  # called by both; one more that they differ on moves kappa by about 0.1
MIN_PATIENTS = 8  # as in `training.fit_context`: with fewer, one section decides
RULE = (
    "Kappa (Cohen 1960) is over patches that both call benign or malignant; those that either leaves unsure are "
    f"counted and left out. Intervals ({defaults.CONFIDENCE:.0%}) resample patients; all patches whose patient is "
    f"unknown count as one. At least {MIN_PATCHES} patches of {MIN_PATIENTS} patients are needed."
)


@dataclass(frozen=True)
class Agreement:
    """How two raters agree.

    Attributes:
        patches: that both call benign or malignant.
        patients: of these, as far as they are known.
        unsure: patches left out, since one of them or both leave them unsure.
        agreement: share of `patches` on which they say the same; NaN without any.
        kappa: with its interval; NaN where there are too few, or it is not defined.
        reason: why kappa is not given; "" where it is.
    """

    patches: int
    patients: int
    unsure: int
    agreement: float
    kappa: Interval
    reason: str

    def to_dict(self) -> dict[str, int | float | str | None]:
        """All of it as plain JSON, kappa as `kappa`, `low` and `high`; None where undefined."""
        kappa = self.kappa.to_dict()
        return {
            "patches": self.patches,
            "patients": self.patients,
            "unsure": self.unsure,
            "agreement": finite(self.agreement),
            "kappa": kappa["value"],
            "low": kappa["low"],
            "high": kappa["high"],
            "reason": self.reason,
        }


def kappa(both_benign: ArrayLike, benign: ArrayLike, malignant: ArrayLike, both_malignant: ArrayLike) -> Floats:
    """Cohen's kappa from the four cells of two raters' table (numbers or equal arrays); NaN where undefined.

    Args:
        both_benign: patches that both call benign.
        benign: that the first calls benign and the second malignant.
        malignant: that the first calls malignant and the second benign.
        both_malignant: that both call malignant.

    Source: Cohen 1960, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20.

    Example:
        >>> round(float(kappa(20, 5, 10, 15)), 3)
        0.4
    """
    bb, bm, mb, mm = (np.asarray(cell, np.float64) for cell in (both_benign, benign, malignant, both_malignant))
    patches = bb + bm + mb + mm
    observed = ratio(bb + mm, patches)
    chance = ratio((bb + bm) * (bb + mb) + (mb + mm) * (bm + mm), patches**2)
    return ratio(observed - chance, 1 - chance)


def agree(
    first: Sequence[str],
    second: Sequence[str],
    patients: Sequence[str],
    counts: Sequence[int] | None = None,
    *,
    samples: int = defaults.BOOTSTRAP_SAMPLES,
    seed: int = defaults.SEED,
    confidence: float = defaults.CONFIDENCE,
) -> Agreement:
    """Return how two raters of the same patches agree.

    Args:
        first: (N,) what the first says of each patch: "benign", "malignant" or "unsure".
        second: (N,) likewise.
        patients: (N,) whose the patch is, "" where unknown. Such may all be of one patient, and count as one: each as
            its own would make the interval too narrow.
        counts: (N,) how many patches each entry stands for; by default one.
        samples: resamples of the patients.
        seed: of the draw.
        confidence: coverage wanted, such as 0.95.

    Raises:
        ValueError: lists of different lengths, or a word that is none of the three.

    Source: cluster bootstrap, Field & Welsh 2007; interval ends see `bootstrap.interval`.
    """
    codes = [_codes(first), _codes(second)]
    weight = np.ones(len(first), np.int64) if counts is None else np.asarray(counts, np.int64)
    if not codes[0].size == codes[1].size == len(patients) == weight.size:
        raise ValueError(f"{len(first)}, {len(second)} and {len(patients)} words must be of the same patches")
    called = (codes[0] >= 0) & (codes[1] >= 0)
    names, unit = np.unique(np.asarray(patients, object)[called].astype(str), return_inverse=True)
    cell = 2 * codes[0][called] + codes[1][called]
    table = np.bincount(4 * unit + cell, weight[called], minlength=4 * names.size).reshape(-1, 4).astype(np.float64)
    cells, known = table.sum(axis=0), int((names != "").sum())
    patches, value = int(cells.sum()), float(kappa(*cells))
    reason = _reason(patches, known, value)
    found = Interval(float("nan"), float("nan"), float("nan"))
    if not reason:
        found = interval(value, _resampled(table, samples, seed), len(table), confidence)
    share = float(ratio(cells[0] + cells[3], patches))
    return Agreement(patches, known, int(weight[~called].sum()), share, found, reason)


def _codes(words: Sequence[str]) -> np.ndarray:
    known = {**{name: label for label, name in enumerate(defaults.CLASS_NAMES)}, "unsure": -1}
    if other := set(words) - known.keys():
        raise ValueError(f"{sorted(other)[0]!r} is neither benign, malignant nor unsure")
    return np.array([known[word] for word in words], np.int64)


def _reason(patches: int, patients: int, value: float) -> str:
    if patches < MIN_PATCHES:
        return f"too few: {patches} patches that both call, of {MIN_PATCHES} needed"
    if patients < MIN_PATIENTS:
        return f"too few: {patients} known patients, of {MIN_PATIENTS} needed"
    if not np.isfinite(value):
        return "not defined: both call all patches the same"
    return ""


def _resampled(table: Floats, samples: int, seed: int) -> Floats:
    """Kappa (samples,) on resamples of the rows of a table (patients, 4).

    Patients with the same four counts stand for each other, so it is drawn how many there are of each kind.
    """
    kinds, counts = np.unique(table, axis=0, return_counts=True)
    generator = np.random.default_rng(seed)
    chunk, found = max(1, CHUNK_CELLS // len(kinds)), []
    for start in range(0, samples, chunk):
        drawn = generator.multinomial(len(table), counts / len(table), size=min(chunk, samples - start))
        found.append(kappa(*(drawn @ kinds).T))
    return np.concatenate(found)
