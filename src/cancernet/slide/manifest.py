"""A list of slides: a CSV with a row a slide."""

from __future__ import annotations

from pathlib import Path

from cancernet.common.errors import UserError
from cancernet.common.limits import read_rows
from cancernet.common.text import restore
from cancernet.slide.inputs import SlideInput
from cancernet.slide.scale import check_mpp

WHAT = "the manifest"
SEPARATORS = ",;\t"
COLUMNS = ("path", "patient", "mpp", "series", "scanner", "roi", "annotations")


def read_manifest(file: Path) -> tuple[list[SlideInput], list[str]]:
    """Return the slides of a manifest in its order, and what a user ought to know.

    Args:
        file: CSV with a head: `path`, and any of `patient`, `mpp` (um/px, in place of what the file says), `series`,
            `scanner`, `roi` (annotations within which it is judged) and `annotations` (of what is benign and what
            malignant). Cells may be empty. Paths are absolute, or relative to the file's folder.

    Raises:
        UserError: unreadable, no `path`, a column twice, a row that cannot be right; says which line.
    """
    rows = read_rows(file, WHAT, SEPARATORS)
    head = [cell.strip().lower() for cell in rows[0][1]] if rows else []
    if "path" not in head or len(rows) == 1:
        raise UserError(f"{file}: {_lacks(head, len(rows))}; its columns may be {','.join(COLUMNS)}")
    for name in COLUMNS:
        if head.count(name) > 1:
            raise UserError(f"{file}: two columns {name}; keep one of them")
    unknown = [name for name in head if name not in COLUMNS]
    notes = [f"{file.name}: columns that mean nothing here: {', '.join(map(repr, unknown))}"] if unknown else []
    return [_row(file, line, dict(zip(head, cells, strict=False))) for line, cells in rows[1:]], notes


def _lacks(head: list[str], rows: int) -> str:
    return (
        f"needs a column path, and its first line is {','.join(head)[:100]!r}"
        if rows != 1 or "path" not in head
        else ("has no row below its head")
    )


def _row(file: Path, line: int, cells: dict[str, str]) -> SlideInput:
    where = f"{file}, line {line}"
    if not cells.get("path"):
        raise UserError(f"{where}: the path is missing; fill it in, or delete the line")
    roi, annotations = (_beside(file, cells[name]) if cells.get(name) else None for name in ("roi", "annotations"))
    return SlideInput(
        _beside(file, cells["path"]),
        patient=restore(cells.get("patient", "")),
        mpp=_mpp(where, cells.get("mpp", "")),
        said_by=f"the mpp in {file.name}",
        series=_series(where, cells.get("series", "")),
        scanner=restore(cells.get("scanner", "")),
        roi=roi,
        annotations=annotations,
    )


def _beside(file: Path, cell: str) -> Path:
    """A path in the list: a separator of Windows counts where no such file is there."""
    path = file.parent / Path(restore(cell)).expanduser()
    return path if path.exists() or "\\" not in cell else file.parent / restore(cell).replace("\\", "/")


def _mpp(where: str, cell: str) -> float | None:
    if not cell:
        return None
    try:
        mpp = float(cell)
        check_mpp(mpp)
    except (ValueError, UserError) as error:
        raise UserError(f"{where}: mpp {cell!r} is not um a pixel, such as 0.25 at 40x") from error
    return mpp


def _series(where: str, cell: str) -> int | None:
    if cell and not cell.isdecimal():
        raise UserError(f"{where}: series {cell!r} is not the number of an image, from 0 on")
    return int(cell) if cell else None
