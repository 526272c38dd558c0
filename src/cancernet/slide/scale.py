"""How many micrometres a pixel of a slide is, and whether that can be believed.

A model sees one scale. On another it answers just as surely, and wrongly, so a slide whose scale is
missing, contradictory or too coarse is refused with what to do.
"""

from __future__ import annotations

from dataclasses import dataclass

from cancernet.common.errors import UserError

UM_AT_1X = 10.0  # um/px x objective power on scanners: 0.25 at 40x, 0.5 at 20x
MPP_LIMITS = (0.05, 20.0)  # um/px; beyond a 100x oil objective and beyond any overview scan
DPI_LIMITS = (0.05, 10.0)  # um/px; 300 dpi is 85: what a print resolution may be to be a microscope's
MPP_SKEW = 1.2  # across to down; scanners differ by a percent
POWER_SKEW = 1.5  # stated um/px to what the objective makes; scanners of 40x range from 0.23 to 0.28
ASKED_SKEW = 4.0  # --mpp to what the file states, above which one of them is of another image
OVERVIEW = 100.0  # um/px; a coarser one is a slip of a converter, which --mpp may correct
COARSEST = 1.25  # um/px of a slide to that of the model, above which detail would be invented
SAY = "pass --mpp, the um a pixel (usually 0.25 at 40x, 0.5 at 20x)"


class BadSlide(Exception):  # noqa: N818 - the name says what was met, as data.headers.BadImage does
    """A file that cannot be mapped; its text is the reason listed in errors.csv."""


@dataclass(frozen=True)
class Found:
    """What a file says of its scale.

    Attributes:
        mpp_x: um/px at full resolution, or nothing.
        mpp_y: the same, downwards.
        source: where that stands, such as "openslide.mpp-x".
        power: objective power, or nothing.
    """

    mpp_x: float | None = None
    mpp_y: float | None = None
    source: str = ""
    power: float | None = None


@dataclass(frozen=True)
class Scale:
    """The scale that is used: um/px at full resolution, where it came from, and a note where one is due."""

    mpp_x: float
    mpp_y: float
    source: str
    note: str = ""


def check_mpp(asked: float) -> None:
    """Refuse a --mpp that no microscope makes.

    Raises:
        UserError: not a number, zero, negative, or outside MPP_LIMITS.
    """
    low, high = MPP_LIMITS
    if not low <= asked <= high:  # nor what is no number
        raise UserError(
            f"--mpp {asked:g}: not between {low:g} and {high:g} um a pixel; usual are 0.25 at 40x, 0.5 at 20x"
        )


def believable(mpp: float | None) -> bool:
    """Whether a resolution in a TIFF, PNG or JPEG can be a microscope's: 72 or 300 dpi say nothing."""
    low, high = DPI_LIMITS
    return mpp is not None and low <= mpp <= high


def settle(found: Found, *, asked: float | None, model_mpp: float) -> Scale:
    """Decide the scale of a slide.

    Args:
        found: what its file says.
        asked: --mpp, which overrides it, but does not contradict it by more than ASKED_SKEW.
        model_mpp: um/px the model was trained at.

    Raises:
        BadSlide: no scale, a contradictory or impossible one, or a slide too coarse for the model; says
            what to do.
    """
    scale = _asked(found, asked) if asked is not None else _stated(found)
    coarse = max(scale.mpp_x, scale.mpp_y) / model_mpp
    if coarse > COARSEST:
        correct = ", or correct the scale with --mpp" if coarse <= COARSEST * ASKED_SKEW else ""
        raise BadSlide(
            f"too coarse: {scale.mpp_x:g} um/px ({scale.source}) and the model sees {model_mpp:g}; "
            f"enlarging would invent detail, so use a finer scan{correct}"
        )
    return scale


def _asked(found: Found, asked: float) -> Scale:
    note = ""
    stated = found.mpp_x or (UM_AT_1X / found.power if found.power else None)
    if stated is not None and stated <= OVERVIEW and _ratio(stated, asked) > ASKED_SKEW:
        raise BadSlide(
            f"contradictory scale: --mpp {asked:g}, and the file states {stated:.4g} um/px, more than {ASKED_SKEW:g} "
            "times apart; is it an overview? Take the slide itself, or correct what the file states"
        )
    if stated is not None and abs(stated / asked - 1) > 0.02:
        note = f"--mpp {asked:g} overrides the {stated:.4g} um/px that the file states"
    return Scale(asked, asked, "--mpp", note)


def _stated(found: Found) -> Scale:
    if found.mpp_x is None or found.mpp_y is None:
        if not found.power:
            raise BadSlide(f"no scale in the file; {SAY}")
        mpp = UM_AT_1X / found.power
        note = f"scale taken from the objective power alone ({found.power:g}x): check it"
        scale = Scale(mpp, mpp, "objective power", note)
    else:
        scale = Scale(found.mpp_x, found.mpp_y, found.source)
    for mpp in (scale.mpp_x, scale.mpp_y):
        if not MPP_LIMITS[0] <= mpp <= OVERVIEW:
            raise BadSlide(f"impossible scale in the file ({mpp:g} um/px, {scale.source}); {SAY}")
    if _ratio(scale.mpp_x, scale.mpp_y) > MPP_SKEW:
        raise BadSlide(
            f"contradictory scale: {scale.mpp_x:g} um/px across and {scale.mpp_y:g} down ({scale.source}); {SAY}"
        )
    if found.power and _ratio(scale.mpp_x * found.power, UM_AT_1X) > POWER_SKEW:
        raise BadSlide(
            f"contradictory scale: {scale.mpp_x:g} um/px ({scale.source}) but an objective of "
            f"{found.power:g}x, which makes {UM_AT_1X / found.power:g}; {SAY}"
        )
    return scale


def _ratio(a: float, b: float) -> float:
    return max(a / b, b / a)
