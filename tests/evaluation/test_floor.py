from __future__ import annotations

from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

from cancernet.common.errors import UserError
from cancernet.evaluation.floor import fit_floor_features
from cancernet.evaluation.ranking import auc
from cancernet.model import floor as module
from cancernet.model.floor import N_FEATURES, Floor, colour_features


def fit_floor(images, label, **more):
    return fit_floor_features(colour_features(images), label, **more)


def noise(n: int, *, seed: int = 0, size: int = 12) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, size, size, 3), dtype=np.uint8)


def stained(n: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Pink benign and purple malignant patches, with much noise between patches."""
    generator = np.random.default_rng(seed)
    label = generator.integers(0, 2, n)
    colour = np.where(label[:, None] == 1, [150, 100, 170], [200, 140, 190]) + generator.normal(0, 15, (n, 3))
    pixels = colour[:, None, None, :] + generator.normal(0, 10, (n, 12, 12, 3))
    return np.clip(pixels, 0, 255).astype(np.uint8), label


def test_features_are_finite_and_of_the_stated_shape():
    extremes = np.concatenate([noise(5), np.zeros((1, 12, 12, 3), np.uint8), np.full((1, 12, 12, 3), 255, np.uint8)])
    features = colour_features(extremes)
    assert features.shape == (7, N_FEATURES)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    assert colour_features(noise(0)).shape == (0, N_FEATURES)


def test_moving_the_pixels_about_changes_nothing():
    images = noise(4)
    order = np.random.default_rng(1).permutation(144)
    moved = images.reshape(4, 144, 3)[:, order].reshape(images.shape)
    assert np.allclose(colour_features(images), colour_features(moved), atol=2e-3)
    assert np.allclose(colour_features(images), colour_features(images[:, ::-1, ::-1]), atol=2e-3)


def test_chunks_do_not_show(monkeypatch):
    images = noise(10)
    whole = colour_features(images)
    monkeypatch.setattr(module, "CHUNK_PATCHES", 3)
    assert np.allclose(colour_features(images), whole, atol=1e-3)


def test_the_first_features_are_mean_and_deviation_of_red_green_blue():
    images = noise(3)
    features = colour_features(images)
    flat = images.reshape(3, -1, 3).astype(float)
    assert np.allclose(features[:, :3], flat.mean(axis=1), atol=1e-2)
    assert np.allclose(features[:, 3:6], flat.std(axis=1), atol=1e-2)
    quantiles = np.quantile(flat, module.QUANTILES, axis=1, method="nearest").transpose(1, 2, 0).reshape(3, -1)
    assert np.allclose(features[:, 6:21], quantiles, atol=1.01)


def test_the_last_features_are_the_correlations_of_the_channels():
    images = noise(2)
    for image, features in zip(images, colour_features(images), strict=True):
        expected = np.corrcoef(image.reshape(-1, 3).T.astype(float))[[0, 0, 1], [1, 2, 2]]
        assert np.allclose(features[-3:], expected, atol=1e-3)


def test_white_has_no_density_and_black_a_finite_one():
    assert module.DENSITY[255] == 0
    assert module.DENSITY[[0, 127]] == pytest.approx(np.log([256, 2]))


def test_more_haematoxylin_raises_its_density():
    amounts = np.array([0.2, 0.6, 1.0])
    density = amounts[:, None] * module.STAINS[0]
    colour = np.clip(256 * np.exp(-density) - 1, 0, 255).round().astype(np.uint8)
    images = np.broadcast_to(colour[:, None, None, :], (3, 12, 12, 3)).copy()
    means = colour_features(images)[:, 21:24]
    assert np.allclose(means[:, 0], amounts, atol=0.05)
    assert np.allclose(means[:, 1:], 0, atol=0.05)


@pytest.mark.parametrize("images", [noise(2)[0], noise(2)[..., :2], noise(2).astype(np.float32)])
def test_other_arrays_are_refused(images):
    with pytest.raises(ValueError, match="uint8"):
        colour_features(images)


def test_a_memory_map_is_read_as_an_array(tmp_path):
    np.save(tmp_path / "images.npy", noise(5))
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    assert np.array_equal(colour_features(mapped), colour_features(noise(5)))


def test_colour_that_tells_is_learnt_and_holds_on_new_patches():
    floor = fit_floor(*stained(300))
    images, label = stained(300, seed=1)
    probability = floor.predict(images)
    assert ((probability >= 0) & (probability <= 1)).all()
    assert auc(label, probability) > 0.9


def test_shuffled_labels_teach_nothing():
    images, label = stained(400)
    floor = fit_floor(images, np.random.default_rng(2).permutation(label))
    fresh, truth = stained(400, seed=3)
    assert auc(truth, floor.predict(fresh)) < 0.8
    noisy = noise(400, seed=4)
    random = np.random.default_rng(5).integers(0, 2, 400)
    assert auc(random, fit_floor(noise(400, seed=6), random).predict(noisy)) == pytest.approx(0.5, abs=0.1)


def test_the_probability_is_that_of_the_fitted_regression():
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    images, label = stained(200)
    features = colour_features(images).astype(float)
    oracle = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(features, label)
    ours = fit_floor(images, label).predict(images)
    assert np.allclose(ours, oracle.predict_proba(features)[:, 1], atol=1e-3)


def test_a_floor_survives_json_exactly():
    floor = fit_floor(*stained(100))
    assert msgspec.json.decode(msgspec.json.encode(floor), type=Floor) == floor


def test_the_fit_is_repeatable():
    images, label = stained(100)
    assert fit_floor(images, label, seed=3) == fit_floor(images, label, seed=3)


def test_naming_patients_keeps_a_large_patient_from_ruling():
    images, label = stained(220)
    label[:200] = 1 - label[:200]  # one whole section whose stain is the other way round
    patient = np.array(["whole"] * 200 + [f"p{i}" for i in range(20)])
    features = colour_features(images)
    plain = fit_floor_features(features, label)
    weighted = fit_floor_features(features, label, patient=patient)
    rest = features[200:], label[200:]
    assert auc(rest[1], weighted.predict_features(rest[0])) > auc(rest[1], plain.predict_features(rest[0])) - 1e-9
    assert weighted != plain


def test_one_class_cannot_be_fitted_and_says_so():
    with pytest.raises(UserError, match="benign and malignant"):
        fit_floor(noise(4), [1, 1, 1, 1])


def test_far_out_features_do_not_overflow():
    floor = Floor((0.0,) * N_FEATURES, (1.0,) * N_FEATURES, (1.0,) * N_FEATURES, 0.0)
    with np.errstate(all="raise"):
        low, high = floor.predict_features(np.array([[-1e6], [1e6]], dtype=np.float32).repeat(N_FEATURES, axis=1))
    assert (low, high) == (0, 1)


def test_something_that_is_no_floor_is_explained():
    plain = msgspec.to_builtins(fit_floor(*stained(50)))
    assert msgspec.convert(plain, Floor) == fit_floor(*stained(50))
    changes = ({"coef": plain["coef"][:-1]}, {"coef": None}, {"intercept": "much"}, {"scale": [0.0] * N_FEATURES})
    for broken in ({}, *(plain | change for change in changes)):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(broken, Floor)


@pytest.mark.real
@pytest.mark.slow
def test_on_real_patients_colour_alone_goes_far(real_data: Path) -> None:
    split = dict(
        line.split(",") for line in (real_data / "splits" / "dev_split.csv").read_text().split() if "," in line
    )
    sets: dict[str, list] = {"train": [], "val": []}
    for patient, side in split.items():
        if side in sets:
            # Every tenth patch is enough to see the effect, and quick.
            sets[side] += [(patient, path) for path in sorted((real_data / "idc" / patient).rglob("*.png"))[::10]]
    arrays = {}
    for side, files in sets.items():
        images = [(patient, path, cv2.imread(str(path))) for patient, path in files]
        whole = [(p, path, image) for p, path, image in images if image.shape == (50, 50, 3)]
        pixels = np.stack([image[:, :, ::-1] for _, _, image in whole])
        label = np.array([int(path.parent.name) for _, path, _ in whole])
        arrays[side] = pixels, label, np.array([p for p, _, _ in whole])
    images, label, patient = arrays["train"]
    floor = fit_floor(images, label, patient=patient)
    assert 0.80 < auc(arrays["val"][1], floor.predict(arrays["val"][0])) < 0.95


def test_rows_are_described_alone_and_in_their_order() -> None:
    images = np.random.default_rng(8).integers(0, 256, (50, 6, 6, 3), dtype=np.uint8)
    rows = np.array([40, 3, 3, 17])
    np.testing.assert_array_equal(colour_features(images, rows), colour_features(images)[rows])
