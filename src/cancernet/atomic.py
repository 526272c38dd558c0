"""Files that are either whole or absent: write beside the target, then rename over it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a temporary path to write; on success it becomes `target`, on failure it is removed.

    The temporary file sits in the same folder, so the rename is atomic. It keeps the target's
    suffix, because some writers choose a format by it.

    Raises:
        OSError: the folder cannot be made or written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.stem}.{os.getpid()}.tmp{target.suffix}")
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(target: Path, text: str) -> None:
    """Write UTF-8 text to `target`, whole or not at all."""
    with replacing(target) as temporary:
        temporary.write_text(text, encoding="utf-8")
