"""The map is the logit, taken apart by cell: exact, the weights' own, and lit where the signal is."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("keras")
import keras

from cancernet.model.inference import OUTPUTS, open_session
from cancernet.networks import NETWORKS, build_network, with_evidence, with_probability
from cancernet.networks import cnn as cnn_module
from cancernet.training.export import to_onnx
from cancernet.training.pretrained import settle_statistics

pytestmark = pytest.mark.train
SIZES = {"cnn": 50, "compact": 50, "mobilenet": 64}
PLATT = {"scale": 0.7, "offset": -0.4}


@pytest.fixture(scope="module")
def patches() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, 50, 50, 3), dtype=np.uint8)


def build(name: str, seed: int = 0) -> keras.Model:
    keras.utils.set_random_seed(seed)
    return build_network(name, input_size=SIZES[name], dropout=0.3)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_mean_of_the_map_is_the_calibrated_logit_in_keras_and_in_onnx(name: str, patches: np.ndarray) -> None:
    network = build(name)
    if name == "mobilenet":
        settle_statistics(network, patches)  # or random weights leave nothing but zeros in its last map
    logit = PLATT["scale"] * network.predict_on_batch(patches)[:, 0] + PLATT["offset"]
    model = with_evidence(network, **PLATT)
    session = open_session(to_onnx(model, outputs=OUTPUTS), threads=1)
    in_onnx = session.run(list(OUTPUTS), {session.get_inputs()[0].name: patches})
    for probability, evidence, embedding in (model.predict_on_batch(patches), in_onnx):
        np.testing.assert_allclose(evidence.mean((1, 2)), logit, atol=1e-4)
        np.testing.assert_allclose(probability[:, 0], 1 / (1 + np.exp(-logit)), atol=1e-5)
        assert evidence.ndim == 3
        assert embedding.shape == (6, network.get_layer("embedding").output.shape[-1])
        assert evidence.std() > 0


def test_units_of_a_hidden_layer_that_are_off_add_nothing(patches: np.ndarray) -> None:
    network = build("cnn")
    dense = network.get_layer("embedding")
    kernel, bias = dense.get_weights()
    dense.set_weights([kernel, np.where(np.arange(len(bias)) % 2, 5.0, -50.0).astype("float32")])
    logit = network.predict_on_batch(patches)[:, 0]
    _, evidence, embedding = with_evidence(network).predict_on_batch(patches)
    assert 0 < (embedding > 0).mean() < 1
    np.testing.assert_allclose(evidence.mean((1, 2)), logit, atol=1e-4)


def test_the_probability_is_that_of_the_plain_model_and_no_weight_moves(patches: np.ndarray) -> None:
    network = build("compact")
    before = [np.array(each) for each in network.weights]
    plain = with_probability(network, **PLATT).predict_on_batch(patches)
    np.testing.assert_array_equal(with_evidence(network, **PLATT).predict_on_batch(patches)[0], plain)
    for old, new in zip(before, network.weights, strict=True):
        np.testing.assert_array_equal(old, np.array(new))


def test_a_head_that_is_not_piecewise_linear_is_refused() -> None:
    x = keras.Input((8, 8, 3))
    pooled = keras.layers.GlobalAveragePooling2D(name="embedding")(x)
    bent = keras.layers.Dense(4, activation="tanh")(pooled)
    with pytest.raises(ValueError, match="not piecewise linear"):
        with_evidence(keras.Model(x, keras.layers.Dense(1)(bent)))
    flat = keras.layers.Dense(1)(keras.layers.Flatten(name="embedding")(x))
    with pytest.raises(ValueError, match="no mean over a map"):
        with_evidence(keras.Model(x, flat))


def test_other_weights_give_another_map(patches: np.ndarray) -> None:
    """Sanity check of Adebayo et al. 2018: a map that did not depend on the weights would explain nothing."""
    one, other = (with_evidence(build("compact", seed)).predict_on_batch(patches)[1] for seed in (0, 1))
    for a, b in zip(one, other, strict=True):
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.6
    alike = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(one, other, strict=True)]
    assert abs(np.mean(alike)) < 0.5


@pytest.fixture(scope="module")
def planted() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noise; half of the patches hold a dark square in one of nine places: patches, labels, places (row, column)."""
    rng = np.random.default_rng(0)
    images = rng.integers(120, 240, (400, 50, 50, 3), dtype=np.uint8)
    label, place = np.arange(400) % 2, rng.integers(0, 3, (400, 2))
    marked = images.copy()
    for i in np.flatnonzero(label):
        top, left = 4 + 16 * place[i]
        marked[i, top : top + 10, left : left + 10] = 40
    return marked, label, place


def test_the_map_lights_up_where_the_signal_was_planted(
    planted: tuple[np.ndarray, np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    images, label, place = planted
    monkeypatch.setattr(cnn_module, "STAGES", (4, 8, 8))
    monkeypatch.setattr(cnn_module, "DENSE_UNITS", 16)
    network = build("cnn")
    network.compile(keras.optimizers.Adam(0.004), keras.losses.BinaryCrossentropy(from_logits=True))
    network.fit(images[:300], label[:300, None].astype("float32"), epochs=25, batch_size=32, verbose=0)
    new, where = images[300:][label[300:] == 1], place[300:][label[300:] == 1]
    probability, evidence, _ = with_evidence(network).predict_on_batch(new)
    assert (probability > 0.5).mean() > 0.9
    side = evidence.shape[1]
    row, column = np.unravel_index(evidence.reshape(len(new), -1).argmax(1), (side, side))
    centre = np.stack([row, column], 1) * 50 / side + 25 / side
    off = np.abs(centre - (9 + 16 * where)).max(1)
    assert (off <= 10).mean() > 0.8  # px, of 50: the square's own cell or the one beside it


@pytest.fixture(scope="module")
def identity() -> keras.Model:
    """A network whose logit is the mean of its input."""
    x = keras.Input((3,))
    return keras.Model(x, keras.layers.Dense(1, kernel_initializer="ones", use_bias=False, name="logit")(x))


def sigmoid(logit: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logit))


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (0.5, 0.3), (2.0, -1.0)])
def test_it_is_the_sigmoid_of_scale_times_logit_plus_offset(identity: keras.Model, scale: float, offset: float) -> None:
    x = np.random.default_rng(0).normal(0, 2, (5, 3)).astype("float32")
    found = with_probability(identity, scale=scale, offset=offset).predict_on_batch(x)
    np.testing.assert_allclose(found, sigmoid(scale * x.sum(1, keepdims=True) + offset), atol=1e-6)


def test_far_out_logits_stay_within_0_and_1(identity: keras.Model) -> None:
    found = with_probability(identity).predict_on_batch(np.array([[-900.0] * 3, [900.0] * 3]))
    assert found.tolist() == [[0.0], [1.0]]


def test_it_shares_the_weights_and_adds_none(identity: keras.Model) -> None:
    model = with_probability(identity)
    assert [id(v) for v in model.weights] == [id(v) for v in identity.weights]
