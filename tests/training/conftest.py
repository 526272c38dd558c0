"""Tiny data and tiny networks, so that training takes a second; made once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras")
import keras

from cancernet.common.output import Output
from cancernet.data.pack import Pack, pack
from cancernet.data.sample import write_sample
from cancernet.data.sides import Split
from cancernet.data.split import grouped_split
from cancernet.model.model import Model
from cancernet.model.recipe import Recipe
from cancernet.networks import build_network, cnn
from cancernet.training.engine import Examples
from cancernet.training.options import TrainingOptions
from cancernet.training.train import train

SIZES = ((4, 8, 8), 16)  # of the stages and the dense layer of the CNN; the true one is far larger
EVERYTHING = Recipe(
    "everything",
    "every option at once",
    "cnn",
    class_weight="balanced",
    augmentation=("right_angle", "rotation_zoom", "stain", "brightness"),
    epochs=3,
    batch_size=16,
    schedule="one_cycle",
    weight_decay=0.01,
    label_smoothing=0.05,
    ema=0.9,
    dropout=0.3,
    keras_file="everything.h5",
)


@dataclass(frozen=True)
class Trained:
    """A recipe trained on the tiny sample, and all it was trained with."""

    model: Model
    recipe: Recipe
    pack: Pack
    split: Split
    models: Path
    cache: Path


@contextmanager
def tiny_cnn() -> Iterator[None]:
    """Make the CNN tiny."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cnn, "STAGES", SIZES[0])
        patch.setattr(cnn, "DENSE_UNITS", SIZES[1])
        yield


@pytest.fixture(scope="module", autouse=True)
def small_cnn() -> Iterator[None]:
    """In all tests of this folder, and in what they share."""
    with tiny_cnn():
        yield


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """A packed synthetic sample of 8 patients with 24 patches each."""
    folder = tmp_path_factory.mktemp("packed")
    return pack(write_sample(folder / "sample", patients=8, patches_per_patient=24, seed=3), cache_dir=folder)


@pytest.fixture(scope="session")
def split(packed: Pack) -> Split:
    return grouped_split(packed.table, seed=1, test_fraction=0.25, val_fraction=0.25)


@pytest.fixture(scope="session")
def trained(packed: Pack, split: Split, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The recipe with every option, trained once."""
    folder = tmp_path_factory.mktemp("trained")
    models, cache = folder / "models", folder / "cache"
    options = TrainingOptions(weights="none")
    with tiny_cnn(), Output(models, "train") as out:
        model = train(EVERYTHING, packed, split, models=out, cache=cache, options=options, say=lambda _: None)
    return Trained(model, EVERYTHING, packed, split, models, cache)


@pytest.fixture
def tiny() -> Callable[..., keras.Model]:
    """Build the small CNN with weights that the seed decides."""

    def build(seed: int = 0, dropout: float = 0.2) -> keras.Model:
        keras.utils.set_random_seed(seed)
        return build_network("cnn", input_size=50, dropout=dropout)

    return build


@pytest.fixture(scope="session")
def coloured() -> Callable[..., Examples]:
    """Noisy patches, the malignant ones a little darker: a second of training tells them apart."""

    def make(n_train: int = 48, n_val: int = 24, seed: int = 0) -> Examples:
        rng = np.random.default_rng(seed)
        n = n_train + n_val
        label = np.arange(n) % 2
        level = np.where(label == 1, 90, 160)[:, None, None, None]
        images = np.clip(level + rng.normal(0, 40, (n, 50, 50, 3)), 0, 255).astype("uint8")
        rows = rng.permutation(n)
        patient = np.array(["P1"] * n_train)
        return Examples(images, rows[:n_train], rows[n_train:], label, np.ones(n_train, "float32"), patient)

    return make
