"""What a reader of a format gives: samples as they are in the file, not yet a patch."""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray


class Picture(NamedTuple):
    """Decoded samples."""

    pixels: NDArray[Any]  # uint8 or uint16: grey (h, w), RGB (h, w, 3) or RGBA (h, w, 4)
    multiplied: bool = False  # whether its colours are multiplied by alpha already
