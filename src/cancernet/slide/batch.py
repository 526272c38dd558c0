"""Many slides: each gets a folder or a reason; one bad slide never ends the batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.common.inputs import ERRORS, refuse_other, refuse_other_errors, write_errors
from cancernet.data.stream import printable
from cancernet.model.bundle import Bundle
from cancernet.slide.extra import need_all
from cancernet.slide.folders import assign_folders, discard
from cancernet.slide.index import NAME as INDEX
from cancernet.slide.index import write_index
from cancernet.slide.job import WORK, Options, map_slide
from cancernet.slide.scale import BadSlide, check_mpp


@dataclass
class Outcome:
    """What became of the slides: summaries by folder, those `skipped` as finished, and `failed` with reasons."""

    mapped: dict[Path, dict[str, Any]] = field(default_factory=dict)
    skipped: list[Path] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)


def map_slides(
    paths: Sequence[Path], bundle: Bundle, out: Path, options: Options, *, say: Callable[[str], None]
) -> Outcome:
    """Map slides into folders of `out`, and write index.html and, where some failed, errors.csv.

    Args:
        paths: the slides.
        bundle: the model.
        out: made if absent.
        options: what the user chose.
        say: told a line a slide.

    Raises:
        UserError: the extra is missing, --mpp is impossible, the stride is none of SLIDE_STRIDES, the model
            sees another size of patch, or not one slide could be mapped.
        OSError: `out` cannot be written.
    """
    _check(bundle, options)
    need_all()
    out.mkdir(parents=True, exist_ok=True)
    refuse_other_errors(out / ERRORS)
    refuse_other(out / INDEX)
    unique = list(dict.fromkeys(paths))
    if "context" not in bundle.manifest:
        say(f"WARNING: {bundle.name} has no step for neighbours; each patch is judged by itself")
    session = bundle.session(threads=options.threads)
    outcome = Outcome()
    for path, folder in zip(unique, assign_folders(unique, out), strict=True):
        try:
            found, skipped = map_slide(path, folder, bundle, session, options)
        except BadSlide as reason:
            discard(folder, path, WORK)
            outcome.failed.append((printable(path.as_posix()), str(reason)))
            say(f"{printable(str(path))}: NOT MAPPED: {reason}")
            continue
        outcome.mapped[folder] = found
        if skipped:
            outcome.skipped.append(folder)
        say(_line(path, folder, found, skipped))
    write_index(out, outcome.failed)
    write_errors(out / ERRORS, outcome.failed)
    if not outcome.mapped:
        first = ": ".join(outcome.failed[0])
        raise UserError(f"no slide could be mapped of {len(unique)}: {first}")
    return outcome


def _check(bundle: Bundle, options: Options) -> None:
    if options.mpp is not None:
        check_mpp(options.mpp)
    if options.stride not in defaults.SLIDE_STRIDES:
        allowed = ", ".join(str(stride) for stride in defaults.SLIDE_STRIDES)
        raise UserError(f"--stride {options.stride}: give one of {allowed}")
    size = bundle.manifest["input"]["size_px"]
    if size != defaults.PATCH_SIZE:
        raise UserError(f"{bundle.name} sees patches of {size} px; slides need {defaults.PATCH_SIZE}")


def _line(path: Path, folder: Path, found: dict[str, Any], skipped: bool) -> str:
    share = found["malignant_share"]
    told = (
        f"{path.name}: {found['mpp']['x']:.4g} um/px ({found['mpp']['from']}), tissue {found['tissue_mm2']:.1f} mm2, "
        f"malignant {found['malignant_mm2']:.1f} mm2" + ("" if share is None else f" ({share:.1%})")
    )
    done = " [done before with these settings]" if skipped else ""
    notes = "".join(f"\n  WARNING: {warning}" for warning in found["warnings"])
    return f"{told}: {folder}{done}{notes}"
