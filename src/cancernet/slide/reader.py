"""One way to read any slide: sizes, scale and pixels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from cancernet.common.errors import UserError
from cancernet.slide.scale import BadSlide, Found

MAX_PIXELS = 10_000_000_000  # px; twice a large section at 40x: stops a small file that never ends


@dataclass(frozen=True)
class Level:
    """One resolution of a slide: its size in its own px, and how many full-resolution px one of them covers."""

    width: int
    height: int
    down_x: float
    down_y: float


class Reader(Protocol):
    """An open slide.

    Attributes:
        kind: format and library, in words.
        origin: x, y of the scanned area in full-resolution px; not 0, 0 where a scanner states bounds.
        size: width, height of that area in full-resolution px.
        levels: finest first.
        found: what the file says of its scale.
    """

    kind: str
    origin: tuple[int, int]
    size: tuple[int, int]
    levels: tuple[Level, ...]
    found: Found

    def read(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[Any]:
        """Return uint8 RGB (height, width, 3) of that part of a level, in its px; transparent is white.

        Some formats can be read in whole rows alone, from top to bottom.

        Raises:
            BadSlide: the file is damaged there.
        """

    def close(self) -> None:
        """Let the file go."""


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Make whatever a library meets in a file the reason why that file has no map.

    Args:
        what: is wrong, if anything is.

    Raises:
        BadSlide: for any error, that of a machine out of memory excepted.
    """
    try:
        yield
    except (BadSlide, UserError, MemoryError):
        raise
    except Exception as error:
        raise BadSlide(f"{what} ({first_line(error)})") from error


def first_line(error: Exception) -> str:
    """Return what an error says, in one line; its class where it says nothing."""
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (said.strip().splitlines() or [type(error).__name__])[0][:200]


def refuse_larger(width: int, height: int, most: int | None = None, why: str = "") -> None:
    """Refuse an image of more than `most` px; of MAX_PIXELS by default.

    Raises:
        BadSlide: it has more.
    """
    most = most or MAX_PIXELS
    if width * height > most:
        raise BadSlide(f"too large ({width}x{height} px; at most {most / 1e6:,.0f} megapixels{why})")
