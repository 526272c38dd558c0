"""From patches and slides to patients: what is measured and scored, collected by whose it is, without the pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cancernet.common.errors import UserError
from cancernet.common.text import utf8
from cancernet.data.names import group_of
from cancernet.data.stream import PatchStream
from cancernet.model.judge import Judge
from cancernet.model.model import Model
from cancernet.sites.measures import Group, Numbers, joined, measure, summarise

UNLISTED = "no row of the list of patients names it"


class Gathered:
    """Patches of patients or slides as they come in, in any order; 60 bytes of each are kept.

    Args:
        model: that scores them.
    """

    def __init__(self, model: Model) -> None:
        self._model, self._judge = model, Judge(model.colours)
        self._numbers: dict[str, list[Numbers]] = {}
        self._scores: dict[str, list[NDArray[np.float32]]] = {}
        self._seen: dict[str, list[str]] = {}

    def add(self, images: NDArray[np.uint8], whose: Sequence[str], marked: NDArray[Any] | None = None) -> None:
        """Take in some patches.

        Args:
            images: uint8 RGB (N, size, size, 3).
            whose: (N,) patient or slide of each.
            marked: (N,) why a patch cannot be judged that looks well by itself, as a fold on a slide, or "".
        """
        seen = np.array(self._judge.see(images, whose), dtype=object)
        if marked is not None:
            seen = np.where((seen == "") & (marked != ""), marked, seen).astype(object)
        numbers, scores = measure(images), self._model.predict(images)
        names = np.array(whose, dtype=object)
        for name in dict.fromkeys(whose):
            of = np.flatnonzero(names == name)
            part = Numbers(numbers.colours[of], numbers.sharpness[of], numbers.tissue[of])
            self._numbers.setdefault(name, []).append(part)
            self._scores.setdefault(name, []).append(scores[of])
            self._seen.setdefault(name, []).extend(seen[of].tolist())

    def groups(self) -> list[Group]:
        """Return the patients or slides, in the order in which they came first."""
        return [self._group(name) for name in self._seen]

    def _group(self, name: str) -> Group:
        seen = self._seen[name]
        settled = self._judge.settle(seen, [name] * len(seen))
        scores = np.concatenate(self._scores[name])
        return summarise(name, joined(self._numbers[name]), scores, seen, settled, self._judge.stain(name))


def gather_patches(
    stream: PatchStream, model: Model, *, listed: Mapping[str, str] | None = None, threads: int | None = None
) -> tuple[list[Group], list[tuple[str, str]]]:
    """Measure and score the patches of a stream.

    Args:
        stream: of them.
        model: that scores them.
        listed: path -> patient, where the user has a list; files it lacks are left out, for whose they are is not
            known. By default as names and folders say.
        threads: CPU threads that read files.

    Returns:
        The patients, and path and reason of what was left out.

    Raises:
        UserError: not one patch could be used.
    """
    gathered, unlisted = Gathered(model), list[tuple[str, str]]()
    for patches in stream.chunks(what="site", threads=threads):
        if listed is None:
            whose = [group_of(path, stream.root) for path in patches.paths]
            kept = np.arange(len(whose))
        else:
            names = [listed.get(utf8(path), "") for path in patches.paths]
            kept = np.array([i for i, name in enumerate(names) if name], np.int64)
            unlisted += [(path, UNLISTED) for path, name in zip(patches.paths, names, strict=True) if not name]
            whose = [names[i] for i in kept]
        if len(kept):
            gathered.add(patches.images[kept], whose)
    failed = [*stream.errors, *unlisted]
    groups = gathered.groups()
    if not groups:
        raise stream.nothing_usable() if not unlisted else UserError(f"{unlisted[0][0]}: {UNLISTED}; nor any other")
    return groups, failed
