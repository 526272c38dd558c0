"""What was found of a site."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cancernet.evaluation.verdicts import PASS
from cancernet.sites.compare import Compared
from cancernet.sites.drift import History
from cancernet.sites.measures import Group
from cancernet.sites.reference import FEWEST
from cancernet.sites.standing import Odd


@dataclass(frozen=True)
class Site:
    """What was found of a site.

    Attributes:
        model: name of the model.
        what: "patients" or "slides": what counts as one.
        groups: of them.
        against_model: held against what the model learned from.
        against_reference: held against the site's own reference, where one was given.
        history: of the runs against that reference.
        odd: patients or slides that stand out.
        failed: path and reason of what could not be used.
        notes: sentences that a reader has to know.
        synthetic: whether patches, or those the model learned from, were drawn by a program.
        page: site.html.
    """

    model: str
    what: str
    groups: tuple[Group, ...]
    against_model: Compared
    against_reference: Compared | None = None
    history: History | None = None
    odd: tuple[Odd, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    synthetic: bool = False
    page: Path = field(default_factory=Path)

    @property
    def verdict(self) -> str:
        """PASS, WARN or FAIL: is this site like what the model learned."""
        return self.against_model.verdict

    @property
    def drift(self) -> str:
        """PASS, WARN or FAIL: is it like it was; "" where there is no reference of before."""
        return self.against_reference.verdict if self.against_reference else ""

    @property
    def passed(self) -> bool:
        """Whether all is PASS and nothing was left out."""
        return self.verdict == PASS and self.drift in ("", PASS) and not self.failed

    @property
    def provisional(self) -> bool:
        """Whether there are too few patients or slides for a verdict."""
        return sum(group.n_tissue > 0 for group in self.groups) < FEWEST
