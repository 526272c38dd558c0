"""A training step moves the average of what learns, and the learning rate climbs and falls."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from msgspec import structs

pytest.importorskip("keras")

from cancernet.model.recipe import Recipe
from cancernet.networks import build_network, trainable_from
from cancernet.training.augmentation import build_augmentation
from cancernet.training.trainer import MovingAverage, build_trainer

pytestmark = pytest.mark.train
PLAIN = Recipe("plain", "", "cnn", epochs=3, batch_size=16, patience=9, learning_rate=3e-3)
AVERAGED = structs.replace(PLAIN, ema=0.5)


@pytest.fixture
def batch() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (16, 50, 50, 3), dtype=np.uint8), rng.integers(0, 2, (16, 1)).astype("float32")


def test_one_cycle_climbs_and_falls_to_nothing(tiny: Callable) -> None:
    recipe = structs.replace(PLAIN, epochs=10, schedule="one_cycle", learning_rate=1e-2)
    schedule = build_trainer(tiny(), recipe, steps=10).optimizer._learning_rate
    rates = [float(schedule(step)) for step in range(101)]
    assert int(np.argmax(rates)) == 10
    assert max(rates) == pytest.approx(1e-2)
    assert rates[0] < 1e-3
    assert rates[-1] == pytest.approx(0, abs=1e-6)


def test_the_moving_average_is_the_one_of_the_paper(tiny: Callable) -> None:
    network = tiny()
    variable = network.get_layer("logit").weights[1]
    average = MovingAverage(network, 0.5)
    expected = float(np.asarray(variable)[0])
    for step, value in enumerate((3.0, -1.0, 5.0), start=1):
        variable.assign([value])
        average.update()
        keep = min(0.5, (1 + step) / (10 + step))
        expected = keep * expected + (1 - keep) * value
    average.swap()
    assert float(np.asarray(variable)[0]) == pytest.approx(expected)
    average.swap()
    assert float(np.asarray(variable)[0]) == 5.0


def test_a_step_moves_the_average_towards_the_weights_it_leaves(
    tiny: Callable, batch: tuple[np.ndarray, np.ndarray]
) -> None:
    network = tiny()
    before = [np.array(v) for v in network.weights]
    trainer = build_trainer(network, AVERAGED, steps=5)
    trainer.train_on_batch(*batch)
    keep = min(0.5, 2 / 11)
    assert trainer.average is not None
    assert float(trainer.average.step) == 1
    for old, now, mean in zip(before, network.weights, trainer.average.average, strict=True):
        np.testing.assert_allclose(mean, keep * old + (1 - keep) * np.asarray(now), atol=1e-6)


def test_a_recipe_without_an_average_keeps_none(tiny: Callable) -> None:
    assert build_trainer(tiny(), PLAIN, steps=5).average is None


def test_the_average_is_counted_among_no_weights(tiny: Callable) -> None:
    network = tiny()
    trainer = build_trainer(network, AVERAGED, steps=5)
    assert [v.path for v in trainer.weights] == [v.path for v in network.weights]


def test_only_what_learns_is_averaged(tiny: Callable) -> None:
    network = tiny()
    trainable_from(network, "head")
    averaged = {v.path for v in MovingAverage(network, 0.5).weights}
    assert averaged == {v.path for v in network.trainable_variables}


def test_what_learns_is_found_in_a_backbone_too() -> None:
    network = build_network("mobilenet", input_size=50, dropout=0.0)
    trainable_from(network, "Conv_1")
    averaged = {v.path for v in MovingAverage(network, 0.5).weights}
    assert averaged == {v.path for v in network.trainable_variables}
    assert len(averaged) == 3  # the last convolution, and weight and bias of the head


def test_augmentation_stands_before_the_network_in_the_step(tiny: Callable) -> None:
    augmentation = build_augmentation(("right_angle",), side=50, seed=1)
    trainer = build_trainer(tiny(), PLAIN, steps=5, augmentation=augmentation)
    assert trainer.input.dtype == "uint8"
    assert any("right_angle" in layer.name for layer in trainer.layers)


def test_mixed_labels_count_as_what_they_are_most_of(tiny: Callable) -> None:
    network = tiny()
    network.get_layer("logit").set_weights([np.zeros((16, 1)), np.ones(1)])  # says malignant of all
    trainer = build_trainer(network, structs.replace(PLAIN, learning_rate=1e-9), steps=5)
    label = np.array([[0.0], [0.4], [0.6], [1.0]], "float32")
    logs = trainer.train_on_batch(np.zeros((4, 50, 50, 3), "uint8"), label, return_dict=True)
    assert float(logs["accuracy"]) == pytest.approx(0.5)
