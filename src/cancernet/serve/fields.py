"""A large field that was sent: mapped as a slide is, in a process of its own, and gone with the answer."""

from __future__ import annotations

import base64
import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cancernet.common.apart import apart
from cancernet.common.executor import WorkerDiedError
from cancernet.common.files import read_json
from cancernet.common.text import restore
from cancernet.model.travel import Ticket
from cancernet.serve.problems import Problem
from cancernet.serve.settings import Limits
from cancernet.slide import pages, summary, tables
from cancernet.slide.formats import open_slide
from cancernet.slide.inputs import Options, SlideInput
from cancernet.slide.job import identify
from cancernet.slide.scale import BadSlide, UnknownScale, check_mpp, settle
from cancernet.slide.unit import Unit, map_unit

KINDS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".svs", ".ndpi", ".scn", ".bif", ".czi", ".svslide")
TOLD = (  # of the summary; the rest tells where files lie
    *("file", "mpp", "section", "patches", "patches_malignant", "patches_benign", "patches_unsure", "tissue_mm2"),
    *("analysed_mm2", "malignant_mm2", "malignant_share", "stain_distance", "stain_limit", "refused", "alarms"),
    "warnings",
)


@dataclass(frozen=True)
class Field:
    """A field to map.

    Attributes:
        path: its file, in a folder of its own, which is gone afterwards.
        mpp: um/px that its sender says; None leaves what the file says.
        model: what to load.
        pixels: of it at most.
    """

    path: Path
    mpp: float | None
    model: Ticket
    pixels: int


def map_sent(field: Field, limits: Limits) -> dict[str, Any]:
    """Map a field, and return the answer.

    Raises:
        Problem: it cannot be mapped, or not in time.
    """
    if field.path.suffix.lower() not in KINDS:
        raise Problem("unsupported", f"a field is one of {', '.join(KINDS)}")
    if field.mpp is not None:
        check_mpp(field.mpp)
    try:
        return apart(map_field, field, within_s=limits.request_s)
    except UnknownScale as error:
        raise Problem("scale-unknown", str(error).replace("--mpp", "mpp")) from None
    except BadSlide as error:
        raise Problem("invalid", str(error).replace("--mpp", "mpp")) from None
    except WorkerDiedError:
        raise Problem("invalid", "it ends the process that reads it; it is damaged") from None
    except TimeoutError as error:
        raise Problem("too-long", str(error), retry_s=30) from None


def map_field(field: Field) -> dict[str, Any]:
    """Map a field into a folder beside it, and return what came of it.

    Raises:
        BadSlide: it cannot be mapped.
    """
    item = SlideInput(field.path, mpp=field.mpp, said_by="mpp", files=(field.path,))
    _check(field)
    made = field.path.parent / "map"
    options = Options(threads=field.model.threads)
    done = map_unit(Unit(item, made, identify(item), field.model, options))
    if done.failed:
        raise BadSlide(done.failed)
    found = read_json(made / summary.NAME, dict) or {}
    with (made / tables.PATCHES).open(newline="", encoding="utf-8") as file:
        patches = [_patch(row) for row in csv.DictReader(file)]
    overlay = base64.b64encode((made / pages.OVERLAY).read_bytes()).decode("ascii")
    return {
        "summary": {name: found[name] for name in TOLD},
        "patches": patches,
        "overlay": f"data:image/png;base64,{overlay}",
    }


def _check(field: Field) -> None:
    reader = open_slide(field.path, threads=1)
    try:
        width, height = reader.size
        if width * height > field.pixels:
            raise BadSlide(f"{width}x{height} px; a field has {field.pixels:,} at most, so serve it with --slides")
        settle(reader.found, asked=field.mpp, model_mpp=field.model.open().mpp, said_by="mpp")
    finally:
        reader.close()


def _patch(row: dict[str, str]) -> dict[str, Any]:
    box = {name: float(row[given]) for name, given in zip(("x", "y", "width", "height"), tables.COLUMNS, strict=False)}
    return box | {
        "probability": float(row["context_prob_malignant"]),
        "alone": float(row["prob_malignant"]),
        "threshold": float(row["threshold"]),
        "decision": row["decision"],
        "reason": restore(row["reason"]),
    }
