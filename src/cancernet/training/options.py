"""What a user may change about a training run without changing the recipe."""

from __future__ import annotations

from dataclasses import dataclass

from cancernet.common import defaults


@dataclass(frozen=True)
class TrainingOptions:
    """Options of a run.

    Attributes:
        seed: seeds weights, order, augmentation and dropout.
        epochs: the most epochs, in place of the recipe's; 0 leaves the recipe's.
        max_per_patient: most training patches a patient; 0 for no cap.
        limit: most training patches in all; 0 for no limit.
        target_recall: recall on validation patients that the operating threshold is chosen for.
        weights: `imagenet`, `auto`, `none` or the path of a file.
        threads: CPU threads; 0 takes those this process may use.
    """

    seed: int = defaults.SEED
    epochs: int = 0
    max_per_patient: int = defaults.MAX_PER_PATIENT
    limit: int = 0
    target_recall: float = defaults.TARGET_RECALL
    weights: str = "imagenet"
    threads: int = 0
