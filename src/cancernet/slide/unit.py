"""A slide as a unit of work: it finds all it needs by paths, writes its own folder, and returns what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cancernet.common.apart import guarded
from cancernet.common.errors import UserError
from cancernet.common.executor import WorkerDiedError
from cancernet.common.output import BEGUN, Output
from cancernet.model.travel import Ticket
from cancernet.slide.inputs import WORK, Options, SlideInput
from cancernet.slide.job import map_one
from cancernet.slide.reader import first_line
from cancernet.slide.results import areas_line
from cancernet.slide.scale import BadSlide

KIND = "slide"  # of the folders of results


@dataclass(frozen=True)
class Unit:
    """A slide to map, as another process or machine is told of it.

    Attributes:
        item: the slide, by absolute paths.
        folder: of its results; made, and kept for it.
        owner: from `job.identify`.
        model: what to load.
        options: what the user chose, with the threads of the process that does it.
    """

    item: SlideInput
    folder: Path
    owner: dict[str, Any]
    model: Ticket
    options: Options


@dataclass(frozen=True)
class Done:
    """What became of a slide.

    Attributes:
        failed: why there is no map; "" where there is one, and then the following are so.
        before: whether an earlier run had finished it.
        refused: whether its stain is foreign.
        unsure: patches that cannot be judged.
        said: scale and areas, for the user.
        warnings: of its summary.
    """

    failed: str = ""
    before: bool = False
    refused: bool = False
    unsure: int = 0
    said: str = ""
    warnings: tuple[str, ...] = ()


def map_unit(unit: Unit) -> Done:
    """Map one slide into its folder; nobody else writes there meanwhile.

    Raises:
        UserError: this process has another version of the package, or another model.
        OSError: the results cannot be written.
    """
    item = unit.item
    inputs = [*(item.files or (item.path,)), *([item.roi] if item.roi else [])]
    model = unit.model.open()
    with Output(unit.folder, KIND, inputs=inputs, wait=True) as out:
        try:
            found, before = map_one(item, out, unit.owner, model, unit.options)
        except OSError:  # of writing: what reading meets is a BadSlide
            raise
        except Exception as error:  # noqa: BLE001 - whatever a library makes of one slide, the others are mapped
            out.remove(WORK)  # results of an earlier state of the slide stay
            known = isinstance(error, (BadSlide, UserError))
            return Done(str(error) if known else f"unexpected {type(error).__name__}: {first_line(error)}")
    return Done(
        before=before,
        refused=bool(found["refused"]),
        unsure=found["patches_unsure"],
        said=f"{found['mpp']['x']:.4g} um/px ({found['mpp']['from']}), {areas_line(found)}",
        warnings=tuple(found["warnings"]),
    )


def map_guarded(unit: Unit, by: Callable[[Unit], Done] = map_unit) -> Done:
    """Do what `map_unit` does; a slide that ends its process is tried twice, and then one that failed.

    Args:
        unit: the slide.
        by: what maps it, where that has more to do than `map_unit`.
    """
    try:
        return guarded(by, unit, unit.folder / BEGUN)
    except WorkerDiedError as error:
        with Output(unit.folder, KIND, wait=True) as out:
            out.remove(WORK)
        return Done(str(error))
