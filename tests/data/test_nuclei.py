import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cancernet.data.nuclei import PIXEL, NucleusShape, draw_nuclei, scatter
from cancernet.data.tissue import EPITHELIAL, LYMPHOCYTE, MALIGNANT, STROMAL

ROUND = NucleusShape(long=10, short=10, spread=0, irregularity=0)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), height=st.integers(5, 80), width=st.integers(5, 80), spacing=st.floats(2, 20))
def test_points_lie_inside_the_mask(seed, height, width, spacing):
    rng = np.random.default_rng(seed)
    where = rng.random((height, width)) < 0.5
    points = scatter(rng, where, spacing=spacing, keep=1.0)
    column, row = np.floor(points).astype(int).T
    assert where[row, column].all()


def test_points_are_about_spacing_apart():
    points = scatter(np.random.default_rng(0), np.ones((400, 400), bool), spacing=10, keep=1.0)
    assert len(points) == pytest.approx(1600, rel=0.08)


def test_keep_thins_the_points():
    where = np.ones((400, 400), bool)
    every = scatter(np.random.default_rng(0), where, spacing=8, keep=1.0)
    some = scatter(np.random.default_rng(0), where, spacing=8, keep=0.3)
    assert len(some) == pytest.approx(0.3 * len(every), rel=0.15)


def test_empty_mask_gives_no_points():
    assert scatter(np.random.default_rng(0), np.zeros((50, 50), bool), spacing=5, keep=1.0).shape == (0, 2)


def one(shape, *, seed=0, depth=200.0, uneven=0.0):
    layer = np.zeros((60, 60), np.uint8)
    draw_nuclei(np.random.default_rng(seed), layer, np.array([[30.0, 30.0]]), shape, depth=depth, uneven=uneven)
    return layer


def test_round_nucleus_has_the_area_of_its_radius():
    area = (one(ROUND) > 100).sum()
    assert area == pytest.approx(np.pi * (10 / PIXEL) ** 2, rel=0.25)


def test_nucleus_is_drawn_about_its_centre():
    y, x = np.nonzero(one(ROUND) > 100)
    assert x.mean() == pytest.approx(30, abs=0.7)
    assert y.mean() == pytest.approx(30, abs=0.7)


def test_depth_is_the_level_drawn():
    assert one(ROUND, depth=120)[30, 30] == 120


def test_uneven_nuclei_differ_in_depth():
    levels = {int(one(ROUND, seed=seed, uneven=0.3)[30, 30]) for seed in range(8)}
    assert len(levels) > 4


def test_no_centres_draw_nothing():
    layer = np.zeros((20, 20), np.uint8)
    draw_nuclei(np.random.default_rng(0), layer, np.zeros((0, 2)), ROUND, depth=200)
    assert not layer.any()


def test_nuclei_at_the_edge_are_cut_off_without_error():
    layer = np.zeros((20, 20), np.uint8)
    corners = np.array([[0.0, 0.0], [19.5, 19.5], [-3.0, 10.0]])
    draw_nuclei(np.random.default_rng(0), layer, corners, ROUND, depth=200, uneven=0)
    assert layer[0, 0] == 200


def area_and_roughness(shape):
    areas, rough = [], []
    for seed in range(60):
        mask = (one(shape, seed=seed) > 90).astype(np.uint8)
        outline = max(cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0], key=cv2.contourArea)
        areas.append(mask.sum())
        rough.append(1 - cv2.contourArea(outline) / max(cv2.contourArea(cv2.convexHull(outline)), 1))
    return np.mean(areas), np.std(areas) / np.mean(areas), np.mean(rough)


def test_malignant_nuclei_are_larger_and_less_even_than_benign_ones():
    malignant = area_and_roughness(MALIGNANT)
    for benign in (STROMAL, LYMPHOCYTE, EPITHELIAL):
        size, spread, roughness = area_and_roughness(benign)
        assert malignant[0] > 1.5 * size
        assert malignant[1] > spread
        assert malignant[2] >= roughness - 0.02
