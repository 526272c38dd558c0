"""A site held against a reference: the model's training patients, or its own of before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cancernet.evaluation.verdicts import WARN, Check
from cancernet.model.colours import Colours
from cancernet.sites.checks import (
    check_answers,
    check_colours,
    check_measure,
    check_number,
    check_scores,
    check_stain,
    compare_scores,
    verdict,
)
from cancernet.sites.measures import BRIGHTNESS, SHARPNESS, TISSUE, Group
from cancernet.sites.reference import FEWEST, Reference
from cancernet.sites.scores import Distance

MEASURED = (BRIGHTNESS, SHARPNESS, TISSUE)
DRAWN = Check(
    WARN, "synthetic", "a program drew the patches, or those that the model learned from", "real tissue", "no evidence"
)


@dataclass(frozen=True)
class Compared:
    """What came of it: the checks, and how the scores lie; nothing where there are none."""

    reference: Reference
    checks: tuple[Check, ...]
    scores: Distance | None

    @property
    def verdict(self) -> str:
        """PASS, WARN or FAIL."""
        return verdict(self.checks)


def compare(
    groups: Sequence[Group], reference: Reference, colours: Colours, *, what: str, synthetic: bool = False
) -> Compared:
    """Hold a site against what is usual of the patients that a model learned from.

    Args:
        groups: patients or slides.
        reference: from `of_model`.
        colours: of the model.
        what: "patients" or "slides".
        synthetic: whether a program drew the patches.
    """
    scores = compare_scores(groups, reference)
    there = sum(group.n_tissue > 0 for group in groups)
    found = [
        check_number(there, what=what),
        check_answers(groups, reference, what=what),
        check_stain(groups, what=what),
        check_colours(groups, reference, colours),
        *(check_measure(groups, name, reference) for name in MEASURED),
        check_scores(scores, what=what),
    ]
    return Compared(reference, (*([DRAWN] if synthetic else []), *found), scores)


def compare_with_itself(groups: Sequence[Group], reference: Reference, colours: Colours, *, what: str) -> Compared:
    """Hold a site against its own reference, without the check of the stain, which is the model's."""
    found = compare(groups, reference, colours, what=what)
    checks = [check for check in found.checks if check.name != "stain"]
    if reference.n < FEWEST:
        said = f"the reference is of {reference.n}: the verdict is provisional"
        why = "so few do not tell how far a site's patients lie apart"
        checks.insert(1, Check(WARN, "reference", said, f"at least {FEWEST}", why))
    return Compared(reference, tuple(checks), found.scores)
