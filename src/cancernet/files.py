"""Tables and pictures as files that are either whole or absent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cancernet.atomic import replacing
from cancernet.errors import UserError


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table without its index."""
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False)


def write_png(path: Path, image: NDArray[Any]) -> None:
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
        raise UserError(
            f"{path}: a picture of {image.shape[1]} x {image.shape[0]} px cannot be written as PNG"
        )
    with replacing(path) as temporary:
        temporary.write_bytes(content.tobytes())


def write_figure(path: Path, figure: Figure) -> None:
    """Draw a figure into a PNG file."""
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png")
