"""What became of the files of a prediction, in numbers and names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from cancernet.context.smooth import told
from cancernet.model.decide import MALIGNANT, UNSURE
from cancernet.prediction.answer import Answers


@dataclass
class Tally:
    """What became of the files: patches `predicted`, of them `malignant` and `unsure`, and files that failed.

    Of the unsure, `unanswerable` are those that the model cannot judge; the others lie within the band of `abstain`.
    """

    predicted: int = 0
    malignant: int = 0
    unsure: int = 0
    unanswerable: int = 0
    failed: int = 0
    first_failure: str = ""
    alarms: dict[str, str] = field(default_factory=dict)  # patient or folder -> what to say of its stain
    copies: list[str] = field(default_factory=list)  # notes of what was left out as a copy
    apart: dict[str, str] = field(default_factory=dict)  # patient -> why its patches were judged one by one

    def add(self, answers: Answers) -> None:
        """Count some answers."""
        self.predicted += len(answers.probability)
        self.malignant += int(np.sum(answers.decision == MALIGNANT))
        self.unsure += int(np.sum(answers.decision == UNSURE))
        self.unanswerable += sum(map(bool, answers.reason))

    @property
    def notes(self) -> list[str]:
        """What a user ought to know, in lines."""
        return [*self.copies, *told(self.apart)]


def together(tallies: Sequence[Tally]) -> Tally:
    """Return the tally of several parts of the same files, with the first failure of the first part that has one."""
    return Tally(
        predicted=sum(each.predicted for each in tallies),
        malignant=sum(each.malignant for each in tallies),
        unsure=sum(each.unsure for each in tallies),
        unanswerable=sum(each.unanswerable for each in tallies),
        failed=sum(each.failed for each in tallies),
        first_failure=next((each.first_failure for each in tallies if each.first_failure), ""),
        alarms=dict(sorted(alarm for each in tallies for alarm in each.alarms.items())),
        copies=list(dict.fromkeys(note for each in tallies for note in each.copies)),
        apart={name: why for each in tallies for name, why in each.apart.items()},
    )
