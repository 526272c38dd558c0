"""What reading any slide shares: the levels of a file, and what is wrong with one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cancernet.common.errors import UserError
from cancernet.slide.scale import BadSlide

MAX_PIXELS = 10_000_000_000  # px; twice a large section at 40x: stops a small file that never ends


@dataclass(frozen=True)
class Level:
    """One resolution of a slide, in its own px.

    Attributes:
        width: px.
        height: px.
        down_x: full-resolution px that one of its px covers.
        down_y: the same, downwards.
        tile: width and height of the tiles that it is read by, which cost as much in part as whole; (1, 1) where it is
            not, or where they are not known.
    """

    width: int
    height: int
    down_x: float
    down_y: float
    tile: tuple[int, int] = (1, 1)


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
    lines = [line.strip() for line in said.strip().splitlines()]
    telling = [
        line for line in lines if not line.startswith("unable to call")
    ]  # libvips' own words: its reason follows
    return (telling or lines or [type(error).__name__])[0][:200]


def refuse_larger(width: int, height: int, most: int | None = None, why: str = "") -> None:
    """Refuse an image of more than `most` px; of MAX_PIXELS by default.

    Raises:
        BadSlide: it has more.
    """
    most = most or MAX_PIXELS
    if width * height > most:
        raise BadSlide(f"too large ({width}x{height} px; at most {most / 1e6:,.0f} megapixels{why})")


def level_of(
    full: tuple[int, int], size: tuple[int, int], area: tuple[int, int], tile: tuple[int, int] = (1, 1)
) -> Level:
    """Return a level of a slide.

    Args:
        full: width, height of the plane at full resolution, px.
        size: the same of the level.
        area: width, height of the scanned part of the plane at full resolution, px.
        tile: width, height of its tiles, px of the level; 1 where it has none that are known.
    """
    down_x, down_y = _down(full[0], size[0]), _down(full[1], size[1])
    width, height = min(size[0], int(area[0] / down_x)), min(size[1], int(area[1] / down_y))
    return Level(max(1, width), max(1, height), down_x, down_y, tile)


def _down(full: int, size: int) -> float:
    """Full-resolution px under one px of a level of that size.

    A level of 187 px of a slide of 3,000 was reduced 16 times, with a remainder dropped, not 16.04 times.
    """
    whole = round(full / size)
    return float(whole) if abs(full / whole - size) < 1 else full / size
