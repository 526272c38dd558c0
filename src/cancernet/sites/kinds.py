"""Is what was named patches or slides: by what the pictures are, not by what they are called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cancernet.common.errors import UserError
from cancernet.data.decode import decode
from cancernet.data.headers import BadImage
from cancernet.data.others import is_document
from cancernet.data.source import FolderSource, read_file
from cancernet.data.stream import open_source
from cancernet.data.zip_source import ZipSource
from cancernet.slide.formats import SCANNERS

PATCHES, SLIDES = "patches", "slides"
LOOKED_AT = 9  # files of a folder, evenly spaced
MOST_BYTES = 1_000_000  # a patch has some 6,000


def kind_of_paths(paths: Sequence[Path]) -> str:
    """Return PATCHES or SLIDES.

    Raises:
        UserError: a path is not there, or some are patches and others slides.
    """
    found: dict[str, Path] = {}
    for path in paths:
        for kind in _kinds(path):
            found.setdefault(kind, path)
    if len(found) == 2:
        raise UserError(
            f"{found[SLIDES]} holds slides or fields and {found[PATCHES]} patches; a site is told from one kind: name "
            "them in two runs"
        )
    return next(iter(found), PATCHES)


def _kinds(path: Path) -> set[str]:
    source = open_source(path)
    if isinstance(source, ZipSource):
        return {PATCHES}
    if source.is_file:
        return {_kind(path)} - {""}
    members = [each.path for each in FolderSource(path).members() if not is_document(each.path)]
    if any(Path(name).suffix.lower() in SCANNERS for name in members):
        return {SLIDES}
    picked = np.unique(np.linspace(0, len(members) - 1, min(LOOKED_AT, len(members))).round().astype(int))
    return {_kind(path / members[i]) for i in picked} - {""}


def _kind(path: Path) -> str:
    """Tell what a file is; "" where it is neither, which reading it will say."""
    if path.suffix.lower() in SCANNERS:
        return SLIDES
    try:
        if path.stat().st_size > MOST_BYTES:
            return SLIDES
        decode(read_file(str(path)))
    except BadImage as reason:
        return SLIDES if str(reason).startswith("too large") else ""
    except OSError:
        return ""
    return PATCHES
