"""Augmentation changes what tissue may change in, keeps the rest, and follows its seed."""

from __future__ import annotations

import numpy as np
import pytest

from cancernet.training.augmentation import (
    Brightness,
    RightAngle,
    RotationZoom,
    Sharpness,
    StainJitter,
    build_augmentation,
)
from cancernet.training.recipes import AUGMENTATIONS

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def patches() -> np.ndarray:
    """Smooth, tissue-like patches without symmetry, uint8 (24, 50, 50, 3)."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:50, 0:50] / 50
    images = [np.stack([90 + 100 * a * x, 60 + 80 * b * y, 120 + 60 * x * y], -1) for a, b in rng.random((24, 2))]
    return np.array(images, "uint8")


def augmented(names: tuple[str, ...], patches: np.ndarray, seed: int = 1) -> np.ndarray:
    model = build_augmentation(names, side=50, seed=seed)
    return np.asarray(model(patches, training=True))


def symmetries(patch: np.ndarray) -> list[bytes]:
    turned = [np.rot90(patch, k) for k in range(4)]
    return [image.tobytes() for one in turned for image in (one, one[:, ::-1])]


def test_right_angles_give_one_of_the_eight_symmetries_and_in_time_all(patches: np.ndarray) -> None:
    found = [augmented(("right_angle",), patches, seed) for seed in range(6)]
    which = [
        symmetries(p).index(np.ascontiguousarray(o).tobytes())
        for out in found
        for p, o in zip(patches, out, strict=True)
    ]
    assert set(which) == set(range(8))


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_each_changes_patches_in_training_alone(patches: np.ndarray, name: str) -> None:
    model = build_augmentation((name,), side=50, seed=1)
    np.testing.assert_array_equal(np.asarray(model(patches, training=False)), patches)
    assert (np.asarray(model(patches, training=True)) != patches).any()


def test_all_together_stay_patches_of_the_same_kind(patches: np.ndarray) -> None:
    out = augmented(AUGMENTATIONS, patches)
    assert (out.shape, out.dtype) == (patches.shape, np.uint8)
    assert abs(out.mean() - patches.mean()) < 30


def test_the_seed_decides(patches: np.ndarray) -> None:
    np.testing.assert_array_equal(augmented(AUGMENTATIONS, patches, 4), augmented(AUGMENTATIONS, patches, 4))
    assert (augmented(AUGMENTATIONS, patches, 4) != augmented(AUGMENTATIONS, patches, 5)).any()


def test_each_patch_draws_its_own(patches: np.ndarray) -> None:
    same = np.repeat(patches[:1], 24, axis=0)
    assert len({image.tobytes() for image in augmented(("brightness",), same)}) > 10
    assert len({image.tobytes() for image in augmented(("stain",), same)}) > 10


def test_half_of_the_patches_are_blurred_or_sharpened(patches: np.ndarray) -> None:
    noisy = np.random.default_rng(0).integers(0, 256, (400, 20, 20, 3)).astype("float32")
    out = np.asarray(Sharpness(1)(noisy, training=True))
    changed = (out != noisy).any(axis=(1, 2, 3))
    assert 0.4 < changed.mean() < 0.6
    rougher = out.std(axis=(1, 2, 3))[changed] > noisy.std(axis=(1, 2, 3))[changed]
    assert 0.03 < rougher.mean() < 0.4  # sharpened; most are blurred
    even = np.full((50, 8, 8, 3), 77.0, "float32")
    np.testing.assert_allclose(np.asarray(Sharpness(2)(even, training=True)), even, atol=1e-3)


@pytest.mark.parametrize("layer", [StainJitter, Brightness])
def test_black_and_white_stay_within_the_range(layer: type) -> None:
    extreme = np.concatenate([np.zeros((8, 4, 4, 3)), np.full((8, 4, 4, 3), 255.0)]).astype("float32")
    out = np.asarray(layer(1)(extreme, training=True))
    assert np.isfinite(out).all()
    assert (out.min(), out.max()) >= (0, 0)
    assert out.max() <= 255


def test_stain_jitter_of_nothing_changes_nothing(patches: np.ndarray) -> None:
    floats = patches.astype("float32")
    np.testing.assert_allclose(np.asarray(StainJitter(1, sigma=0.0)(floats, training=True)), floats, atol=0.05)


def test_right_angle_moves_pixels_and_makes_none() -> None:
    floats = np.arange(2 * 5 * 5 * 3, dtype="float32").reshape(2, 5, 5, 3)
    out = np.asarray(RightAngle(1)(floats, training=True))
    np.testing.assert_array_equal(np.sort(out.ravel()), floats.ravel())


def test_no_names_mean_no_augmentation() -> None:
    assert build_augmentation((), side=50, seed=1) is None


def test_rotation_and_zoom_leave_about_half_of_the_patches_sharp() -> None:
    many = np.random.default_rng(3).integers(0, 256, (400, 16, 16, 3)).astype("float32")
    moved = np.asarray(RotationZoom(1)(many, training=True))
    untouched = (moved == many).all(axis=(1, 2, 3)).mean()
    assert 0.4 < untouched < 0.6


def test_light_stain_changes_less_than_stain(patches: np.ndarray) -> None:
    def change(name: str) -> float:
        return float(np.abs(augmented((name,), patches).astype(int) - patches).mean())

    assert 0 < change("light_stain") < change("stain") / 2
