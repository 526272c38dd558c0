"""What becomes of the threshold with assurance that a sample of patients gives: whether it holds, and what it costs."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from cancernet.evaluation.assured import Ranked, enough, rank, search
from cancernet.evaluation.closed_forms import likeness
from cancernet.evaluation.operating_points import recall_threshold
from cancernet.evaluation.pilot import Pilot
from cancernet.evaluation.ranking import Floats


class ThresholdsAhead:
    """Thresholds by `evaluation.assured` of samples of a pilot's patients, judged on all of these."""

    def __init__(self, pilot: Pilot, *, target: float, assurance: float) -> None:
        """Take what samples are drawn from.

        Args:
            pilot: patients at hand.
            target: recall.
            assurance: of the rule.
        """
        self.pilot, self.target, self.assurance = pilot, target, assurance
        self.ideal = recall_threshold(pilot.label, pilot.probability, target)  # of one who knows all patients

    @cached_property
    def rho(self) -> float:
        """How alike the malignant patches of a patient are in being found."""
        malignant = self.pilot.label == 1
        return likeness(self.pilot.code[malignant], self.pilot.probability[malignant] >= self.ideal)

    @cached_property
    def specificity(self) -> float:
        """Of the threshold of one who knows all patients."""
        return self._cleared(np.array([self.ideal]))[0]

    def found(self, weight: Floats) -> Floats:
        """Return, of samples (S, P), 0 where they give a threshold and inf where they are too few; (S,)."""
        return np.where(enough(self._ranked, weight[:, self._with_tumour], **self._rule), 0, np.inf)

    def given_up(self, weight: Floats) -> Floats:
        """Return the specificity that samples give up against one who knows all patients; inf without a threshold."""
        chosen = self._chosen(weight)
        lost = self.specificity - self._cleared(self._ranked.score[np.maximum(chosen, 0)])
        return np.where(chosen >= 0, lost, np.inf)

    def held(self, weight: Floats, slack: float = 0.0) -> Floats:
        """Return whether the threshold of a sample holds the target, less a slack, on all patients; NaN without one."""
        chosen = self._chosen(weight)
        recall = 1 - chosen / len(self._ranked.score)  # the patches below the threshold are missed; see `Ranked.first`
        return np.where(chosen >= 0, recall >= self.target - slack, np.nan)

    @cached_property
    def _ranked(self) -> Ranked:
        return rank(self.pilot.table["patient"], self.pilot.label, self.pilot.probability)

    @cached_property
    def _with_tumour(self) -> np.ndarray:
        names = np.unique(self.pilot.table["patient"].to_numpy(str))
        return np.searchsorted(names, self._ranked.names)

    @cached_property
    def _benign(self) -> Floats:
        return np.sort(self.pilot.probability[self.pilot.label == 0])

    @property
    def _rule(self) -> dict[str, float]:
        return {"target": self.target, "assurance": self.assurance, "rho": self.rho}

    def _chosen(self, weight: Floats) -> np.ndarray:
        return search(self._ranked, weight[:, self._with_tumour], **self._rule)

    def _cleared(self, threshold: Floats) -> Floats:
        """Share of all benign patches below thresholds."""
        return np.searchsorted(self._benign, threshold, "left") / len(self._benign)
