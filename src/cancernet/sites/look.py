"""From the paths that a user named to the patients or slides of a site."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.common.output import Output
from cancernet.common.text import utf8
from cancernet.common.threads import available_cpus
from cancernet.data.patient_list import read_patients
from cancernet.data.stream import PatchStream
from cancernet.model.model import Model
from cancernet.sites.gather import gather_patches
from cancernet.sites.kinds import SLIDES, kind_of_paths
from cancernet.sites.measures import Group

FIRST = 3  # names in a note


@dataclass(frozen=True)
class Found:
    """What there is of a site.

    Attributes:
        groups: patients or slides.
        what: "patients" or "slides": what counts as one.
        failed: path and reason of what could not be used.
        notes: sentences that a reader has to know.
        synthetic: whether patches were drawn by a program.
    """

    groups: list[Group]
    what: str
    failed: list[tuple[str, str]]
    notes: list[str]
    synthetic: bool


def look(
    named: Sequence[Path],
    model: Model,
    output: Output,
    *,
    mpp: float | None,
    patients: Path | None,
    threads: int | None,
    say: Callable[[str], None],
) -> Found:
    """Measure and score all that was named; see `site`.

    Raises:
        UserError: nothing usable, patches and slides at once, or `mpp` of patches.
    """
    if kind_of_paths(named) == SLIDES:
        return _slides(named, model, output, mpp, patients, threads, say)
    if mpp is not None:
        raise UserError(
            f"--mpp is of slides and fields, and these are patches, which are taken to have {model.mpp:g} um/px; cut "
            "them at that scale, or name the slides"
        )
    stream = PatchStream(named)
    listed, notes = None, [*stream.notes]
    if patients is not None:
        whose = read_patients(patients, stream.shown)
        listed, notes = whose.patients, [*notes, *whose.notes]
    groups, failed = gather_patches(stream, model, listed=listed, threads=threads)
    return Found(groups, "patients", failed, notes, stream.synthetic)


def _slides(
    named: Sequence[Path],
    model: Model,
    output: Output,
    mpp: float | None,
    patients: Path | None,
    threads: int | None,
    say: Callable[[str], None],
) -> Found:
    from cancernet.sites.slides import gather_slides
    from cancernet.slide.extra import need_all
    from cancernet.slide.gather import find_slides

    need_all()
    if model.size_px != defaults.PATCH_SIZE:
        raise UserError(f"{model.name} sees patches of {model.size_px} px; slides need {defaults.PATCH_SIZE}")
    found = find_slides(named, mpp=mpp)
    whose, notes = dict[str, str](), [*found.notes]
    if patients is not None:
        by_name = {utf8(item.path.name): utf8(item.path.as_posix()) for item in found.slides}
        if len(by_name) < len(found.slides):
            raise UserError(f"{patients}: a list of slides goes by their names, and two have the same; rename one")
        listed = read_patients(patients, list(by_name))
        whose = {by_name[name]: patient for name, patient in listed.patients.items()}
        notes += listed.notes
        unlisted = [item for item in found.slides if utf8(item.path.as_posix()) not in whose]
        found.slides = [item for item in found.slides if item not in unlisted]
        found.failed += [(utf8(item.path.as_posix()), "no row of the list of patients names it") for item in unlisted]
    made = gather_slides(found.slides, model, output, patients=whose, threads=threads or available_cpus(), say=say)
    failed = [*found.failed, *made.failed]
    if not made.groups:
        first = ": ".join(failed[0]) if failed else "none was found"
        raise UserError(f"no slide could be used of {len(failed)}: {first}")
    what = "patients" if made.named == len(made.scales) else "slides"
    return Found(made.groups, what, failed, [*notes, *made.notes], False)
