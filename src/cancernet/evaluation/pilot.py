"""Patients that samples of patients are drawn from, to see what a sample of so many would tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cancernet.common.errors import UserError
from cancernet.evaluation.bootstrap import patient_names
from cancernet.evaluation.ranking import Floats, checked

FEWEST = 20  # patients with tumour; below, their spread is not known to a third of itself, and nothing can be foretold

Estimate = tuple[Floats, Floats]  # of each sample (S,), and what each patient adds to its error (S, P)
Statistic = Callable[[Floats], Estimate]


@dataclass(frozen=True)
class Pilot:
    """Scores of patients that a model did not learn from.

    Attributes:
        name: of the model.
        of: whose patches these are, in words.
        table: a row a patch: patient (str), label (0 or 1), probability.
        threshold: of the model, malignant at or above it.
    """

    name: str
    of: str
    table: pd.DataFrame
    threshold: float

    @cached_property
    def code(self) -> NDArray[np.int64]:
        """The patient of each patch, as its number in sorted order."""
        return np.unique(self.table["patient"].to_numpy(str), return_inverse=True)[1].astype(np.int64)

    @cached_property
    def malignant(self) -> Floats:
        """Malignant patches of each patient, (P,)."""
        return self._sum(self.label == 1)

    @cached_property
    def benign(self) -> Floats:
        """Benign patches of each patient, (P,)."""
        return self._sum(self.label == 0)

    @cached_property
    def label(self) -> NDArray[np.int64]:
        """Of each patch."""
        return self.table["label"].to_numpy(np.int64)

    @cached_property
    def probability(self) -> Floats:
        """Of each patch."""
        return self.table["probability"].to_numpy(np.float64)

    @property
    def n_patients(self) -> int:
        """How many patients there are."""
        return len(self.malignant)

    def recall(self, weight: Floats) -> Estimate:
        """Recall at the threshold in samples that hold each patient so often, (S, P)."""
        return _share(self._sum((self.label == 1) & (self.probability >= self.threshold)), self.malignant, weight)

    def specificity(self, weight: Floats) -> Estimate:
        """Specificity at the threshold in samples."""
        return _share(self._sum((self.label == 0) & (self.probability < self.threshold)), self.benign, weight)

    def auc(self, weight: Floats) -> Estimate:
        """Area under the ROC curve in samples, each patch placed among all patients' of the other class.

        Source: Obuchowski 1997, "Nonparametric analysis of clustered ROC curve data", Biometrics 53:567-578.
        """
        place, area = self._places
        above, below = (self._sum((self.label == kind) * (place - area)) for kind in (1, 0))
        with np.errstate(divide="ignore", invalid="ignore"):
            m, n = ((weight @ each)[:, None] for each in (self.malignant, self.benign))
            up, down = (weight @ above)[:, None] / m, (weight @ below)[:, None] / n
            adds = (above - up * self.malignant) / m + (below - down * self.benign) / n
        return area + (up + down)[:, 0], adds

    @cached_property
    def _places(self) -> tuple[Floats, float]:
        """Share of the other class that each patch is ranked rightly against, ties as halves; and the mean of it."""
        one, other = (np.sort(self.probability[self.label == kind]) for kind in (1, 0))
        place = np.empty(len(self.table))
        for kind, against, sign in ((1, other, 1), (0, one, -1)):
            mine = self.label == kind
            left, right = (np.searchsorted(against, self.probability[mine], side) for side in ("left", "right"))
            below = (left + right) / 2 / max(len(against), 1)
            place[mine] = below if sign == 1 else 1 - below
        return place, float(place[self.label == 1].mean())

    def _sum(self, column: NDArray) -> Floats:
        """Sum over the patches of each patient."""
        return np.bincount(self.code, column.astype(np.float64), int(self.code.max()) + 1).astype(np.float64)


def pilot(name: str, of: str, table: pd.DataFrame, threshold: float, *, patches: int = 0, seed: int = 1) -> Pilot:
    """Return scores as a pilot, or say what is wrong with them.

    Args:
        name: of the model.
        of: whose patches these are, in words.
        table: a row a patch: patient, label, probability.
        threshold: of the model.
        patches: at most so many of a patient, drawn at random; all with 0.
        seed: of that draw.

    Raises:
        UserError: patients unknown, or too few with tumour or without all of one class.
    """
    names = patient_names(table)
    if (names == "").any():
        raise UserError(f"{of}: {(names == '').sum()} patches have no patient, so how patients differ cannot be told")
    label, probability = checked(table["label"], table["probability"])
    rows = pd.DataFrame({"patient": names.to_numpy(), "label": label, "probability": probability})
    if patches:
        order = np.random.default_rng(seed).permutation(len(rows))
        rows = rows.iloc[np.sort(order[rows.iloc[order].groupby("patient").cumcount().to_numpy() < patches])]
        rows = rows.reset_index(drop=True)
    for kind, word in ((1, "malignant"), (0, "benign")):
        have = rows.loc[rows["label"] == kind, "patient"].nunique()
        if have < FEWEST:
            raise UserError(
                f"{of}: {have} patients with {word} patches, and at least {FEWEST} are needed to foretell what others "
                "will tell; plan from the model that ships, or from more patients"
            )
    return Pilot(name, of, rows, threshold)


def check_pair(first: Pilot, second: Pilot) -> None:
    """Refuse two pilots that are not of the same patches of the same patients.

    Raises:
        UserError: other patients, or other numbers of patches of one.
    """
    names = [np.unique(each.table["patient"].to_numpy(str)) for each in (first, second)]
    if list(names[0]) != list(names[1]):
        raise UserError(
            f"{first.of} and {second.of} are not the same patients, so the two models cannot be compared on them; take "
            "two models trained on one split, or two results on the same patches"
        )
    differ = (first.malignant != second.malignant) | (first.benign != second.benign)
    if differ.any():
        raise UserError(
            f"{first.of} and {second.of} hold other numbers of patches of patient {names[0][np.argmax(differ)]}: make "
            "them from the same data"
        )


def _share(counted: Floats, size: Floats, weight: Floats) -> Estimate:
    """Share of patches that count, in samples; a ratio of sums over patients (Cochran 1977, section 2.11)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        total = (weight @ size)[:, None]
        share = (weight @ counted)[:, None] / total
        return share[:, 0], (counted - share * size) / total
