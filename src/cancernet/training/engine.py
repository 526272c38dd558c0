"""The one training loop: epochs, validation, best weights, checkpoints, resuming."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from cancernet.common.errors import UserError
from cancernet.common.mapped import sparing
from cancernet.common.progress import progress as progress_bar
from cancernet.model.recipe import Recipe
from cancernet.training.augmentation import build_augmentation
from cancernet.training.batches import Batches, epoch_size
from cancernet.training.checkpoint import Progress, load_weights, read_checkpoint, save_checkpoint, weights_of
from cancernet.training.front import Front
from cancernet.training.log import TrainingLog
from cancernet.training.trainer import MovingAverage, Trainer, build_trainer

PREDICT_BATCH = 128  # patches; larger is slower on a CPU, whose caches it leaves


@dataclass(frozen=True)
class Examples:
    """What to learn from and what to choose the epoch by.

    Attributes:
        inputs: patches uint8 (N, 50, 50, 3) or features float32 (N, D).
        train: rows to learn from, int (M,); `label` int (N,) covers all rows of `inputs`.
        val: rows of the validation patients, int (K,).
        label: int (N,), 0 benign, 1 malignant.
        weight: float32 (M,), weight in the loss of each row of `train`.
        patient: names (M,), patient of each row of `train`.
        stain: float32 (M, 6), colours of the patient of each row of `train`, for a recipe that restains.
        choose: those rows of `val` that choose the epoch, int (J,), where val is too large for each epoch; or nothing.
    """

    inputs: np.ndarray
    train: np.ndarray
    val: np.ndarray
    label: np.ndarray
    weight: np.ndarray
    patient: np.ndarray
    stain: np.ndarray | None = None
    choose: np.ndarray | None = None

    @property
    def choosing(self) -> np.ndarray:
        """The rows that choose the epoch: all of val, or some of it."""
        return self.val if self.choose is None else self.choose


def fit(
    network: keras.Model,
    examples: Examples,
    recipe: Recipe,
    *,
    seed: int,
    fingerprint: str,
    checkpoint: Path,
    log_dir: Path,
    keep: str = "best",
    front: Front | None = None,
    cost: tuple[float, float] = (0.0, 0.0),
) -> Progress:
    """Train a network as a recipe says and leave it with the weights of its best epoch.

    The best epoch has the highest validation average precision. After each epoch the whole state is
    written to `checkpoint`; a run with the same fingerprint goes on from there and ends at the weights of
    a run that was never stopped, because the order and the augmentation of an epoch depend on nothing but
    the seed and the epoch.

    Args:
        network: from inputs to one logit; its trainable flags are set.
        examples: what to learn from.
        recipe: how.
        seed: seeds order, augmentation and dropout.
        fingerprint: names the run; a checkpoint with another is overwritten.
        checkpoint: file to write.
        log_dir: folder for `history.csv` and TensorBoard's files.
        keep: `best`, or `last` where the validation rows must not choose the epoch.
        front: what the inputs go through before the network, augmentation included; by default the recipe's
            augmentation, in the network's own graph.
        cost: of a patch in training and in validation, as a run foretells them.

    Returns:
        The finished progress; its history has a row an epoch.
    """
    n_epoch = epoch_size(examples.patient, recipe.patient_cap)
    steps = -(-n_epoch // recipe.batch_size)
    in_graph = None
    if front is None:
        in_graph = build_augmentation(recipe.augmentation, side=network.input.shape[1], seed=seed)
    trainer = build_trainer(network, recipe, steps=steps, augmentation=in_graph)
    average = trainer.average
    found = read_checkpoint(checkpoint, fingerprint)
    done = Progress(fingerprint)
    if found is not None:
        state, done = found
        _restore(trainer, average, state)
    log = TrainingLog(log_dir, done.history)
    label, inputs = examples.label.astype("float32"), sparing(examples.inputs)
    while not done.done:
        epoch = done.epoch
        _seed_layers([trainer, front.augmentation] if front and front.augmentation else [trainer], seed, epoch)
        batches = Batches(
            inputs,
            examples.train,
            label[examples.train],
            examples.weight,
            batch_size=recipe.batch_size,
            seed=seed,
            epoch=epoch,
            mixup=recipe.mixup,
            patient=examples.patient,
            cap=recipe.patient_cap,
            restain=recipe.restain,
            stain=examples.stain,
            jpeg=recipe.jpeg,
        )
        started = time.perf_counter()
        learned = _learn(trainer, batches, front, cost=cost[0], what=f"{recipe.name} epoch {epoch + 1}/{recipe.epochs}")
        seconds = time.perf_counter() - started
        if average:
            average.swap()
        row = {"epoch": epoch + 1, "loss": learned["loss"], "accuracy": learned["accuracy"]}
        row |= validate(network, examples, front, cost=cost[1]) | {
            "seconds": seconds,
            "patches_per_second": n_epoch / seconds,
        }
        _note(done, row, network, recipe, keep)
        if average:
            average.swap()
        save_checkpoint(checkpoint, _state(trainer, average), done)
        log.add(row)
    log.close()
    load_weights(network, done.best)
    return done


def _learn(trainer: Trainer, batches: Batches, front: Front | None, *, what: str, cost: float) -> dict[str, float]:
    """Take one step a batch and return the mean loss and accuracy of the epoch.

    Not `Model.fit`: it feeds TensorFlow through a tf.data pipeline, whose tuning thread sleeps 10 ms, 20 ms,
    40 ms and so on and is waited for at the end: epochs of some 11 seconds took 20.5.
    """
    sums: dict[str, float] = {}
    with progress_bar(total=len(batches.order), what=what, cost=cost) as bar:
        for index in range(len(batches)):
            inputs, label, weight = batches[index]
            if front:
                inputs = front(inputs, training=True)
            logs = trainer.train_on_batch(inputs, label, sample_weight=weight, return_dict=True)
            for name, value in logs.items():  # of this batch alone: Keras starts its metrics anew each time
                sums[name] = sums.get(name, 0.0) + float(value) * len(label)
            bar.update(len(label))
    return {name: total / len(batches.order) for name, total in sums.items()}


def validate(
    network: keras.Model, examples: Examples, front: Front | None = None, *, cost: float = 0.0
) -> dict[str, float]:
    """Score a network on the rows that choose the epoch, NaN without any: loss, accuracy, AUC, average precision.

    Raises:
        UserError: a score is infinite or not a number.
    """
    rows = examples.choosing
    if not len(rows):
        return dict.fromkeys(("val_loss", "val_accuracy", "val_auc", "val_average_precision"), float("nan"))
    logit = predict_logits(network, examples.inputs, rows, front, cost=cost)
    if not np.isfinite(logit).all():
        raise UserError(f"{network.name}: training diverged, a score is not finite; lower its learning_rate")
    label = examples.label[rows]
    signed = np.where(label == 1, logit, -logit)
    both = len(np.unique(label)) == 2
    return {
        "val_loss": float(np.logaddexp(0.0, -signed).mean()),
        "val_accuracy": float(((logit >= 0) == label).mean()),
        "val_auc": float(roc_auc_score(label, logit)) if both else float("nan"),
        "val_average_precision": float(average_precision_score(label, logit)) if both else float("nan"),
    }


def predict_logits(
    network: keras.Model, inputs: np.ndarray, rows: np.ndarray, front: Front | None = None, *, cost: float = 0.0
) -> np.ndarray:
    """Return the logits float32 (len(rows),) of rows of `inputs`, read a batch at a time, through `front` if any."""
    logits, inputs = [np.empty(0, "float32")], sparing(inputs)
    with progress_bar(total=len(rows), what=f"validate {network.name}", cost=cost) as bar:
        for start in range(0, len(rows), PREDICT_BATCH):
            batch = inputs[rows[start : start + PREDICT_BATCH]]
            logits.append(np.asarray(network.predict_on_batch(front(batch) if front else batch))[:, 0])
            bar.update(len(batch))
    return np.concatenate(logits)


def _seed_layers(models: list[keras.Model], seed: int, epoch: int) -> None:
    states = [v for model in models for v in model.variables if "seed_generator_state" in v.path]
    for index, variable in enumerate(states):
        drawn = np.random.default_rng((seed, epoch, index)).integers(0, 2**31, size=2)
        variable.assign(drawn.astype(variable.dtype))


def _note(done: Progress, row: dict[str, float], network: keras.Model, recipe: Recipe, keep: str) -> None:
    """Record an epoch; keep its weights if it is the one to keep so far; say whether it was the last."""
    scores = [past["val_average_precision"] for past in done.history]
    done.history.append(row)
    done.epoch += 1
    if keep == "last" or done.best_epoch == 0 or row["val_average_precision"] > max(scores):
        done.best_epoch, done.best = done.epoch, weights_of(network)
    done.done = done.epoch >= recipe.epochs or done.epoch - done.best_epoch >= recipe.patience


def _state(trainer: keras.Model, average: MovingAverage | None) -> dict[str, list[np.ndarray]]:
    state = {
        "weights": [np.array(v) for v in trainer.weights],
        "optimizer": [np.array(v) for v in trainer.optimizer.variables],
    }
    if average:
        state |= {"average": [np.array(v) for v in average.average], "step": [np.array(average.step)]}
    return state


def _restore(trainer: keras.Model, average: MovingAverage | None, state: dict[str, list[np.ndarray]]) -> None:
    groups = {"weights": trainer.weights, "optimizer": trainer.optimizer.variables}
    if average:
        groups |= {"average": average.average, "step": [average.step]}
    for group, variables in groups.items():
        for variable, value in zip(variables, state[group], strict=True):
            variable.assign(value)
