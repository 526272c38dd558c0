import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cancernet.data.synthetic import draw_section, stain


def section(seed=0, share=0.3, size=(150, 200)):
    return draw_section(np.random.default_rng(seed), *size, malignant_share=share)


def test_section_has_the_size_asked_for():
    drawn = section(size=(100, 150))
    assert drawn.image.shape == (100, 150, 3)
    assert drawn.image.dtype == np.uint8
    assert drawn.tissue.shape == drawn.malignant.shape == (100, 150)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.floats(0.05, 0.8))
def test_tumour_is_the_share_asked_for_and_lies_in_tissue(seed, share):
    drawn = section(seed, share)
    assert not (drawn.malignant & ~drawn.tissue).any()
    assert drawn.malignant.sum() / drawn.tissue.sum() == pytest.approx(share, abs=0.05)


def test_no_share_means_no_tumour():
    assert not section(share=0.0).malignant.any()


def test_background_is_bright_and_tissue_is_coloured():
    drawn = section(seed=4)
    assert drawn.image[~drawn.tissue].mean() > 225
    assert drawn.image[drawn.tissue].mean() < 215


def test_tumour_is_darker_than_the_rest_of_most_sections():
    darker = [
        drawn.image[drawn.malignant].mean() < drawn.image[drawn.tissue & ~drawn.malignant].mean()
        for drawn in (section(seed) for seed in range(8))
    ]
    assert sum(darker) >= 5


def test_stain_follows_beer_lambert():
    """Twice the dye is twice the optical density against the same glass."""

    def density(amount):
        layer = np.full((60, 60), amount, np.float32)
        image = stain(np.random.default_rng(3), layer, np.zeros_like(layer)).astype(float)
        return -np.log(image.mean(axis=(0, 1)))

    none, once, twice = density(0.0), density(0.3), density(0.6)
    np.testing.assert_allclose(twice - none, 2 * (once - none), rtol=0.02)


def test_haematoxylin_is_bluer_than_eosin():
    full, none = np.ones((20, 20), np.float32), np.zeros((20, 20), np.float32)
    for seed in range(10):
        blue = stain(np.random.default_rng(seed), full, none).mean(axis=(0, 1))
        pink = stain(np.random.default_rng(seed), none, full).mean(axis=(0, 1))
        assert blue[2] / blue[0] > pink[2] / pink[0]


def test_stain_differs_between_patients():
    layer = np.full((10, 10), 0.4, np.float32)
    colours = [stain(np.random.default_rng(seed), layer, layer).mean(axis=(0, 1)) for seed in range(12)]
    assert np.std(colours, axis=0).min() > 4  # grey levels
