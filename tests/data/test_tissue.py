import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cancernet.data.tissue import Canvas, collagen, fat_cells, lobules, lymphocytes, smooth_noise, stroma, tumour_nests

SHAPE = (240, 300)


def blank():
    return Canvas(
        eosin=np.full(SHAPE, 0.3, np.float32), haze=np.zeros(SHAPE, np.float32), nuclei=np.zeros(SHAPE, np.uint8)
    )


def left_half():
    where = np.zeros(SHAPE, bool)
    where[:, : SHAPE[1] // 2] = True
    return where


@settings(max_examples=20, deadline=None)
@given(height=st.integers(30, 200), width=st.integers(30, 200), grain=st.floats(3, 60))
def test_noise_has_its_shape_and_scale(height, width, grain):
    noise = smooth_noise(np.random.default_rng(1), (height, width), grain)
    assert noise.shape == (height, width)
    assert noise.dtype == np.float32
    assert abs(float(noise.mean())) < 0.5
    assert 0.5 < float(noise.std()) < 1.6


def test_coarser_noise_is_smoother():
    def roughness(grain):
        noise = smooth_noise(np.random.default_rng(2), SHAPE, grain)
        return np.abs(np.diff(noise, axis=1)).mean()

    assert roughness(5) > 2 * roughness(20) > 4 * roughness(80)


@pytest.mark.parametrize("paint", [stroma, lymphocytes, lobules, tumour_nests])
def test_painters_put_nuclei_only_near_where_they_are_told(paint):
    canvas = blank()
    for seed in range(3):
        paint(np.random.default_rng(seed), canvas, left_half())
    reach = 40  # px; glands and outlines reach over the border a little
    assert canvas.nuclei[:, : SHAPE[1] // 2].any()
    assert not canvas.nuclei[:, SHAPE[1] // 2 + reach :].any()


@pytest.mark.parametrize("paint", [stroma, lymphocytes, lobules, tumour_nests])
def test_painters_paint_nothing_nowhere(paint):
    canvas = blank()
    paint(np.random.default_rng(0), canvas, np.zeros(SHAPE, bool))
    assert not canvas.nuclei.any()
    assert np.all(canvas.eosin == np.float32(0.3))


def test_collagen_lies_in_tissue_only():
    eosin = collagen(np.random.default_rng(0), left_half())
    assert eosin.dtype == np.float32
    assert np.all(eosin[:, SHAPE[1] // 2 :] == 0)
    assert eosin[:, : SHAPE[1] // 2].mean() > 0.2


def test_fat_lies_in_tissue_and_its_membranes_are_thin():
    for seed in range(4):
        fat, membranes = fat_cells(np.random.default_rng(seed), left_half(), fewer_in=np.zeros(SHAPE, bool))
        assert not fat[:, SHAPE[1] // 2 :].any()
        assert 0 <= membranes.min() <= membranes.max() <= 1
        assert membranes.mean() < 0.3


def test_fat_is_rarer_in_tumour():
    def share(tumour):
        everywhere = np.ones(SHAPE, bool)
        masks = [
            fat_cells(np.random.default_rng(seed), everywhere, fewer_in=np.full(SHAPE, tumour))[0] for seed in range(6)
        ]
        return np.mean(masks)

    assert share(tumour=True) < share(tumour=False)


def test_lobules_have_pale_lumens_inside_blue_rims():
    canvas = blank()
    lobules(np.random.default_rng(1), canvas, np.ones(SHAPE, bool))
    assert np.isclose(canvas.eosin, 0.07).any()  # lumen
    assert np.isclose(canvas.haze, 0.15).any()  # epithelium
