import numpy as np
import pytest

from cancernet.report.overlay import LEAST_SPAN, enlarged, span_of, tinted

GREY = np.full((50, 50, 3), 200, np.uint8)


def tint(evidence, **options):
    return tinted(GREY, np.array(evidence, "float32"), **{"neutral": 0.0, "span": 2.0, "side": 200, **options})


def test_for_malignant_is_warm_for_benign_cold_and_neutral_has_no_colour():
    picture = tint([[1.4, -1.4]]).astype(int)
    left, right = picture[100, 30], picture[100, 170]
    assert left[0] > left[2] + 30
    assert right[2] > right[0] + 30
    plain = tint([[1.0, 1.0]], neutral=1.0).astype(int)[100, 100]
    assert np.ptp(plain) < 6


def test_colour_turns_at_neutral():
    assert tint([[0.5]], neutral=1.0)[100, 100, 2] > tint([[0.5]], neutral=0.0)[100, 100, 2]


def test_tissue_shows_through():
    patch = GREY.copy()
    patch[:, 25:] = 60
    picture = tinted(patch, np.full((7, 7), 0.4, "float32"), neutral=0, span=2, side=200)
    assert picture[100, 50].mean() > picture[100, 150].mean() + 20


def test_strong_cells_are_outlined_so_that_black_and_white_shows_them():
    field = np.zeros((7, 7))
    field[3, 3] = 2.0
    assert (tint(field) == 0).all(axis=2).any()
    assert (tint(-field) == 0).all(axis=2).any()
    assert not (tint(field / 4) == 0).all(axis=2).any()


def test_the_span_holds_most_cells_and_is_never_tiny():
    evidence = np.linspace(-10, 10, 1000).reshape(10, 10, 10)
    assert span_of(evidence, 0.0) == pytest.approx(9.5, abs=0.1)
    assert span_of(evidence * 0, 0.0) == LEAST_SPAN


def test_enlarging_keeps_the_pixels():
    patch = np.random.default_rng(0).integers(0, 256, (50, 50, 3), dtype=np.uint8)
    np.testing.assert_array_equal(enlarged(patch, 400)[4::8, 4::8], patch)
