"""What changes with the share of malignant patches: predictive values, and the probabilities themselves.

Recall and specificity are shares of one class each and stay, as long as the patches of each class stay alike. How many
malignant calls are right does not stay; nor does a probability, which was stated for the share it was calibrated at.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cancernet.common.errors import UserError
from cancernet.evaluation.bootstrap import Replicates, interval
from cancernet.evaluation.ranking import Floats, ratio
from cancernet.model.decide import logit, sigmoid
from cancernet.model.manifest import Manifest

# Shares of malignant patches: from a screening set, where nearly all is benign, to a set of tumour blocks.
PREVALENCES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)


@dataclass(frozen=True)
class Restating:
    """From which share of malignant patches to which probabilities are restated.

    Attributes:
        stated_for: share among the patches that the probabilities were calibrated on.
        prevalence: share where they are to be read.
    """

    stated_for: float
    prevalence: float

    def __call__(self, probability: ArrayLike) -> Floats:
        """Return probabilities (N,) restated; see `restate`."""
        return restate(probability, self.stated_for, self.prevalence)

    def __str__(self) -> str:
        return (
            f"the column `restated` is what probabilities that were calibrated at {self.stated_for:.1%} malignant "
            "patches come to there; the same patches are called malignant, since the threshold moves with them, and no "
            "number measured on these patches changes"
        )


def restate(probability: ArrayLike, stated_for: float, prevalence: float) -> Floats:
    """Return probabilities (N,) as they are where another share of the patches is malignant.

    The odds are multiplied by the ratio of the prior odds, so their order stays. It holds where the patches of each
    class look as those did that the model was calibrated on; a stain it does not know is no matter of prevalence.

    Args:
        probability: (N,) of malignant; 0 and 1 count as 1e-7 from them.
        stated_for: share of malignant patches, 0 to 1 without the ends, among those that calibrated the model.
        prevalence: the share to restate them for, likewise.

    Raises:
        UserError: a share that is not between 0 and 1.

    Source: Saerens, Latinne & Decaestecker 2002, "Adjusting the outputs of a classifier to new a priori probabilities",
    Neural Computation 14:21-41, section 2.

    Example:
        >>> restate([0.5, 0.9], stated_for=0.5, prevalence=0.1).round(3).tolist()
        [0.1, 0.5]
    """
    for share in (stated_for, prevalence):
        if not 0 < share < 1:
            raise UserError(f"a prevalence lies between 0 and 1, and {share:g} does not; give a share such as 0.05")
    return sigmoid(logit(probability) + float(logit(prevalence) - logit(stated_for)))


def restating(manifest: Manifest, prevalence: float) -> Restating:
    """Return how to restate a model's probabilities for another share of malignant patches.

    Raises:
        UserError: a share that is not between 0 and 1, or a model that does not say what it was calibrated at.
    """
    found = calibrated_at(manifest)
    if found is None:
        raise UserError(
            f"{manifest.name} does not say what share of the patches that calibrated it is malignant, so its "
            "probabilities cannot be restated: train it again with this version, or leave --prevalence away"
        )
    restate(0.5, found, prevalence)  # refuses what is no share
    return Restating(found, prevalence)


def calibrated_at(manifest: Manifest) -> float | None:
    """Return the share of malignant patches among those that calibrated a model; None where no file says it."""
    validation, training = manifest.validation, manifest.training
    if manifest.calibration is None or validation is None:
        return None
    if validation.n_malignant and validation.n_patches:
        return validation.n_malignant / validation.n_patches
    # Bundles of before: in a cross-fit, the patches it learned from are those it was calibrated on, each once.
    if manifest.recipe.cross_fit and training and training.n_malignant and training.n_patches == validation.n_patches:
        return training.n_malignant / training.n_patches
    return None


def predictive_values(recall: ArrayLike, specificity: ArrayLike, prevalence: float) -> dict[str, Floats]:
    """Return `ppv`, the share of malignant calls that are right, and `npv`, of benign calls, by Bayes' rule.

    Args:
        recall: of any shape.
        specificity: of the same.
        prevalence: share of malignant patches.

    Example:
        >>> {name: round(float(value), 3) for name, value in predictive_values(0.9, 0.8, 0.1).items()}
        {'ppv': 0.333, 'npv': 0.986}
    """
    recall, specificity = np.asarray(recall, dtype=np.float64), np.asarray(specificity, dtype=np.float64)
    found, alarms = recall * prevalence, (1 - specificity) * (1 - prevalence)
    missed, cleared = (1 - recall) * prevalence, specificity * (1 - prevalence)
    return {"ppv": ratio(found, found + alarms), "npv": ratio(cleared, cleared + missed)}


def over_prevalences(drawn: Replicates, point: str, prevalences: Iterable[float]) -> list[dict[str, Any]]:
    """Return predictive values with intervals over patients, rows {"prevalence", "ppv", "npv"} in rising order.

    Args:
        drawn: metrics on resamples of the patients, from `replicate`.
        point: operating point at whose threshold patches are called.
        prevalences: shares of malignant patches to give them at.
    """
    recall, specificity = f"recall@{point}", f"specificity@{point}"
    rows = []
    for prevalence in sorted(set(prevalences)):
        value = predictive_values(drawn.value[recall], drawn.value[specificity], prevalence)
        resampled = predictive_values(drawn.resampled[recall], drawn.resampled[specificity], prevalence)
        each = {key: interval(float(value[key]), resampled[key], drawn.n_units).to_dict() for key in value}
        rows.append({"prevalence": float(prevalence), **each})
    return rows
