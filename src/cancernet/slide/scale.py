"""How many micrometres a pixel of a slide is, and whether that can be believed.

A model sees one scale. On another it answers just as surely, and wrongly, so a slide whose scale is
missing, contradictory or too coarse is refused with what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cancernet.common.errors import UserError

UM_AT_1X = 10.0  # um/px x objective power on scanners: 0.25 at 40x, 0.5 at 20x
MPP_LIMITS = (0.05, 20.0)  # um/px; beyond a 100x oil objective and beyond any overview scan
DPI_LIMITS = (0.05, 10.0)  # um/px; 300 dpi is 85: what a print resolution may be to be a microscope's
AGREE = 1.1  # two statements of one file; further apart, one of them is of another state of it
MPP_SKEW = 1.2  # across to down; scanners differ by a percent
POWER_SKEW = 1.5  # stated um/px to what the objective makes; scanners of 40x range from 0.23 to 0.28
ASKED_SKEW = 4.0  # --mpp to what the file states, above which one of them is of another image
NOTED = 1.02  # --mpp to what the file states, from which on the difference is told
OVERVIEW = 100.0  # um/px; a coarser one is a slip of a converter, which --mpp may correct
COARSEST = 1.25  # um/px of a slide to that of the model, above which detail would be invented
SAY = "pass --mpp, the um a pixel (usually 0.25 at 40x, 0.5 at 20x)"


class BadSlide(Exception):  # noqa: N818 - the name says what was met, as data.headers.BadImage does
    """A file that cannot be mapped; its text is the reason listed in errors.csv."""


class UnknownScale(BadSlide):
    """A file whose scale has to be said by who knows it."""


@dataclass(frozen=True)
class Said:
    """One statement of a file about its scale.

    Attributes:
        mpp_x: um/px at full resolution.
        mpp_y: the same, downwards.
        source: where it stands, such as "OME PhysicalSizeX".
        printed: whether it is a resolution as printers have it, which is a microscope's only within DPI_LIMITS.
    """

    mpp_x: float
    mpp_y: float
    source: str
    printed: bool = False


@dataclass(frozen=True)
class Found:
    """What a file says of its scale.

    Attributes:
        mpp_x: um/px at full resolution, or nothing.
        mpp_y: the same, downwards.
        source: where that stands, such as "openslide.mpp-x".
        power: objective power, or nothing.
        others: further statements, which have to agree.
        doubts: what the file has that is no scale, and why, for who wonders.
    """

    mpp_x: float | None = None
    mpp_y: float | None = None
    source: str = ""
    power: float | None = None
    others: tuple[Said, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def statements(self) -> tuple[Said, ...]:
        """All that it says, what goes first before the others."""
        if self.mpp_x is None or self.mpp_y is None:
            return self.others
        return (Said(self.mpp_x, self.mpp_y, self.source), *self.others)

    @property
    def stated(self) -> float | None:
        """Whether by itself or by the objective: um/px across that the file states, if any scanner makes that."""
        mpp = self.mpp_x or (UM_AT_1X / self.power if self.power else None)
        return mpp if mpp is not None and MPP_LIMITS[0] <= mpp <= OVERVIEW else None


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


def found_from(said: Sequence[Said], power: float | None = None, doubts: Sequence[str] = ()) -> Found:
    """Order what a file says: what states micrometres goes before a resolution as printers have it.

    Args:
        said: its statements.
        power: objective power, where it is stated.
        doubts: what has been left out already, and why.
    """
    believed = sorted((each for each in said if not each.printed or _microscopes(each)), key=lambda each: each.printed)
    doubts = [*doubts, *(_doubt(each) for each in said if each not in believed)]
    if not believed:
        return Found(power=power, doubts=tuple(doubts))
    first, *others = believed
    return Found(first.mpp_x, first.mpp_y, first.source, power, tuple(others), tuple(doubts))


def _microscopes(said: Said) -> bool:
    return believable(said.mpp_x) and believable(said.mpp_y)


def _doubt(said: Said) -> str:
    return f"its {said.source} says {said.mpp_x:.4g} um/px, which no slide scanner makes"


def settle(
    found: Found, *, asked: float | None, model_mpp: float, usual: float | None = None, said_by: str = "--mpp"
) -> Scale:
    """Decide the scale of a slide.

    Args:
        found: what its file says.
        asked: --mpp for this slide, which overrides it, but does not contradict it by more than ASKED_SKEW.
        model_mpp: um/px the model was trained at.
        usual: --mpp for several slides, which stands for those that state none.
        said_by: what `asked` was said by, for who reads the results.

    Raises:
        BadSlide: no scale, a contradictory or impossible one, or a slide too coarse for the model; says
            what to do.
    """
    if asked is None and usual is not None and found.stated is None:
        asked = usual
    scale = _asked(found, asked, said_by) if asked is not None else _stated(found)
    if asked is None and usual is not None and _ratio(scale.mpp_x, usual) > NOTED:
        note = f"its own {scale.mpp_x:.4g} um/px stands, and not the --mpp {usual:g} for slides that state none"
        scale = replace(scale, note=note)
    coarse = max(scale.mpp_x, scale.mpp_y) / model_mpp
    if coarse > COARSEST:
        correct = ", or correct the scale with --mpp" if coarse <= COARSEST * ASKED_SKEW else ""
        raise BadSlide(
            f"too coarse: {scale.mpp_x:g} um/px ({scale.source}) and the model sees {model_mpp:g}; "
            f"enlarging would invent detail, so use a finer scan{correct}"
        )
    return scale


def _asked(found: Found, asked: float, said_by: str) -> Scale:
    note = ""
    stated = found.stated
    if stated is not None and _ratio(stated, asked) > ASKED_SKEW:
        raise BadSlide(
            f"contradictory scale: {said_by} {asked:g}, and the file states {stated:.4g} um/px, more than "
            f"{ASKED_SKEW:g} times apart; is it an overview? Take the slide itself, or correct what the file states"
        )
    if stated is not None and _ratio(stated, asked) > NOTED:
        note = f"{said_by} {asked:g} overrides the {stated:.4g} um/px that the file states"
    return Scale(asked, asked, said_by, note)


def _stated(found: Found) -> Scale:
    if found.mpp_x is None or found.mpp_y is None:
        if not found.power:
            raise UnknownScale(f"no scale in the file{_but(found)}; {SAY}")
        mpp = UM_AT_1X / found.power
        note = f"scale taken from the objective power alone ({found.power:g}x): check it"
        scale = Scale(mpp, mpp, "objective power", note)
    else:
        scale = Scale(found.mpp_x, found.mpp_y, found.source)
    for mpp in (scale.mpp_x, scale.mpp_y):
        if not MPP_LIMITS[0] <= mpp <= OVERVIEW:
            raise UnknownScale(f"impossible scale in the file ({mpp:g} um/px, {scale.source}); {SAY}")
    for other in found.others:
        if max(_ratio(scale.mpp_x, other.mpp_x), _ratio(scale.mpp_y, other.mpp_y)) > AGREE:
            raise UnknownScale(
                f"contradictory scale: {scale.mpp_x:.4g} um/px ({scale.source}) and "
                f"{other.mpp_x:.4g} ({other.source}); {SAY}"
            )
    if _ratio(scale.mpp_x, scale.mpp_y) > MPP_SKEW:
        raise UnknownScale(
            f"contradictory scale: {scale.mpp_x:g} um/px across and {scale.mpp_y:g} down ({scale.source}); {SAY}"
        )
    if found.power and _ratio(scale.mpp_x * found.power, UM_AT_1X) > POWER_SKEW:
        raise UnknownScale(
            f"contradictory scale: {scale.mpp_x:g} um/px ({scale.source}) but an objective of "
            f"{found.power:g}x, which makes {UM_AT_1X / found.power:g}; {SAY}"
        )
    return scale


def _but(found: Found) -> str:
    return "".join(f"; {doubt}" for doubt in found.doubts)


def _ratio(a: float, b: float) -> float:
    return max(a / b, b / a) if a > 0 and b > 0 else float("inf")
