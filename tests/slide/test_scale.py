"""The scale is right, or the slide is refused with what to do."""

from __future__ import annotations

import math

import pytest

from cancernet.common.errors import UserError
from cancernet.slide.scale import BadSlide, Found, Said, believable, check_mpp, found_from, settle


def settled(found: Found, asked: float | None = None):
    return settle(found, asked=asked, model_mpp=4.0)


def test_a_stated_scale_is_taken_with_where_it_stood() -> None:
    scale = settled(Found(0.25, 0.252, "openslide.mpp-x", 40))
    assert (scale.mpp_x, scale.mpp_y, scale.source, scale.note) == (0.25, 0.252, "openslide.mpp-x", "")


@pytest.mark.parametrize(("power", "mpp"), [(40, 0.25), (20, 0.5)])
def test_an_objective_alone_gives_the_scale_and_a_note(power: float, mpp: float) -> None:
    scale = settled(Found(power=power))
    assert scale.mpp_x == scale.mpp_y == mpp
    assert "objective power alone" in scale.note


def test_no_scale_is_refused_with_the_option_and_usual_values() -> None:
    with pytest.raises(BadSlide, match=r"no scale.*--mpp.*0\.25 at 40x, 0\.5 at 20x"):
        settled(Found())


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (Found(0.5, 0.5, "openslide.mpp-x", 40), "objective of 40x, which makes 0.25"),
        (Found(0.1, 0.1, "openslide.mpp-x", 40), "contradictory"),
        (Found(0.25, 0.31, "openslide.mpp-x"), "0.25 um/px across and 0.31 down"),
        (Found(0.0, 0.25, "openslide.mpp-x"), "impossible"),
        (Found(math.nan, 0.25, "openslide.mpp-x"), "impossible"),
        (Found(352.8, 352.8, "openslide.mpp-x"), "impossible"),
        (Found(5.1, 5.1, "openslide.mpp-x"), "too coarse"),
    ],
)
def test_a_scale_that_cannot_be_right_is_refused(found: Found, says: str) -> None:
    with pytest.raises(BadSlide, match=says) as error:
        settled(found)
    assert "--mpp" in str(error.value)


@pytest.mark.parametrize("found", [Found(0.25, 0.31, "x"), Found(0.5, 0.5, "x", 40), Found(0.0, 0.0, "x")])
def test_asking_overrides_whatever_the_file_says(found: Found) -> None:
    scale = settled(found, asked=0.25)
    assert (scale.mpp_x, scale.mpp_y, scale.source) == (0.25, 0.25, "--mpp")


@pytest.mark.parametrize("found", [Found(28.97, 28.97, "openslide.mpp-x"), Found(2.1, 2.1, "x"), Found(power=2)])
def test_asking_for_another_scale_altogether_is_refused(found: Found) -> None:
    with pytest.raises(BadSlide, match=r"--mpp 0\.5, and the file states .* um/px, more than 4 times apart"):
        settled(found, asked=0.5)


def test_what_no_scanner_writes_may_be_corrected() -> None:
    assert settled(Found(352.8, 352.8, "x"), asked=0.5).mpp_x == 0.5


def test_an_overview_is_too_coarse_and_no_other_scale_is_asked_for() -> None:
    with pytest.raises(BadSlide, match=r"too coarse: 28\.97 um/px .*use a finer scan$"):
        settled(Found(28.97, 28.97, "x"))


def test_overriding_another_scale_is_noted_and_confirming_it_is_not() -> None:
    assert "overrides the 0.5 um/px" in settled(Found(0.5, 0.5, "x"), asked=0.25).note
    assert settled(Found(0.25, 0.25, "x"), asked=0.25).note == ""


@pytest.mark.parametrize(("mpp", "fine"), [(4.9, True), (5.1, False)])
def test_a_slide_may_be_a_quarter_coarser_than_the_model_and_no_more(mpp: float, fine: bool) -> None:
    if fine:
        assert settled(Found(), asked=mpp).mpp_x == mpp
    else:
        with pytest.raises(BadSlide, match="too coarse"):
            settled(Found(), asked=mpp)


@pytest.mark.parametrize("asked", [0, -0.25, math.nan, math.inf, 0.01, 250])
def test_an_impossible_option_is_the_users_mistake(asked: float) -> None:
    with pytest.raises(UserError, match="--mpp"):
        check_mpp(asked)


@pytest.mark.parametrize("asked", [0.05, 0.25, 20])
def test_a_possible_option_passes(asked: float) -> None:
    check_mpp(asked)


@pytest.mark.parametrize("dpi", [72, 96, 300, 600])
def test_print_resolutions_say_nothing(dpi: float) -> None:
    assert not believable(25_400 / dpi)
    assert believable(0.25)
    assert not believable(None)


OME, MPP, DPI = Said(0.25, 0.25, "OME"), Said(0.5, 0.5, "MPP"), Said(0.25, 0.25, "TIFF", printed=True)


def test_micrometres_go_before_a_print_resolution() -> None:
    found = found_from([DPI, OME])
    assert (found.source, [other.source for other in found.others]) == ("OME", ["TIFF"])
    assert found_from([DPI]).source == "TIFF"


@pytest.mark.parametrize("mpp", [0.025, 84.67])
def test_a_print_resolution_that_no_scanner_makes_is_named_where_there_is_nothing_else(mpp: float) -> None:
    printed = Said(mpp, mpp, "TIFF resolution", printed=True)
    with pytest.raises(BadSlide, match=f"no scale in the file; its TIFF resolution says {mpp:g} um/px.*--mpp"):
        settled(found_from([printed]))
    assert settled(found_from([printed, OME])).mpp_x == 0.25
    assert settled(found_from([printed]), asked=0.5).mpp_x == 0.5


def test_two_statements_that_differ_are_refused_and_both_are_named() -> None:
    with pytest.raises(BadSlide, match=r"contradictory scale: 0\.25 um/px \(OME\) and 0\.5 \(MPP\).*--mpp"):
        settled(found_from([OME, MPP]))
    assert settled(found_from([OME, MPP]), asked=0.25).mpp_x == 0.25
    assert settled(found_from([OME, DPI])).source == "OME"


def test_what_is_said_of_many_slides_stands_in_only_where_one_states_nothing() -> None:
    assert settle(Found(), asked=None, model_mpp=4.0, usual=0.25).mpp_x == 0.25
    kept = settle(Found(0.5, 0.5, "x"), asked=None, model_mpp=4.0, usual=0.25)
    assert kept.mpp_x == 0.5
    assert "its own 0.5 um/px stands" in kept.note
    assert settle(Found(0.25, 0.25, "x"), asked=None, model_mpp=4.0, usual=0.25).note == ""


def test_a_slip_of_a_converter_is_stated_as_impossible_and_may_be_stood_in_for() -> None:
    slip = Found(0.025, 0.025, "OME PhysicalSizeX")
    with pytest.raises(BadSlide, match=r"impossible scale in the file \(0\.025 um/px, OME PhysicalSizeX\)"):
        settled(slip)
    assert settle(slip, asked=None, model_mpp=4.0, usual=0.25).mpp_x == 0.25
