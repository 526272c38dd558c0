"""A network made ready to take training steps: augmentation, loss, optimiser, schedule, average of its weights."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np

from cancernet.model.recipe import Recipe

WARM_UP = 0.1  # share of the steps in which one_cycle climbs to the highest rate


class MovingAverage:
    """Exponential moving average of all weights that learn, batch statistics included (Polyak & Juditsky 1992).

    It is moved within the training step: from outside, reading each weight took up to a fifth of the step's time.
    """

    def __init__(self, network: keras.Model, momentum: float) -> None:
        self.momentum = momentum
        self.weights = [v for layer in _leaves(network) if layer.trainable for v in layer.weights]
        self.average = [keras.Variable(np.array(v), trainable=False, dtype=v.dtype) for v in self.weights]
        self.step = keras.Variable(0.0, trainable=False, dtype="float32")

    def update(self) -> None:
        """Move the average; early steps move it faster, so that it forgets the random start."""
        self.step.assign_add(1.0)
        keep = keras.ops.minimum(self.momentum, (1 + self.step) / (10 + self.step))
        for average, weight in zip(self.average, self.weights, strict=True):
            average.assign(average + (1 - keep) * (weight - average))

    def swap(self) -> None:
        """Exchange the average and the weights of the network."""
        for average, weight in zip(self.average, self.weights, strict=True):
            current = np.array(weight)
            weight.assign(average)
            average.assign(current)


class Trainer(keras.Model):
    """A functional model whose training step also moves an average of its weights."""

    average: MovingAverage | None = None  # not a layer or variable, so Keras does not count its weights

    def train_step(self, data: tuple) -> dict[str, keras.KerasTensor]:
        """Take a step, then move the average."""
        logs = super().train_step(data)
        if self.average is not None:
            self.average.update()
        return logs


def build_trainer(
    network: keras.Model, recipe: Recipe, *, steps: int, augmentation: keras.Model | None = None
) -> Trainer:
    """Put augmentation before a network, and give it the loss, optimiser, schedule and average of a recipe.

    Args:
        network: from inputs to one logit; its trainable flags are set.
        recipe: how to train.
        steps: of an epoch.
        augmentation: from inputs to inputs, or nothing.
    """
    if augmentation is None:
        trainer = Trainer(network.input, network.output, name=network.name)
    else:
        trainer = Trainer(augmentation.input, network(augmentation.output), name=network.name)
    if recipe.ema:
        trainer.average = MovingAverage(network, recipe.ema)
    rate: float | keras.optimizers.schedules.LearningRateSchedule = recipe.learning_rate
    if recipe.schedule == "one_cycle":
        total = steps * recipe.epochs
        warm = max(1, int(total * WARM_UP))
        rate = keras.optimizers.schedules.CosineDecay(
            recipe.learning_rate / 25, max(1, total - warm), warmup_target=recipe.learning_rate, warmup_steps=warm
        )
    trainer.compile(
        keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay),
        keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=recipe.label_smoothing),
        metrics=[keras.metrics.MeanMetricWrapper(_right, name="accuracy")],
        jit_compile=False,  # XLA on a CPU measured 0.6 to 0.8 of the speed of the plain graph
    )
    trainer.optimizer.build(trainer.trainable_variables)
    return trainer


def _leaves(layer: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    """Yield the layers inside a model and the models inside it, in order."""
    inner = getattr(layer, "layers", None)
    if inner is None:
        yield layer
        return
    for each in inner:
        yield from _leaves(each)


def _right(label: keras.KerasTensor, logit: keras.KerasTensor) -> keras.KerasTensor:
    """Whether a logit is on the side of its label, which counts as what it is most of where it is mixed."""
    return keras.ops.cast(keras.ops.equal(label >= 0.5, logit >= 0), "float32")
