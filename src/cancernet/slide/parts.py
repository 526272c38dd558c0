"""Pictures that are parts of a slide: each opens as a JPEG, the map and the macro of it too, at scales of their own."""

from __future__ import annotations

from pathlib import Path

NAMING = (".vms", ".vmu")  # text files of Hamamatsu's that name what a slide is made of
MAX_NAMING = 65_536  # bytes; OpenSlide takes no larger one


def named_by(path: Path) -> str:
    """Return the name of the slide that a picture is a part of, as a file beside it says; "" where none does.

    A folder that cannot be listed, or a file in it that cannot be read, says nothing.
    """
    try:
        beside = sorted(each for each in path.parent.iterdir() if each.suffix.lower() in NAMING and each.is_file())
        return next((each.name for each in beside if path.name in _names(each)), "")
    except OSError:
        return ""


def _names(naming: Path) -> set[str]:
    with naming.open("rb") as file:
        lines = file.read(MAX_NAMING).decode("utf-8", errors="replace").splitlines()
    return {line.partition("=")[2].strip() for line in lines}
