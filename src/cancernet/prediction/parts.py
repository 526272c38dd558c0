"""Predict in parts, by several processes, machines or jobs of an array, and put the parts together.

A part holds whole patients or folders, since a patch is judged with the others of its own: so its answers are those
that one process would give. It is two files in a folder of its own,

    rows.csv      as predictions.csv, with the number of the file among all in front
    part.json     what it is of, and what became of it; written last, so that a part with it is whole

and the parts together are the file that one process writes, byte for byte.
"""

from __future__ import annotations

import csv
import hashlib
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from heapq import merge
from pathlib import Path

import msgspec

from cancernet.common.apart import guarded
from cancernet.common.errors import UserError
from cancernet.common.executor import Executor, WorkerDiedError
from cancernet.common.files import CsvWriter, read_json, to_json
from cancernet.common.output import BEGUN, RECORD, Output
from cancernet.common.progress import progress
from cancernet.common.shard import Shard, whole
from cancernet.common.text import restore
from cancernet.data.names import group_of
from cancernet.data.stream import PatchStream
from cancernet.model.judge import Judge
from cancernet.model.travel import Ticket
from cancernet.prediction.answer import COLUMNS, answer_stream, cells, rows
from cancernet.prediction.table import check_out, table_file, write_failures
from cancernet.prediction.tally import Tally, together

KIND = "predict"
ROWS, NOTES = "rows.csv", "part.json"
SUFFIX = ".parts"  # behind the name of the CSV
PART = 2048  # patches: seconds of work, so that a worker that dies costs little

Failed = tuple[int, str, str]  # number of a file among all, path, reason


@dataclass(frozen=True)
class Unit:
    """A part, as another process or machine is told of it.

    Attributes:
        run: tells runs apart: the files are listed once in a run by each process.
        paths: absolute.
        named: the same as the user gave them, which is how they are shown.
        shard: which part.
        folder: of all parts.
        model: what to load.
        abstain: as for `predict`.
        alone: as for `predict`.
        threads: that read files.
    """

    run: str
    paths: tuple[Path, ...]
    named: tuple[str, ...]
    shard: Shard
    folder: Path
    model: Ticket
    abstain: float | None
    alone: bool
    threads: int

    @property
    def place(self) -> Path:
        """Where its files lie."""
        return self.folder / self.shard.name

    @property
    def settings(self) -> str:
        """Hash (hex) of what the answers depend on besides the files."""
        told = (self.named, self.shard.of, self.model.version, self.model.about, self.abstain, self.alone)
        return hashlib.sha256(repr(told).encode("utf-8", "surrogateescape")).hexdigest()


class Notes(msgspec.Struct):
    """What a part is of, and what became of it.

    Attributes:
        settings: `Unit.settings`, the same for all parts.
        files: hash (hex) of the names, sizes and times of the files of all parts, likewise.
        by: threshold and model, in words.
        shard: I/N.
        tally: of this part.
        failed: its files that could not be used.
    """

    settings: str
    files: str
    by: str
    shard: str
    tally: Tally
    failed: list[Failed]


def parts_folder(out: Path) -> Path:
    """Return where the parts of a CSV lie: beside it."""
    return out.with_name(out.name + SUFFIX)


def predict_all(first: Unit, executor: Executor, out: Path) -> Tally:
    """Predict all parts that are not there yet, and put them together.

    Args:
        first: the first of them; the others differ in their number alone, and lie in the folders beside.
        executor: where.
        out: CSV to write.

    Raises:
        UserError: a part ends the process that is at it, or there is not one patch in all.
    """
    for place in first.folder.glob("shard-*-of-*"):
        if not place.name.endswith(f"-of-{first.shard.of}") and (place / RECORD).is_file():
            shutil.rmtree(place)  # of another set of files: they are as many others now
    shards = [Shard(number + 1, first.shard.of) for number in range(first.shard.of)]
    with progress(total=len(shards), what="predict", unit=" parts") as bar:
        for _ in _predicted([replace(first, shard=shard) for shard in shards], executor):
            bar.update()
    return gather_parts(first.folder, out, inputs=first.paths)[0]


def predict_shard(unit: Unit, executor: Executor) -> Tally:
    """Predict one part, unless it is there, and return its tally."""
    [place] = _predicted([unit], executor)
    notes = read_json(place, Notes)
    if notes is None:
        raise UserError(f"{place} is gone; give the same command again")
    return notes.tally


def gather_parts(folder: Path, out: Path, *, inputs: Sequence[Path] = ()) -> tuple[Tally, str]:
    """Put all parts in a folder together into a CSV, and remove them.

    Args:
        folder: of the parts.
        out: the CSV.
        inputs: files and folders that were read, where they are known.

    Returns:
        What became of the files, and by which threshold and model.

    Raises:
        UserError: as `read_parts`, or there is not one patch in all.
    """
    folders, notes = read_parts(folder)
    failed = [(path, reason) for _, path, reason in sorted(each for part in notes for each in part.failed)]
    tally = together([each.tally for each in notes])
    if failed:
        tally.first_failure = ": ".join(failed[0])
    if not tally.predicted:
        first = f": {tally.first_failure}" if failed else ""
        raise UserError(f"no image could be used of {tally.failed} files{first}")
    check_out(out, inputs)
    with table_file(out, inputs) as writer:
        writer.writerow(COLUMNS)
        writer.writerows(_in_order(folders))
    write_failures(out, failed)
    for place in folders:
        shutil.rmtree(place)
    with suppress(OSError):  # something of the user's lies in it
        folder.rmdir()
    return tally, notes[0].by


def _predicted(units: Sequence[Unit], executor: Executor) -> Iterator[Path]:
    for number, found in executor.each(predict_guarded, units):
        if isinstance(found, WorkerDiedError):
            raise UserError(f"part {units[number].shard} of the files: {found}; no answer was written")
        yield found


def predict_guarded(unit: Unit) -> Path | WorkerDiedError:
    """Do what `predict_part` does; a part that ends its process is tried twice, and then an error to be named."""
    unit.place.mkdir(parents=True, exist_ok=True)
    try:
        return guarded(predict_part, unit, unit.place / BEGUN)
    except WorkerDiedError as error:
        return error


def predict_part(unit: Unit) -> Path:
    """Predict one part into its folder, unless it is there; returns its notes."""
    stream, files = _listed(unit.run, unit.paths, unit.named)
    with Output(unit.place, KIND, inputs=unit.paths, wait=True) as out:
        before = read_json(out.folder / NOTES, Notes)
        if before and (before.settings, before.files) == (unit.settings, files):
            return out.folder / NOTES
        out.remove(NOTES)
        numbers = _numbers(stream, unit.shard)
        part = stream.only(numbers.__contains__)
        model = unit.model.open()
        judge, tally = Judge(model.colours), Tally()
        answers = answer_stream(
            model, part, judge, abstain=unit.abstain, alone=unit.alone, threads=unit.threads, apart=tally.apart
        )
        with out.writing(ROWS) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = CsvWriter(file)
            for patches, found in answers:
                writer.writerows((numbers[str(row[0])], *cells(row)) for row in rows(patches, found))
                tally.add(found)
        tally.failed, tally.alarms, tally.copies = len(part.errors), judge.alarms(), part.notes
        tally.first_failure = ": ".join(part.errors[0]) if part.errors else ""
        failed = [(numbers[path], path, reason) for path, reason in part.errors]
        by = f"at threshold {model.threshold:.3f} of {model.name}"
        notes = Notes(unit.settings, files, by, str(unit.shard), tally, failed)
        return out.write_text(NOTES, to_json(msgspec.to_builtins(notes)))


def read_parts(folder: Path) -> tuple[list[Path], list[Notes]]:
    """Return the folders of all parts in a folder, in order, and their notes.

    Raises:
        UserError: as `shard.whole`, or they are not parts of one whole.
    """
    places = whole(folder, NOTES, make="cancernet predict --shard I/N")
    found = [read_json(place / NOTES, Notes) for place in places]
    notes = [each for each in found if each]
    if len(notes) < len(found):
        raise UserError(f"{places[found.index(None)]}: cannot be read; remove it and make this part again")
    for what, why in (("settings", "with other settings or another model"), ("files", "of files that changed since")):
        if len({getattr(each, what) for each in notes}) > 1:
            raise UserError(f"{folder}: some parts were made {why}; make those again")
    return places, notes


def _in_order(folders: Sequence[Path]) -> Iterator[list[str]]:
    """Yield the rows of all parts in the order of the files."""
    with ExitStack() as stack:
        files = [stack.enter_context((folder / ROWS).open(newline="", encoding="utf-8")) for folder in folders]
        for row in merge(*map(csv.reader, files), key=lambda row: int(row[0])):
            yield [restore(cell) for cell in row[1:]]


def _numbers(stream: PatchStream, shard: Shard) -> dict[str, int]:
    """Return the files of one part by path, with their numbers among all; patients or folders are kept whole."""
    shown = stream.shown
    groups = [group_of(path, stream.root) for path in shown]
    sizes = Counter(groups)
    part_of: dict[str, int] = {}
    before = 0
    for group, size in sizes.items():  # in order of their first file
        part_of[group] = min(shard.of - 1, (before + size // 2) * shard.of // len(shown))
        before += size
    return {path: number for number, path in enumerate(shown) if part_of[groups[number]] == shard.number - 1}


@lru_cache(maxsize=1)
def _listed(run: str, paths: tuple[Path, ...], named: tuple[str, ...]) -> tuple[PatchStream, str]:  # noqa: ARG001
    """Return the stream of all files, and a hash (hex) of their names, sizes and times; once in a run."""
    stream, told = PatchStream(paths, named=named), hashlib.sha256()
    for part in stream.parts:
        for member in part.members:
            told.update(repr((part.prefix, *member)).encode("utf-8", "surrogateescape"))
    return stream, told.hexdigest()
