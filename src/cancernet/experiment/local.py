"""What a model makes of a laboratory's labelled patches, and which of them may tell anything of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cancernet.common.errors import UserError
from cancernet.common.progress import progress
from cancernet.context.smooth import by_patient
from cancernet.data.pack import Pack
from cancernet.evaluation.adaptation import PROVISIONAL
from cancernet.evaluation.scoring import groups_of, known_side, places
from cancernet.model.colours import Colours, colour_statistics, fit_colours
from cancernet.model.decide import logit
from cancernet.model.examples import read_index
from cancernet.model.judge import Judge, has_tissue
from cancernet.model.model import Model

CHUNK = 4096  # patches between two steps of the progress bar
SHOWN = 5  # patients named in an error


@dataclass(frozen=True)
class Site:
    """What the parent makes of the local patches.

    Attributes:
        rows: a row a patch: path, patient, x, y, label, `alone` and `among` (log odds), `floor_alone` and `floor`
            (likewise, of the colour floor), reason (why it cannot be judged by the colours that the child knows).
        colours: that the child knows.
        learned: whether these are of the local patients.
        foreign: patients whose stain the parent does not know.
    """

    rows: pd.DataFrame
    colours: Colours
    learned: bool
    foreign: tuple[str, ...] = ()

    @property
    def answered(self) -> pd.DataFrame:
        """The patches that can be judged."""
        return self.rows[self.rows["reason"] == ""]

    @property
    def n_patients(self) -> int:
        """Of whom a patch can be judged."""
        return int(self.answered["patient"].nunique())


def look(parent: Model, packed: Pack) -> Site:
    """Score all patches as the parent and its colour floor do, and say which can be judged."""
    table = packed.table
    probability = np.empty(len(table), "float32")
    statistics = np.empty((len(table), 9), np.float32)
    with progress(total=len(table), what=f"predict with {parent.name}") as bar:
        for start in range(0, len(table), CHUNK):
            images = packed.images[np.arange(start, min(start + CHUNK, len(table)))]
            probability[start : start + CHUNK] = parent.predict(images)
            statistics[start : start + CHUNK] = colour_statistics(images)
            bar.update(len(images))
    floor = parent.manifest.floor
    floor_alone = floor.model.predict(packed.images, np.arange(len(table)))
    colours, learned = parent.colours, table["patient"].nunique() >= PROVISIONAL
    before, foreign = _reasons(colours, packed)
    reasons = before
    if learned:
        seen = np.array([has_tissue(reason) for reason in before])
        colours = fit_colours(statistics[seen], table["patient"].to_numpy(object)[seen]) if seen.any() else colours
        reasons, _ = _reasons(colours, packed)
    among, _ = by_patient(parent.context, *places(table), probability, reasons)
    floor_among, _ = by_patient(floor.context, *places(table), floor_alone)
    rows = table[["path", "patient", "x", "y", "label"]].assign(
        alone=logit(probability),
        among=logit(among),
        floor_alone=logit(floor_alone),
        floor=logit(floor_among),
        reason=reasons,
    )
    return Site(rows.reset_index(drop=True), colours, learned, foreign)


def check_new(parent: Model, packed: Pack, *, new_patients: bool) -> None:
    """Refuse patients, or patches, that the parent learned from: they would flatter it.

    Raises:
        UserError: names some of them.
    """
    if not new_patients:
        known = known_side(parent, packed.table).isin(["train", "val"])
        names = sorted(packed.table.loc[known, "patient"].unique())
        if names:
            shown = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
            raise UserError(
                f"{len(names)} patients trained {parent.name} or chose its threshold: {shown}; leave them out, or say "
                "--new-patients where they are others of the same ids"
            )
    index = read_index(parent)
    same = packed.table["hash"].isin(set(index.table["hash"])) if index is not None else np.zeros(0, bool)
    if same.any():
        raise UserError(
            f"{int(same.sum())} patches are ones that {parent.name} learned from, such as "
            f"{packed.table.loc[same, 'path'].iloc[0]}; adapt on patients of your own"
        )


def _reasons(colours: Colours, packed: Pack) -> tuple[list[str], tuple[str, ...]]:
    """Return why each patch cannot be judged, or "", and the patients or folders whose stain is foreign."""
    judge, groups, said = Judge(colours), groups_of(packed.table), list[str]()
    for start in range(0, len(packed.table), CHUNK):
        part = np.arange(start, min(start + CHUNK, len(packed.table)))
        said += judge.see(packed.images[part], groups[start : start + CHUNK])
    return judge.settle(said, groups), tuple(judge.alarms())
