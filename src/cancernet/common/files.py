"""Files that are either whole or absent: write beside the target, then rename over it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cancernet.common.errors import UserError

if TYPE_CHECKING:  # writing a text needs neither
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

TEMPORARY = ".*.tmp*"  # what a killed process may leave beside a file


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a temporary path to write; on success it becomes `target`, on failure it is removed.

    The temporary file sits in the same folder, so the rename is atomic, has a name that no other process or host
    takes, and keeps the target's suffix, because some writers choose a format by it. Where `target` is a link, the
    file it points to is replaced.

    Raises:
        OSError: the folder cannot be made or written.
        UserError: `target` is a device, a pipe or the like.
    """
    if target.is_symlink():
        target = target.resolve()
    if target.exists() and not target.is_file() and not target.is_dir():
        raise UserError(f"{target} is a device or a pipe, not a file that can be replaced; give another name")
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.stem[:80]}.{secrets.token_hex(6)}.tmp{target.suffix}")
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(target: Path, content: bytes) -> None:
    """Write `target`, whole or not at all."""
    with replacing(target) as temporary:
        temporary.write_bytes(content)


def write_text(target: Path, text: str) -> None:
    """Write UTF-8 text to `target`, whole or not at all."""
    write_bytes(target, text.encode())


def to_json(content: object) -> str:
    """Return plain data as the JSON text of our files; what is not finite or not plain raises ValueError."""
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False, default=str) + "\n"


def write_csv(target: Path, table: pd.DataFrame) -> None:
    """Write a table without its index."""
    with replacing(target) as temporary:
        table.to_csv(temporary, index=False)


def write_png(target: Path, image: NDArray[Any]) -> None:
    """Write a picture, uint8 (H, W, 3) RGB.

    Raises:
        UserError: it cannot be a PNG, as one of no pixels.
    """
    import cv2

    try:
        ok, content = cv2.imencode(".png", image[..., ::-1])
    except cv2.error:
        ok = False
    if not ok:
        size = f"{image.shape[1]} x {image.shape[0]} px"
        raise UserError(f"{target}: a picture of {size} cannot be written as PNG")
    write_bytes(target, content.tobytes())


def write_figure(target: Path, figure: Figure) -> None:
    """Draw a figure into a PNG file."""
    with replacing(target) as temporary:
        figure.savefig(temporary, format="png")
