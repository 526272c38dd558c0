"""`cancernet train`: killed in an epoch and started again, it ends where it would have ended."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load

from cancernet.model.bundle import WEIGHTS
from cancernet.model.model import load_model

pytestmark = pytest.mark.train

RECIPES = """
[everything]
network = "compact"
augmentation = ["right_angle", "rotation_zoom", "stain", "brightness"]
class_weight = "balanced"
schedule = "one_cycle"
ema = 0.9
dropout = 0.4
weight_decay = 0.02
label_smoothing = 0.05
epochs = 3
patience = 9
batch_size = 16
keras_file = "everything.h5"
"""
KILLED = """
import os, signal
from cancernet.training.quiet import import_quietly
import_quietly()
from cancernet.training.batches import Batches
get = Batches.__getitem__
taken = 0
def counting(self, index):
    global taken
    taken += 1
    if taken == {batch}:
        os.kill(os.getpid(), signal.SIGKILL)
    return get(self, index)
Batches.__getitem__ = counting
"""

NO_KERAS = """
from importlib.machinery import PathFinder
find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *more: None if name == "keras" else find(name, *more)
"""


@pytest.fixture(scope="module")
def train(cancernet: Callable, sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable:
    recipes = tmp_path_factory.mktemp("recipes") / "own.toml"
    recipes.write_text(RECIPES)

    def run(models: Path, *more: object, before: str = "") -> object:
        arguments = ("--data", sample, "--models", models, "--recipe-file", recipes, "--weights", "none", *more)
        return cancernet("train", "--recipe", "everything", *arguments, before=before)

    return run


@pytest.mark.slow
def test_a_run_killed_in_an_epoch_ends_at_bit_identical_weights_when_started_again(
    train: Callable, tmp_path: Path
) -> None:
    """SIGKILL in the second of three epochs, between two steps; then the very same command."""
    whole = train(tmp_path / "whole", "--limit", 64)
    assert whole.returncode == 0, whole.stderr
    killed = train(tmp_path / "killed", "--limit", 64, before=KILLED.format(batch=7))  # 4 batches an epoch
    assert killed.returncode == -signal.SIGKILL
    folder = tmp_path / "killed" / "everything"
    assert len(pd.read_csv(folder / "history.csv")) == 1
    assert not (folder / "manifest.json").exists()
    again = train(tmp_path / "killed", "--limit", 64)
    assert again.returncode == 0, again.stderr
    first, second = (load_model(tmp_path / name / "everything") for name in ("whole", "killed"))
    assert len(pd.read_csv(folder / "history.csv")) == 3
    old, new = load(first.read(WEIGHTS)), load(second.read(WEIGHTS))
    assert old.keys() == new.keys()
    for name, array in old.items():
        np.testing.assert_array_equal(array, new[name], err_msg=name)
    assert first.thresholds == second.thresholds
    assert first.manifest.training.best_epoch == second.manifest.training.best_epoch
    assert (tmp_path / "killed" / "everything.h5").is_file()
    assert again.stderr == ""


def test_training_without_tensorflow_is_one_line(cancernet: Callable, one_line_error: Callable, sample: Path) -> None:
    arguments = ("train", "--recipe", "baseline", "--data", sample)
    said = one_line_error(cancernet(*arguments, before=NO_KERAS, keras=False))
    assert "pip install 'cancernet[train]'" in said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--recipe", "best"), "no recipe is called 'best'"),
        (("--recipe", "baseline", "--data", "nowhere"), "nowhere"),
        (("--recipe", "transfer", "--weights", "/no/such.h5"), "--weights /no/such.h5: no such file"),
    ],
    ids=["recipe", "data", "weights"],
)
def test_a_mistake_is_one_line(
    cancernet: Callable, one_line_error: Callable, sample: Path, tmp_path: Path, arguments: tuple, says: str
) -> None:
    given = ("--data", sample, "--models", tmp_path / "models", *arguments)
    assert says in one_line_error(cancernet("train", *given))
    assert not (tmp_path / "models").exists()
