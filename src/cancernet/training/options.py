"""What a user may change about a training run without changing the recipe."""

from __future__ import annotations

from dataclasses import dataclass

from cancernet.common import defaults

# Patches of val up to which all of them choose the epoch; of more a share of each patient, so that the validation of an
# epoch does not cost more than its training. Measured (benchmarks/large_sets.py): on 883 of 4,324 real patches average
# precision has a standard deviation of 0.024 about that on all, so on 10,000 some 0.007, and in every epoch the same.
MOST_CHOOSING = 10_000
# Training patches that a frozen network is run on for a new head, which has some 1,300 numbers to learn: the pass over
# more would cost most of a run. Measured there too: AUC, mean of three seeds, 0.875 on 4,000, 0.879 on 8,000, 0.883 on
# 18,911; what more than that would bring is not known.
MOST_FOR_HEAD = 40_000


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
        shortened: what a quick run leaves out, in words that the model and its results say; empty for a whole one.
    """

    seed: int = defaults.SEED
    epochs: int = 0
    max_per_patient: int = defaults.MAX_PER_PATIENT
    limit: int = 0
    target_recall: float = defaults.TARGET_RECALL
    weights: str = "imagenet"
    threads: int = 0
    shortened: str = ""
