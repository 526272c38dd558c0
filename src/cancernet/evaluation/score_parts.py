"""What a model makes of packed patches, told by other processes or machines in parts.

A part is some rows of the packed array. Each is asked for by the hash of its patches, and its answers lie in a file
that is named by it and by the model: they can be of nothing else, and what a run that was killed has left is found
again. Of each patch its colours are among them and not the sums of its patient, which are added up where all parts are
joined: so the results do not depend on how the patches were divided.
"""

from __future__ import annotations

import hashlib
import socket
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cancernet.common.apart import guarded
from cancernet.common.errors import UserError
from cancernet.common.executor import Executor, WorkerDiedError
from cancernet.common.files import replacing
from cancernet.common.mapped import sparing
from cancernet.common.progress import progress
from cancernet.data.pack import Pack
from cancernet.model.floor import Floor
from cancernet.model.judge import Judge
from cancernet.model.model import Model
from cancernet.model.travel import Ticket, ticket

WORK = ".work"  # folder of the parts, in that of the results; removed with the last of them
ROWS = "rows.npy"
PART = 2048  # patches: seconds of work, so that a worker that dies costs little
SAME = "its path has to lead to the same files everywhere"


class Seen(NamedTuple):
    """What a model makes of patches, each by itself, all in the same order."""

    rows: NDArray[np.int64]  # (N,) of the pack
    probability: NDArray[np.float32]  # (N,) of malignant
    floor: NDArray[np.float64]  # (N,) the same by the colour floor of the model
    statistics: NDArray[np.float32]  # (N, 9), as `Judge.note` takes them
    reasons: list[str]  # (N,) why a patch cannot be judged, or ""


@dataclass(frozen=True)
class Unit:
    """A part, as another process or machine is told of it.

    Attributes:
        images: file of the packed array, absolute.
        shape: of the array.
        folder: with `ROWS`, the rows of all parts; for the answers too.
        part: which of them, from and to.
        patches: hash (hex) of the patches in these rows.
        model: what to load.
        floor: of the model.
    """

    images: Path
    shape: tuple[int, ...]
    folder: Path
    part: tuple[int, int]
    patches: str
    model: Ticket
    floor: Floor

    @property
    def place(self) -> Path:
        """File of its answers."""
        told = repr((self.patches, self.model.version, self.model.about, self.floor))
        return self.folder / f"{hashlib.sha256(told.encode('utf-8', 'surrogateescape')).hexdigest()}.npz"


def see_elsewhere(model: Model, pack: Pack, rows: NDArray[np.int64], *, executor: Executor, folder: Path) -> Seen:
    """Have patches looked at by other processes, and put together what they say.

    Args:
        model: the model.
        pack: packed patches, in a file.
        rows: of the pack, int (N,).
        executor: where.
        folder: for the files of the parts; of a run that was killed they are taken as they are.

    Raises:
        UserError: a part ends the process that is at it; or the model or the patches are others there.
    """
    folder.mkdir(exist_ok=True)
    with replacing(folder / ROWS) as temporary:
        np.save(temporary, rows)
    units: list[Unit] = []
    sent = ticket(model, threads=model.threads or executor.threads())

    def cut() -> Iterator[Unit]:
        for start in range(0, len(rows), PART):
            part = (start, min(start + PART, len(rows)))
            patches = content_hash(pack.images[rows[slice(*part)]])
            file = Path(pack.images.filename)  # type: ignore[attr-defined]
            units.append(
                Unit(file, pack.images.shape, folder.absolute(), part, patches, sent, model.manifest.floor.model)
            )
            yield units[-1]

    with progress(total=len(rows), what=f"predict with {model.name}") as bar:
        for number, found in executor.each(look_guarded, cut()):
            start, stop = units[number].part
            if isinstance(found, WorkerDiedError):
                first, last = pack.table["path"].iloc[rows[[start, stop - 1]]]
                raise UserError(f"patches {first} to {last}: {found}; nothing was measured")
            bar.update(stop - start)
    probability, floor, statistics, reasons = map(
        np.concatenate, zip(*(_read(unit.place) for unit in units), strict=True)
    )
    return Seen(rows, probability, floor, statistics, reasons.tolist())


def look_guarded(unit: Unit) -> Path | WorkerDiedError:
    """Do what `look` does; a part that ends its process is tried twice, and then an error to be named."""
    try:
        return guarded(look, unit, unit.place.with_suffix(".begun"))
    except WorkerDiedError as error:
        return error


def look(unit: Unit) -> Path:
    """Look at the patches of a part and write what is to be said of them, unless it is there; returns its file.

    Raises:
        UserError: the model or the patches are not those that were asked for.
    """
    if unit.place.exists():
        return unit.place
    model = unit.model.open()
    images = _patches(unit)
    reasons, statistics = Judge(model.colours).look(images)
    probability, floor = model.predict(images), unit.floor.predict(images)
    with replacing(unit.place) as temporary:
        np.savez_compressed(temporary, probability, floor, statistics, np.array(reasons, np.str_))
    return unit.place


def content_hash(images: NDArray[np.uint8]) -> str:
    """Return the SHA-256 (hex) of patches uint8 (N, H, W, 3)."""
    return hashlib.sha256(np.ascontiguousarray(images).data).hexdigest()


def _patches(unit: Unit) -> NDArray[np.uint8]:
    here = f"{socket.gethostname()}: {unit.images}"
    try:
        rows = np.load(unit.folder / ROWS, mmap_mode="r")[slice(*unit.part)]
        images = sparing(np.memmap(unit.images, np.uint8, "r", shape=unit.shape))[np.array(rows)]
    except (OSError, ValueError, IndexError) as error:
        raise UserError(f"{here} cannot be read ({error}); {SAME}") from error
    if content_hash(images) != unit.patches:
        raise UserError(f"{here} does not hold the patches that were asked for; {SAME}")
    return images


def _read(place: Path) -> list[NDArray]:
    """Return what `look` has written."""
    try:
        with np.load(place) as found:
            return [found[name] for name in found.files]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{place} cannot be read ({error}); remove it and give the same command again") from error
