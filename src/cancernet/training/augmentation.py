"""Augmentation as layers of the training graph; none of it is in an exported graph.

Each layer takes and returns float32 pixels from 0 to 255, (N, side, side, 3); the whole rounds to uint8, as a
scanner would. Tissue has no up, so any right
angle and mirror image of a patch is as likely as the patch itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import keras
import numpy as np
from keras import KerasTensor, layers, ops

# Optical density of haematoxylin, eosin and DAB by red, green and blue (Ruifrok & Johnston 2001).
HED = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]], "float32")
STAIN_SIGMA = 0.06  # relative gain and absolute shift of each stain (Tellez et al. 2019, "light")
LIGHT_STAIN_SIGMA = 0.02  # the same, where colour itself tells much: a third of it
BRIGHTNESS = 0.1  # largest relative change of all pixels
SHARPNESS = 0.11  # standard deviation of the weight that a pixel gives each neighbour of its row and column
ROTATION_TURNS = 1 / 12  # +-30 degrees, on top of the right angles
ZOOM = 0.1


class Change(layers.Layer):
    """Something done to patches in training only; `change` does it, by random numbers from `seed_generator`."""

    def __init__(self, seed: int, name: str) -> None:
        super().__init__(name=name)
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, patches: KerasTensor, training: bool = False) -> KerasTensor:
        """Change the patches in training, and leave them as they are otherwise."""
        return self.change(patches) if training else patches

    def change(self, patches: KerasTensor) -> KerasTensor:
        """Return patches changed, each by what is drawn for it."""
        raise NotImplementedError


class RightAngle(Change):
    """One of the eight symmetries of the square, drawn for each patch."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, "right_angle")

    def change(self, patches: KerasTensor) -> KerasTensor:
        """Turn and mirror each patch."""
        coins = keras.random.uniform((3, ops.shape(patches)[0], 1, 1, 1), seed=self.seed_generator) < 0.5
        patches = ops.where(coins[0], ops.flip(patches, 1), patches)
        patches = ops.where(coins[1], ops.flip(patches, 2), patches)
        return ops.where(coins[2], ops.transpose(patches, (0, 2, 1, 3)), patches)


class RotationZoom(Change):
    """Turn and zoom half of the patches a little; the others stay as sharp as those to be predicted.

    A pixel is 4 um here and a nucleus two or three of them, so interpolation blurs what a network has to see;
    one that learned from blurred patches only would meet sharp ones as strangers.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(seed + 2, "rotation_zoom")
        self.rotation = layers.RandomRotation(ROTATION_TURNS, fill_mode="reflect", seed=seed)
        self.zoom = layers.RandomZoom(ZOOM, ZOOM, fill_mode="reflect", seed=seed + 1)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Build the two layers inside."""
        self.rotation.build(input_shape)
        self.zoom.build(input_shape)

    def change(self, patches: KerasTensor) -> KerasTensor:
        """Turn and zoom some patches."""
        moved = self.zoom(self.rotation(patches, training=True), training=True)
        coins = keras.random.uniform((ops.shape(patches)[0], 1, 1, 1), seed=self.seed_generator) < 0.5
        return ops.where(coins, moved, patches)


class StainJitter(Change):
    """Scale and shift each stain in optical-density space, drawn for each patch (Tellez et al. 2018)."""

    def __init__(self, seed: int, *, sigma: float = STAIN_SIGMA, name: str = "stain") -> None:
        super().__init__(seed, name)
        self.sigma = sigma

    def change(self, patches: KerasTensor) -> KerasTensor:
        """Change the stains of each patch."""
        shape = (2, ops.shape(patches)[0], 1, 1, 3)
        drawn = keras.random.uniform(shape, -self.sigma, self.sigma, seed=self.seed_generator)
        density = -ops.log((patches + 1.0) / 256.0)
        stains = ops.matmul(density, np.linalg.inv(HED))
        stains = stains * (1.0 + drawn[0]) + drawn[1]
        density = ops.matmul(stains, HED)
        return ops.clip(256.0 * ops.exp(-density) - 1.0, 0.0, 255.0)


class Brightness(Change):
    """Multiply all pixels of a patch by one factor, drawn for each patch."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, "brightness")

    def change(self, patches: KerasTensor) -> KerasTensor:
        """Brighten or darken each patch."""
        shape = (ops.shape(patches)[0], 1, 1, 1)
        factor = keras.random.uniform(shape, 1 - BRIGHTNESS, 1 + BRIGHTNESS, seed=self.seed_generator)
        return ops.clip(patches * factor, 0.0, 255.0)


class Sharpness(Change):
    """Blur or sharpen half of the patches a little, as lenses and scanners differ; the others stay as they are."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, "sharpness")

    def change(self, patches: KerasTensor) -> KerasTensor:
        """Blur or sharpen some patches."""
        shape = (ops.shape(patches)[0], 1, 1, 1)
        weight = SHARPNESS * keras.random.normal(shape, mean=1.0, seed=self.seed_generator)
        coins = keras.random.uniform(shape, seed=self.seed_generator) < 0.5
        weight = ops.where(coins, ops.clip(weight, -SHARPNESS, 0.25), 0.0)
        for axis in (1, 2):
            before, after = (ops.concatenate(each, axis) for each in _shifted(patches, axis))
            patches = patches + weight * (before + after - 2.0 * patches)
        return ops.clip(patches, 0.0, 255.0)


def _shifted(patches: KerasTensor, axis: int) -> tuple[list[KerasTensor], list[KerasTensor]]:
    """Return what goes together to patches moved by a pixel either way, the edge standing for what lies beyond it."""
    if axis == 1:
        return [patches[:, :1], patches[:, :-1]], [patches[:, 1:], patches[:, -1:]]
    return [patches[:, :, :1], patches[:, :, :-1]], [patches[:, :, 1:], patches[:, :, -1:]]


LAYERS: dict[str, Callable[[int], layers.Layer]] = {
    "right_angle": RightAngle,
    "rotation_zoom": RotationZoom,
    "stain": StainJitter,
    "light_stain": partial(StainJitter, sigma=LIGHT_STAIN_SIGMA, name="light_stain"),
    "brightness": Brightness,
    "sharpness": Sharpness,
}


def build_augmentation(names: tuple[str, ...], *, side: int, seed: int) -> keras.Model | None:
    """Build the augmentation of a recipe.

    Args:
        names: from `cancernet.training.recipes.AUGMENTATIONS`, applied in this order.
        side: side of the patches in px.
        seed: seeds every random layer.

    Returns:
        A model from uint8 patches (N, side, side, 3) to uint8 ones, or nothing where `names` is empty.
    """
    if not names:
        return None
    patch = keras.Input((side, side, 3), dtype="uint8")
    x = ops.cast(patch, "float32")
    for index, name in enumerate(names):
        x = LAYERS[name](seed + 10 * index)(x)
    return keras.Model(patch, ops.cast(ops.round(x), "uint8"), name="augmentation")
