"""From a recipe to a bundle: once, from the right start, with what is frozen left as it was."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras.applications import MobileNetV2
from msgspec import structs
from safetensors.numpy import load

from cancernet.common.errors import UserError
from cancernet.common.output import Output
from cancernet.data.pack import Pack
from cancernet.data.sides import Split
from cancernet.model.bundle import WEIGHTS
from cancernet.model.model import Model
from cancernet.model.recipe import Recipe
from cancernet.training import features
from cancernet.training import train as train_module
from cancernet.training.engine import predict_logits
from cancernet.training.options import TrainingOptions
from cancernet.training.recipes import load_recipes
from cancernet.training.start import dtype_policy, load_network
from cancernet.training.train import train

pytestmark = pytest.mark.train
STATISTICS = ("moving_mean", "moving_variance")
LAST, LEARNS_FROM = "block_3_project_BN", "block_3_expand"  # of the backbone; all its 16 blocks: tests/networks
NORMALISED = 12  # layers up to the last with a mean and a variance


def again(trained: Any, models: Path, recipe: Recipe | None = None, **options: Any) -> tuple[Model, list[str]]:
    """Give the same command once more, with changes; returns the model and what was said."""
    said: list[str] = []
    with Output(models, "train") as out:
        model = train(
            recipe or trained.recipe,
            trained.pack,
            trained.split,
            models=out,
            cache=trained.cache,
            options=TrainingOptions(**{"weights": "none", **options}),
            say=said.append,
        )
    return model, said


@pytest.fixture
def copied(trained: Any, tmp_path: Path) -> Path:
    """The models of the trained recipe, to change."""
    return Path(shutil.copytree(trained.models, tmp_path / "models"))


def alone(recipe: Recipe, packed: Pack, split: Split, folder: Path, **options: Any) -> Model:
    """Train into a folder that holds nothing yet."""
    with Output(folder / "models", "train") as models:
        return train(recipe, packed, split, models=models, cache=folder, options=TrainingOptions(**options), say=str)


def no_training(*_: object, **__: object) -> None:
    raise AssertionError("trained again")


def test_the_same_command_again_trains_nothing(trained: Any, copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_module, "fit", no_training)
    model, said = again(trained, copied)
    assert model.manifest == trained.model.manifest
    assert "already trained" in said[0]


@pytest.mark.parametrize("change", [{"seed": 2}, {"limit": 40}, {"epochs": 2}, {"target_recall": 0.8}], ids=str)
def test_another_command_trains_anew(
    trained: Any, copied: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    monkeypatch.setattr(train_module, "fit", no_training)
    with pytest.raises(AssertionError, match="trained again"):
        again(trained, copied, **change)


def test_another_split_trains_anew(trained: Any, copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_module, "fit", no_training)
    swapped = {"val": "test", "test": "val", "train": "train"}
    split = dataclasses.replace(trained.split, assignment={p: swapped[s] for p, s in trained.split.assignment.items()})
    with pytest.raises(AssertionError, match="trained again"):
        again(dataclasses.replace(trained, split=split), copied)


def test_a_run_killed_before_its_bundle_ends_at_the_same_bundle_without_another_epoch(
    trained: Any, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (copied / "everything" / "manifest.json").unlink()
    (copied / "everything.h5").unlink()
    monkeypatch.setattr("cancernet.training.engine._learn", no_training)
    model, _ = again(trained, copied)
    old, new = (load(b.read(WEIGHTS)) for b in (trained.model, model))
    for a, b in zip(sorted(old), sorted(new), strict=True):  # names begin with the place in the network
        np.testing.assert_array_equal(old[a], new[b])
    assert model.thresholds == trained.model.thresholds
    assert (copied / "everything.h5").is_file()


def test_a_bundle_gives_back_the_network_it_was_made_of(trained: Any) -> None:
    first, second = load_network(trained.model), load_network(trained.model)
    rows = np.arange(20)
    logits = [predict_logits(network, trained.pack.images, rows) for network in (first, second)]
    np.testing.assert_array_equal(*logits)


def test_a_recipe_whose_start_is_not_there_says_what_to_train_first(packed: Pack, split: Split, tmp_path: Path) -> None:
    recipe = load_recipes()["fine_tuned"]
    with pytest.raises(UserError, match=r"continues from transfer.*train transfer first"):
        alone(recipe, packed, split, tmp_path, weights="none")


def test_a_recipe_cannot_continue_from_another_network(trained: Any, copied: Path) -> None:
    recipe = Recipe("next", "", "compact", start_from="everything")
    with pytest.raises(UserError, match=r"cannot continue from .*another network or input size"):
        again(trained, copied, recipe)


def test_a_recipe_continues_from_the_weights_of_the_one_before(
    trained: Any, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[keras.Model] = []

    def fit(network: keras.Model, *_: object, **__: object) -> None:
        seen.append(network)
        raise KeyboardInterrupt

    monkeypatch.setattr(train_module, "fit", fit)
    recipe = structs.replace(trained.recipe, name="next", start_from="everything", keras_file="")
    with pytest.raises(KeyboardInterrupt):
        again(trained, copied, recipe)
    for a, b in zip(seen[0].weights, load_network(trained.model).weights, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.usefixtures("_offline")
def test_imagenet_weights_that_cannot_be_had_never_become_random_ones(
    packed: Pack, split: Split, tmp_path: Path
) -> None:
    recipe = structs.replace(load_recipes()["transfer"], input_size=32)
    with pytest.raises(UserError, match="cannot download the ImageNet weights"):
        alone(recipe, packed, split, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def _offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(keras.utils, "get_file", refuse)


def test_a_dtype_policy_is_put_back_even_after_an_error() -> None:
    before = keras.config.dtype_policy()
    with pytest.raises(RuntimeError), dtype_policy("mixed_bfloat16"):
        raise RuntimeError
    assert keras.config.dtype_policy() == before


def shallow(**options: Any) -> keras.Model:
    """MobileNetV2 up to its third block: what is exported a dozen times takes a quarter of the time."""
    whole = MobileNetV2(**options)
    return keras.Model(whole.input, whole.get_layer(LAST).output, name=options["name"])


@pytest.fixture(scope="module")
def mobilenets(packed: Pack, split: Split, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """`transfer` and `fine_tuned`, shallow, at 32 px from random weights; also the passes over patches it took."""
    folder = tmp_path_factory.mktemp("mobilenets")
    passes: list[int] = []
    run = features.run_batches

    def counting(session: object, images: np.ndarray, rows: np.ndarray) -> Any:
        passes.append(len(rows))
        return run(session, images, rows)

    changes = {"input_size": 32, "epochs": 1, "batch_size": 16}
    recipes = {n: structs.replace(r, **changes) for n, r in load_recipes().items() if r.network == "mobilenet"}
    recipes["fine_tuned"] = structs.replace(recipes["fine_tuned"], train=LEARNS_FROM)
    recipes["again"] = structs.replace(recipes["transfer"], name="again", class_weight="balanced")

    def go(name: str) -> Model:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(features, "run_batches", counting)
            patch.setattr(keras.applications, "MobileNetV2", shallow)
            return alone(recipes[name], packed, split, folder, weights="none", limit=48)

    models = {name: go(name) for name in ("transfer", "again", "fine_tuned")}
    return {"models": models, "passes": passes, "go": go, "folder": folder}


def arrays(model: Model) -> dict[str, np.ndarray]:
    return {name.split("/", 1)[1]: array for name, array in load(model.read(WEIGHTS)).items()}


@pytest.mark.slow
def test_batch_statistics_stay_when_frozen_and_when_fine_tuned(mobilenets: Any) -> None:
    frozen, tuned = (arrays(mobilenets["models"][name]) for name in ("transfer", "fine_tuned"))
    other = arrays(mobilenets["models"]["again"])
    statistics = [name for name in frozen if name.endswith(STATISTICS)]
    assert len(statistics) == 2 * NORMALISED
    for name in statistics:
        np.testing.assert_array_equal(frozen[name], other[name])  # another head on the same base
        np.testing.assert_array_equal(frozen[name], tuned[name])
    assert any((frozen[name] != tuned[name]).any() for name in frozen if name.endswith("kernel"))


@pytest.mark.slow
def test_the_frozen_base_is_run_once_for_all_heads(mobilenets: Any) -> None:
    assert len(mobilenets["passes"]) == 1
    assert len(list(mobilenets["folder"].glob("features-*.npy"))) == 1


@pytest.mark.slow
def test_two_heads_on_one_base_share_the_base_and_differ_in_the_head(mobilenets: Any) -> None:
    first, second = (arrays(mobilenets["models"][name]) for name in ("transfer", "again"))
    different = {name for name in first if (first[name] != second[name]).any()}
    assert different
    assert all(name.startswith("logit") for name in different)


@pytest.mark.slow
def test_random_weights_are_named_in_every_bundle_that_stands_on_them(mobilenets: Any) -> None:
    for model in mobilenets["models"].values():
        assert model.manifest.weights_from == "none (random)"


@pytest.mark.slow
def test_a_trained_mobilenet_is_found_again(mobilenets: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_module, "fit", no_training)
    go: Callable[[str], Model] = mobilenets["go"]
    for name in ("transfer", "fine_tuned"):
        assert go(name).manifest == mobilenets["models"][name].manifest


@pytest.mark.slow
def test_the_file_for_plain_keras_is_beside_the_bundles(mobilenets: Any, packed: Pack) -> None:
    model = keras.models.load_model(mobilenets["folder"] / "models" / "mobilenet_finetuned.h5")
    patches = np.array(packed.images[:20])
    from_graph = mobilenets["models"]["fine_tuned"].predict(patches)
    np.testing.assert_allclose(model.predict_on_batch(patches)[:, 0], from_graph, atol=1e-5)
