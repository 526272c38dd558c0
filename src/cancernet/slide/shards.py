"""The cohort of slides that the jobs of an array mapped, each into a folder of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cancernet.common.errors import UserError
from cancernet.common.output import Output
from cancernet.common.shard import whole
from cancernet.slide.cohort import FILES, PARQUET, TABLE, cohort_rows, write_cohort
from cancernet.slide.cohort_row import FAILED, Row
from cancernet.slide.summary import NAME, read_summary

KIND = "gather"
OF_ALL = ("cancernet", "stride", "viewer_mpp", "tables", "min_tissue", "model")  # settings that are of no one slide


def gather_slides(folder: Path) -> list[Row]:
    """Write the cohort of all parts of a folder: its table, its page, and the list of what failed.

    The folders of the slides stay where they are, in those of the parts.

    Args:
        folder: `--out` of the jobs.

    Returns:
        A row a slide, mapped or not.

    Raises:
        UserError: a part is missing or has not ended, or parts were made with different settings or models.
    """
    parts = whole(folder, TABLE, make="cancernet slide --shard I/N")
    _refuse_mixed(parts)
    rows = [
        replace(row, folder=f"{part.name}/{row.folder}" if row.folder else "")
        for part in parts
        for row in cohort_rows(part)
    ]
    with Output(folder, KIND, names=FILES) as output:
        output.errors = [(row.path, row.reason) for row in rows if row.status == FAILED]
        write_cohort(output, rows, tables=["parquet"] if any((part / PARQUET).exists() for part in parts) else [])
    if all(row.status == FAILED for row in rows):
        raise UserError(f"{folder}: no slide could be mapped of {len(rows)}; see errors.csv there")
    return rows


def _refuse_mixed(parts: Sequence[Path]) -> None:
    """Refuse slides that were mapped in two ways: what differs between them would not be theirs."""
    first: tuple[Path, dict[str, Any]] | None = None
    for place in (path.parent for part in parts for path in sorted(part.glob(f"*/{NAME}"))):
        settings = (read_summary(place) or {}).get("settings")
        if settings is None:  # cohort_rows says that it cannot be read
            continue
        mine = {name: settings.get(name) for name in OF_ALL}
        first = first or (place, mine)
        if differ := [name for name in OF_ALL if mine[name] != first[1][name]]:
            raise UserError(f"{place} and {first[0]} were mapped with another {differ[0]}; map those of one run again")
