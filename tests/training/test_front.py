"""What stands before the part that learns gives it what the whole network would have given it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

pytest.importorskip("keras")
import keras

from cancernet.networks import build_network, cut, trainable_from
from cancernet.training import front as front_module
from cancernet.training.augmentation import build_augmentation
from cancernet.training.engine import Examples, fit, predict_logits
from cancernet.training.front import Front
from cancernet.training.pretrained import settle_statistics
from cancernet.training.recipes import load_recipes

pytestmark = [pytest.mark.train, pytest.mark.slow]
RECIPE = structs.replace(load_recipes()["fine_tuned"], epochs=2, batch_size=16, patient_cap=0)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(1)
    network = build_network("mobilenet", input_size=50, dropout=0.0)
    settle_statistics(network, np.random.default_rng(2).integers(0, 256, (64, 50, 50, 3), dtype=np.uint8))
    trainable_from(network, "block_13_expand")
    return network


@pytest.fixture(scope="module")
def parts(network: keras.Model) -> tuple[keras.Model, keras.Model]:
    found = cut(network)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def graph(parts: tuple[keras.Model, keras.Model]) -> bytes:
    return front_module.to_onnx(parts[0])


@pytest.fixture(autouse=True)
def _exported_once(graph: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front_module, "to_onnx", lambda _: graph)


@pytest.fixture
def patches() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (40, 50, 50, 3), dtype=np.uint8)


def test_front_and_rest_are_the_whole_network(
    network: keras.Model, parts: tuple[keras.Model, keras.Model], patches: np.ndarray
) -> None:
    lower, rest = parts
    front, rows = Front(lower, None), np.array([5, 0, 39])
    whole = predict_logits(network, patches, rows)
    np.testing.assert_allclose(predict_logits(rest, patches, rows, front), whole, atol=1e-4)


def test_it_augments_in_training_only(parts: tuple[keras.Model, keras.Model], patches: np.ndarray) -> None:
    front = Front(parts[0], build_augmentation(("right_angle",), side=50, seed=1))
    plain = front(patches)
    assert plain.dtype == np.float32
    np.testing.assert_array_equal(front(patches), plain)
    assert np.abs(front(patches, training=True) - plain).max() > 0.01


def test_without_augmentation_training_changes_nothing(
    parts: tuple[keras.Model, keras.Model], patches: np.ndarray
) -> None:
    front = Front(parts[0], None)
    np.testing.assert_array_equal(front(patches, training=True), front(patches))


def test_what_learns_is_the_networks_own_and_what_is_frozen_stays(
    network: keras.Model, parts: tuple[keras.Model, keras.Model], patches: np.ndarray, tmp_path: Path
) -> None:
    front = Front(parts[0], build_augmentation(RECIPE.augmentation, side=50, seed=1))
    before = {v.path: np.array(v) for v in network.weights}
    learns = {v.path for v in network.trainable_variables}
    label = np.arange(40) % 2
    examples = Examples(patches, np.arange(32), np.arange(32, 40), label, np.ones(32, "float32"), np.full(32, "p"))
    found = fit(
        parts[1], examples, RECIPE, seed=1, fingerprint="f", checkpoint=tmp_path / "c", log_dir=tmp_path, front=front
    )
    assert found.epoch == 2
    assert learns
    for variable in network.weights:
        moved = not np.array_equal(np.asarray(variable), before[variable.path])
        assert moved == (variable.path in learns), variable.path


@pytest.mark.parametrize("threads", [1, 2])
def test_it_takes_the_threads_asked_for_and_leaves_the_cores_to_others(
    parts: tuple[keras.Model, keras.Model], threads: int
) -> None:
    options = Front(parts[0], None, threads=threads).session.get_session_options()
    assert options.intra_op_num_threads == threads
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
