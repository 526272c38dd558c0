"""What the classes of annotations stand for: benign, malignant, or nothing that a patch could learn."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cancernet.common.errors import UserError
from cancernet.data.words import class_of
from cancernet.slide.annotations import UNCLASSIFIED

BENIGN, MALIGNANT = 0, 1
IGNORED = 2  # its area is left out, whatever else it is
FRAME = 3  # says where was looked, not what is there: QuPath's Region*
WORDS = ("benign", "malignant", "left out", "only a frame")
# Beside what folders are called (`cancernet.data.words`). DCIS and necrosis are not here: people count them either way.
_MALIGNANT = {
    *("invasivecarcinoma", "invasiveductalcarcinoma", "invasivelobularcarcinoma", "invasivetumor", "invasivetumour"),
    *("metastasis", "metastases"),
}
_BENIGN = {"other", "stroma", "immunecells", "normaltissue", "fat", "adipose", "adiposetissue", "healthyglands"}


@dataclass(frozen=True)
class ClassNames:
    """What a user says of the classes of annotations.

    Args:
        benign: names of benign classes; by default `Benign`, `Normal`, and QuPath's `Other`, `Stroma`, `Immune cells`.
        malignant: names of malignant ones; by default `Tumor`, `Malignant`, `Invasive carcinoma`, `IDC` and the like.
        ignore: names of those whose area is left out, beside `Ignore*`.
    """

    benign: Sequence[str] = ()
    malignant: Sequence[str] = ()
    ignore: Sequence[str] = ()

    def meaning(self, name: str) -> int | None:
        """Return what a class stands for: BENIGN, MALIGNANT, IGNORED or FRAME; None where nobody says.

        Example:
            >>> names = ClassNames(ignore=["DCIS"])
            >>> [names.meaning(each) for each in ("Tumor", "Other", "dcis", "Region*", "Necrosis")]
            [1, 0, 2, 3, None]
        """
        for what, names in ((BENIGN, self.benign), (MALIGNANT, self.malignant), (IGNORED, self.ignore)):
            if name.casefold() in (each.casefold() for each in names):
                return what
        plain = re.sub(r"[^a-z0-9]+", "", name.casefold())
        if name.casefold() == "region*":
            return FRAME
        found = MALIGNANT if plain in _MALIGNANT else BENIGN if plain in _BENIGN else class_of(name)
        return None if found is None or (self.benign, self.malignant)[found] else found

    def meanings(self, classes: Iterable[str]) -> dict[str, int]:
        """Return what each class stands for.

        Raises:
            UserError: of one nobody says; it names all classes and the options.
        """
        said = {name: self.meaning(name) for name in classes}
        unknown = [name for name, what in said.items() if what is None]
        if unknown:
            known = ", ".join(f"{name} = {WORDS[what]}" for name, what in said.items() if what is not None)
            hint = f" (annotations without a class are called {UNCLASSIFIED})" if UNCLASSIFIED in unknown else ""
            raise UserError(
                f"it is not known what the class {', '.join(unknown)} stands for{hint}; say it with --benign NAME, "
                f"--malignant NAME or --ignore NAME. Known here: {known or 'none'}"
            )
        return {name: what for name, what in said.items() if what is not None}


@dataclass(frozen=True)
class LabelRule:
    """How a patch gets its label from the areas it lies in.

    Args:
        share: of a patch that has to lie in areas of one class for it to be of that class, 0.5 to 1.
        border: what becomes of a patch that no class has that share of, but both together: `leave-out`, or `keep` it
            in the class that has more of it.
        rest: what tissue outside of all outlines is: `unknown`, and left out; or `benign`, where everything malignant
            on the slide, or within the areas of class `Region*` where there are any, was outlined.
    """

    share: float = 0.5
    border: str = "leave-out"
    rest: str = "unknown"

    def check(self) -> None:
        """Refuse what is no rule.

        Raises:
            UserError: a share outside of 0.5 to 1, or a word that is none of those above.
        """
        if not 0.5 <= self.share <= 1:
            raise UserError(f"--share {self.share:g}: give a share of a patch from 0.5 to 1")
        for option, value, allowed in (
            ("--border", self.border, ("leave-out", "keep")),
            ("--rest", self.rest, ("unknown", "benign")),
        ):
            if value not in allowed:
                raise UserError(f"{option} {value}: give {' or '.join(allowed)}")
