"""Which folder a slide's results go to: named after it, never one that holds something else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cancernet.common.files import write_text

OWNER = "slide.json"  # whose results a folder holds; the first file written into it
RESERVED = ("index.html", "errors.csv")  # files beside the folders


def identify(path: Path) -> dict[str, Any]:
    """Return what tells a slide from others and from an older state of itself: path, bytes, time of change (ns).

    Raises:
        OSError: it is not there.
    """
    stat = path.stat()
    return {"path": str(path.resolve()), "bytes": stat.st_size, "changed_ns": stat.st_mtime_ns}


def assign_folders(paths: Sequence[Path], out: Path) -> list[Path]:
    """Return a folder of `out` for each slide; neither folders nor slides need exist.

    A slide keeps the folder it had. Otherwise it takes the first of NAME, NAME-2, NAME-3 that is free; a
    folder of that name that is not ours, or another slide's, is left alone.
    """
    chosen: list[Path] = []
    for path in paths:
        name = f"{path.stem}-slide" if path.stem in RESERVED else path.stem
        number, folder = 1, out / name
        while folder in chosen or not _free(folder, path):
            number += 1
            folder = out / f"{name}-{number}"
        chosen.append(folder)
    return chosen


def claim(folder: Path, owner: dict[str, Any]) -> None:
    """Write whose results a folder holds."""
    write_text(folder / OWNER, json.dumps(owner, indent=1) + "\n")


def owner_of(folder: Path) -> dict[str, Any] | None:
    """Return whose results a folder holds, or nothing."""
    try:
        found = json.loads((folder / OWNER).read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):  # absent, or of another program
        return None
    return found if isinstance(found, dict) else None


def discard(folder: Path, path: Path, work: str) -> None:
    """Remove what a slide that could not be mapped has left: its work, our note, and the folder if then empty.

    Results of an earlier state of the slide stay.
    """
    owner = owner_of(folder)
    if owner is None or owner.get("path") != str(path.resolve()):
        return
    shutil.rmtree(folder / work, ignore_errors=True)
    if [item.name for item in folder.iterdir()] == [OWNER]:
        (folder / OWNER).unlink()
        folder.rmdir()


def _free(folder: Path, path: Path) -> bool:
    owner = owner_of(folder)
    if owner is not None:
        return owner.get("path") == str(path.resolve())
    return not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
