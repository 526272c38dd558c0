"""The training loop learns, keeps the best epoch, and goes on after a stop as if there had been none."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from msgspec import structs
from sklearn.metrics import average_precision_score, roc_auc_score

from cancernet.common.errors import UserError
from cancernet.model.recipe import Recipe
from cancernet.networks import build_network, trainable_from
from cancernet.training import engine
from cancernet.training.augmentation import build_augmentation
from cancernet.training.batches import Batches
from cancernet.training.checkpoint import Progress, weights_of
from cancernet.training.engine import Examples, fit, predict_logits, validate

pytestmark = pytest.mark.train
PLAIN = Recipe("plain", "", "cnn", epochs=3, batch_size=16, patience=9, learning_rate=3e-3)
EVERYTHING = structs.replace(
    PLAIN,
    augmentation=("right_angle", "rotation_zoom", "stain", "brightness"),
    schedule="one_cycle",
    ema=0.9,
    weight_decay=0.01,
    label_smoothing=0.05,
)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Progress]:
    """Fit in a folder of its own name, so that a second call with the same name resumes."""

    def go(network: keras.Model, examples: Examples, recipe: Recipe, where: str = "a", **changes: Any) -> Progress:
        folder = tmp_path / where
        given = {"seed": 1, "fingerprint": "f", "checkpoint": folder / "c.safetensors", "log_dir": folder}
        return fit(network, examples, recipe, **{**given, **changes})

    return go


def same(first: keras.Model, second: keras.Model) -> bool:
    pairs = zip(first.weights, second.weights, strict=True)
    return all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in pairs)


@contextmanager
def stopped_at(batch: int) -> Iterator[None]:
    """Break training off at the given batch, counted over all epochs from 0."""
    left = iter(range(batch))
    get = Batches.__getitem__

    def broken(self: Batches, index: int) -> tuple:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return get(self, index)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Batches, "__getitem__", broken)
        yield


@pytest.fixture(scope="module")
def whole(small_cnn: None, coloured: Callable, tmp_path_factory: pytest.TempPathFactory) -> keras.Model:
    """A network trained with everything, left alone."""
    folder = tmp_path_factory.mktemp("whole")
    keras.utils.set_random_seed(0)
    network = build_network("cnn", input_size=50, dropout=0.2)
    where = {"checkpoint": folder / "c.safetensors", "log_dir": folder}
    fit(network, coloured(), EVERYTHING, seed=1, fingerprint="f", **where)
    return network


def test_a_run_stopped_twice_ends_at_the_weights_of_one_left_alone(
    run: Callable, tiny: Callable, coloured: Callable, whole: keras.Model
) -> None:
    """With augmentation, dropout, one-cycle, weight decay and the moving average; three batches an epoch."""
    stopped = tiny()
    for batch in (4, 1):
        with stopped_at(batch), pytest.raises(KeyboardInterrupt):
            run(tiny(), coloured(), EVERYTHING)
    found = run(stopped, coloured(), EVERYTHING)
    assert found.epoch == 3
    assert same(whole, stopped)


@pytest.mark.parametrize(("seed", "alike"), [(1, True), (2, False)])
def test_a_run_of_the_same_seed_is_bit_identical_and_of_another_is_not(
    run: Callable, tiny: Callable, coloured: Callable, whole: keras.Model, seed: int, alike: bool
) -> None:
    network = tiny()
    run(network, coloured(), EVERYTHING, seed=seed)
    assert same(network, whole) is alike


def test_a_finished_run_is_not_trained_again(run: Callable, tiny: Callable, coloured: Callable) -> None:
    first, again = tiny(), tiny()
    run(first, coloured(), PLAIN)
    with stopped_at(0):  # a single batch would raise
        found = run(again, coloured(), PLAIN)
    assert found.done
    assert same(first, again)


def test_a_checkpoint_of_another_run_is_not_continued(run: Callable, tiny: Callable, coloured: Callable) -> None:
    run(tiny(), coloured(40), structs.replace(PLAIN, epochs=2), fingerprint="another")
    found = run(tiny(), coloured(40), structs.replace(PLAIN, epochs=1))  # a last batch of 8
    assert (found.epoch, len(found.history)) == (1, 1)


def test_it_learns_and_tells_each_epoch(run: Callable, tiny: Callable, coloured: Callable, tmp_path: Path) -> None:
    examples = coloured(160, 60)
    network = tiny()
    found = run(network, examples, structs.replace(PLAIN, epochs=8))
    assert validate(network, examples)["val_auc"] > 0.95
    history = pd.read_csv(tmp_path / "a" / "history.csv")
    assert history["epoch"].tolist() == list(range(1, 9))
    assert set(history) == {
        "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "val_auc", "val_average_precision",
        "seconds", "patches_per_second",
    }  # fmt: skip
    assert history["loss"].iloc[-1] < history["loss"].iloc[0]
    assert found.history[-1]["epoch"] == 8


def test_labels_that_mean_nothing_teach_nothing(run: Callable, tiny: Callable, coloured: Callable) -> None:
    """A leak of labels into inputs, order or evaluation would show as an AUC away from one half."""
    examples = coloured(200, 800)
    shuffled = np.random.default_rng(5).permutation(examples.label)
    network = tiny()
    run(network, dataclasses.replace(examples, label=shuffled), structs.replace(PLAIN, epochs=4))
    logit = predict_logits(network, examples.inputs, examples.val)
    assert roc_auc_score(shuffled[examples.val], logit) == pytest.approx(0.5, abs=0.1)  # 5 standard errors


def scripted(monkeypatch: pytest.MonkeyPatch, scores: list[float]) -> list[dict[str, np.ndarray]]:
    """Let validation give these average precisions; returns the weights it saw each time."""
    seen: list[dict[str, np.ndarray]] = []

    def fake(network: keras.Model, examples: Examples, front: object, **_: object) -> dict[str, float]:
        seen.append(weights_of(network))
        return {"val_average_precision": scores[len(seen) - 1]}

    monkeypatch.setattr(engine, "validate", fake)
    return seen


def test_the_weights_are_those_of_the_best_epoch(
    run: Callable, tiny: Callable, coloured: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = scripted(monkeypatch, [0.6, 0.9, 0.9, 0.7])
    network = tiny()
    found = run(network, coloured(), structs.replace(PLAIN, epochs=4, ema=0.9))
    assert found.best_epoch == 2  # of equals the first
    for array, variable in zip(seen[1].values(), network.weights, strict=True):
        np.testing.assert_array_equal(array, variable)


def test_it_stops_when_patience_ends(
    run: Callable, tiny: Callable, coloured: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted(monkeypatch, [0.5, 0.6, 0.4, 0.6, 0.9])
    found = run(tiny(), coloured(), structs.replace(PLAIN, epochs=5, patience=2))
    assert (found.epoch, found.best_epoch, found.done) == (4, 2, True)


def test_the_last_epoch_is_kept_where_validation_must_not_choose(
    run: Callable, tiny: Callable, coloured: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted(monkeypatch, [0.9, 0.5, 0.4])
    found = run(tiny(), coloured(), structs.replace(PLAIN, patience=1), keep="last")
    assert (found.epoch, found.best_epoch) == (3, 3)


def test_a_schedule_of_one_single_step_works(run: Callable, tiny: Callable, coloured: Callable) -> None:
    one = structs.replace(PLAIN, epochs=1, batch_size=64, schedule="one_cycle")
    assert run(tiny(), coloured(), one).epoch == 1


def test_training_that_diverges_says_what_to_lower(run: Callable, tiny: Callable, coloured: Callable) -> None:
    network = tiny()
    network.get_layer("logit").weights[1].assign([np.nan])
    with pytest.raises(UserError, match=r"diverged.*lower its learning_rate"):
        run(network, coloured(), PLAIN)


def test_a_weight_of_nothing_teaches_nothing(run: Callable, tiny: Callable, coloured: Callable) -> None:
    examples = coloured()
    network, before = tiny(), tiny()
    run(network, dataclasses.replace(examples, weight=np.zeros(48, "float32")), PLAIN)
    learned = [
        (np.asarray(a), np.asarray(b)) for a, b in zip(network.trainable_weights, before.trainable_weights, strict=True)
    ]
    assert all(np.array_equal(a, b) for a, b in learned)


def test_class_weights_shift_the_answers_towards_the_heavier_class(
    run: Callable, tiny: Callable, coloured: Callable
) -> None:
    examples = coloured(128, 60)
    means = []
    for heavy in (0, 1):
        weight = np.where(examples.label[examples.train] == heavy, 1.9, 0.1).astype("float32")
        network = tiny()
        recipe = structs.replace(PLAIN, epochs=8)
        run(network, dataclasses.replace(examples, weight=weight), recipe, f"heavy{heavy}", keep="last")
        means.append(predict_logits(network, examples.inputs, examples.val).mean())
    assert means[1] > means[0] + 0.2


def test_frozen_layers_stay_bit_by_bit_even_under_the_moving_average(
    run: Callable, tiny: Callable, coloured: Callable
) -> None:
    network, before = tiny(), tiny()
    trainable_from(network, "head")
    run(network, coloured(), structs.replace(PLAIN, ema=0.998, weight_decay=0.1))
    frozen = {v.path: np.asarray(v).tobytes() for v in before.weights if not v.path.startswith("logit")}
    assert frozen
    for variable in network.weights:
        if variable.path in frozen:
            assert np.asarray(variable).tobytes() == frozen[variable.path]


def test_validation_agrees_with_scikit_learn(tiny: Callable, coloured: Callable) -> None:
    examples, network = coloured(10, 300), tiny()
    found = validate(network, examples)
    logit, label = predict_logits(network, examples.inputs, examples.val), examples.label[examples.val]
    assert found["val_auc"] == pytest.approx(roc_auc_score(label, logit))
    assert found["val_average_precision"] == pytest.approx(average_precision_score(label, logit))
    assert found["val_accuracy"] == pytest.approx(((logit >= 0) == label).mean())
    keras_loss = keras.losses.BinaryCrossentropy(from_logits=True)(label[:, None], logit[:, None])
    assert found["val_loss"] == pytest.approx(float(keras_loss), rel=1e-4)


def test_logits_come_in_the_order_of_the_rows(tiny: Callable, coloured: Callable) -> None:
    examples, network = coloured(10, 300), tiny()
    rows = np.random.default_rng(1).permutation(310)
    everything = predict_logits(network, examples.inputs, np.arange(310))
    np.testing.assert_allclose(predict_logits(network, examples.inputs, rows), everything[rows], atol=1e-5)


def test_loss_and_accuracy_of_an_epoch_are_means_over_all_its_patches(run: Callable) -> None:
    """Nothing is learned at this rate, so the epoch's mean is what the network scores as it stands."""
    rng = np.random.default_rng(4)
    inputs = rng.normal(size=(70, 5)).astype("float32")  # the last batch is smaller than the others
    label = (inputs[:, 0] + rng.normal(size=70) > 0).astype(int)
    start = keras.Input((5,))
    network = keras.Model(start, keras.layers.Dense(1)(start))
    examples = Examples(inputs, np.arange(70), np.arange(70), label, np.ones(70, "float32"), np.full(70, "P"))
    still = structs.replace(PLAIN, epochs=1, learning_rate=1e-9)
    row = run(network, examples, still).history[0]
    assert row["loss"] == pytest.approx(row["val_loss"], rel=1e-4)
    assert row["accuracy"] == pytest.approx(row["val_accuracy"], abs=1e-6)


class Recording:
    """Stands before a network as a frozen part would, and keeps what it was shown in training."""

    def __init__(self) -> None:
        self.augmentation = build_augmentation(("right_angle",), side=50, seed=3)
        self.shown: list[np.ndarray] = []

    def __call__(self, patches: np.ndarray, *, training: bool = False) -> np.ndarray:
        if training:
            patches = np.asarray(self.augmentation(patches, training=True))
            self.shown.append(patches)
        return patches


def test_augmentation_before_a_frozen_part_depends_on_seed_and_epoch_alone(
    run: Callable, tiny: Callable, coloured: Callable
) -> None:
    recipe = structs.replace(PLAIN, epochs=2, augmentation=("right_angle",))
    first, again, other = Recording(), Recording(), Recording()
    run(tiny(), coloured(), recipe, "first", front=first)
    with stopped_at(len(first.shown) // 2 + 1), pytest.raises(KeyboardInterrupt):
        run(tiny(), coloured(), recipe, "again", front=again)
    resumed = Recording()
    run(tiny(), coloured(), recipe, "again", front=resumed)
    run(tiny(), coloured(), recipe, "other", front=other, seed=2)
    half = len(first.shown) // 2
    assert all(np.array_equal(a, b) for a, b in zip(first.shown[half:], resumed.shown, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first.shown, other.shown, strict=True))
