"""Recipes are data: the built-in ones are the five approaches, and a user's file adds or changes some."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.common.errors import UserError
from cancernet.model.recipe import Recipe
from cancernet.training import recipes
from cancernet.training.recipes import find_recipe, load_recipes, with_parents

APPROACHES = ["baseline", "class_weighted", "augmented", "transfer", "fine_tuned"]


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], dict[str, Recipe]]:
    """Load the recipes with a user's file of the given text."""

    def read(text: str) -> dict[str, Recipe]:
        (tmp_path / "own.toml").write_text(text)
        return load_recipes(tmp_path / "own.toml")

    return read


def test_the_five_approaches_come_first_and_are_what_a_run_trains() -> None:
    recipes = load_recipes()
    assert [name for name, recipe in recipes.items() if recipe.in_run][:5] == APPROACHES


def test_each_approach_is_what_its_name_says() -> None:
    recipes = load_recipes()
    assert recipes["baseline"].class_weight == "none"
    assert recipes["baseline"].augmentation == ()
    assert recipes["class_weighted"].class_weight == "balanced"
    assert recipes["class_weighted"].network == recipes["baseline"].network
    assert {"right_angle", "rotation_zoom"} <= set(recipes["augmented"].augmentation)
    assert (recipes["transfer"].train, recipes["transfer"].pretrained) == ("head", True)
    assert recipes["fine_tuned"].start_from == "transfer"
    assert recipes["fine_tuned"].learning_rate < recipes["transfer"].learning_rate


def test_files_for_plain_keras_are_those_the_student_project_names() -> None:
    files = {name: recipe.keras_file for name, recipe in load_recipes().items() if recipe.keras_file}
    assert files == {
        "baseline": "baseline_cnn.h5",
        "class_weighted": "class_weighted_model.h5",
        "fine_tuned": "mobilenet_finetuned.h5",
    }


def test_a_recipe_is_plain_json() -> None:
    for recipe in load_recipes().values():
        plain = json.loads(json.dumps(recipe.to_dict()))
        assert msgspec.convert(plain, Recipe) == recipe


def test_a_recipe_cannot_be_changed_in_passing() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        load_recipes()["baseline"].epochs = 1  # type: ignore[misc]


def test_a_users_file_adds_a_recipe(load: Callable) -> None:
    recipes = load('[longer]\nlike = "augmented"\nepochs = 40\n')
    assert list(recipes)[-1] == "longer"
    assert recipes["longer"].epochs == 40
    assert recipes["longer"].augmentation == recipes["augmented"].augmentation
    assert recipes["augmented"] == load_recipes()["augmented"]


def test_a_users_file_changes_one_field_of_a_built_in_recipe(load: Callable) -> None:
    changed = load("[baseline]\nepochs = 3\n")["baseline"]
    assert changed == msgspec.structs.replace(load_recipes()["baseline"], epochs=3)


def test_a_change_reaches_the_recipes_that_are_like_it(load: Callable) -> None:
    assert load("[baseline]\nbatch_size = 7\n")["class_weighted"].batch_size == 7


def test_a_users_file_may_replace_a_built_in_recipe(load: Callable) -> None:
    replaced = load('[augmented]\nlike = "baseline"\nepochs = 3\n')["augmented"]
    assert replaced.augmentation == ()


def test_a_recipe_like_another_does_not_overwrite_its_keras_file(load: Callable) -> None:
    assert load('[mine]\nlike = "baseline"\n')["mine"].keras_file == ""


def test_a_recipe_without_a_summary_is_called_by_its_name(load: Callable) -> None:
    assert load('[mine]\nnetwork = "cnn"\n')["mine"].summary == "mine"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[mine]\nepochs = 3", "'mine': needs a network"),
        ('[mine]\nlike = "nobody"', "no recipe table is called 'nobody'"),
        ('[mine]\nlike = "mine"', "like itself"),
        ('[a]\nlike = "b"\n[b]\nlike = "a"', "like itself: a -> b -> a"),
        ("[mine]\nlike = 3", "no recipe table is called '3'"),
        ("[mine]\nlike = []", "no recipe table"),
        ("mine = 3", "no recipe table is called 'mine'"),
        ('[mine]\nlike = "baseline"\nepoch = 3', "unknown field 'epoch'; fields are: summary, network"),
        ('[mine]\nlike = "baseline"\nepochs = 0', "Expected `int` >= 1 - at `$.epochs`"),
        ('[mine]\nlike = "baseline"\nepochs = "ten"', "Expected `int`, got `str` - at `$.epochs`"),
        ('[mine]\nlike = "baseline"\nepochs = 2.5', "Expected `int`, got `float`"),
        ('[mine]\nlike = "baseline"\nepochs = true', "Expected `int`, got `bool`"),
        ('[mine]\nlike = "baseline"\npretrained = "yes"', "got `str` - at `$.pretrained`"),
        ('[mine]\nlike = "baseline"\naugmentation = "stain"', "got `str` - at `$.augmentation`"),
        ('[mine]\nlike = "baseline"\naugmentation = [1]', "got `int` - at `$.augmentation[0]`"),
        ('[mine]\nlike = "baseline"\naugmentation = ["blur"]', "'blur' is unknown; there are right_angle"),
        ('[mine]\nlike = "baseline"\nclass_weight = "some"', "'some' - at `$.class_weight`"),
        ('[mine]\nlike = "baseline"\nschedule = "steps"', "'steps' - at `$.schedule`"),
        ('[mine]\nlike = "baseline"\nlearning_rate = nan', "at `$.learning_rate`"),
        ('[mine]\nlike = "baseline"\nlearning_rate = -1', "Expected `float` >= 1e-09"),
        ('[mine]\nlike = "baseline"\ninput_size = 16', "Expected `int` >= 32 - at `$.input_size`"),
        ('[mine]\nlike = "baseline"\nema = 1.0', "at `$.ema`"),
        ('[mine]\nlike = "transfer"\naugmentation = ["stain"]', "cannot be changed"),
        ('[mine]\nlike = "baseline"\nstart_from = "nobody"', "start_from names 'nobody'"),
        ('[mine]\nnetwork = "resnet"', "network is 'resnet'; it can be cnn, compact, mobilenet"),
        ('[mine]\nlike = "baseline"\ntrain = "Conv1"', "of cnn it can be all or head"),
        ('[mine]\nlike = "transfer"\ntrain = "block_17_expand"', "or a layer of its backbone with weights"),
        ('[mine]\nlike = "baseline"\nname = "other"', "unknown field 'name'"),
        ('[mine]\nlike = "baseline"\npretrained = true', "pretrained weights are of mobilenet, not of cnn"),
        ('[mine]\nlike = "baseline"\nstart_from = "transfer"', "which is of another network or input_size"),
        ('["../../mine"]\nlike = "baseline"', "matching regex '^[A-Za-z0-9]"),
        ('[""]\nlike = "baseline"', "matching regex '^[A-Za-z0-9]"),
        ('[mine]\nlike = "baseline"\nkeras_file = "../x.h5"', "at `$.keras_file`"),
        ('[mine]\nlike = "baseline"\nkeras_file = "model"', "at `$.keras_file`"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_named_with_the_reason(load: Callable, text: str, says: str) -> None:
    with pytest.raises(UserError) as error:
        load(text)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_long_line_of_recipes_each_like_the_next_is_refused_at_once(load: Callable) -> None:
    text = '[r0]\nlike = "baseline"\n' + "".join(f'[r{n}]\nlike = "r{n - 1}"\n' for n in range(1, 2000))
    with pytest.raises(UserError, match=r"like a recipe that is like another, over 20 times"):
        load(text)


@pytest.mark.parametrize(
    "content", [b"[mine", b"\xff\xfe", b"mine", b"a = " + b"[" * 5000, b"a = " + b"9" * 5000, b" " * 1_000_001]
)
def test_a_file_that_is_no_toml_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "own.toml").write_bytes(content)
    with pytest.raises(UserError, match="cannot read recipes from") as error:
        load_recipes(tmp_path / "own.toml")
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read recipes from .*none\.toml"):
        load_recipes(tmp_path / "none.toml")


def test_an_unknown_recipe_lists_those_there_are() -> None:
    with pytest.raises(UserError, match="no recipe is called 'best'; there are: baseline, class_weighted"):
        find_recipe("best", load_recipes())


def test_a_recipe_brings_the_one_it_starts_from_before_it() -> None:
    recipes = load_recipes()
    assert [r.name for r in with_parents(["fine_tuned"], recipes)] == ["transfer", "fine_tuned"]
    assert [r.name for r in with_parents(["fine_tuned", "transfer"], recipes)] == ["transfer", "fine_tuned"]


def test_recipes_that_start_from_each_other_are_refused(load: Callable) -> None:
    recipes = load('[a]\nlike = "baseline"\nstart_from = "b"\n[b]\nlike = "baseline"\nstart_from = "a"\n')
    with pytest.raises(UserError, match="start from each other: a -> b -> a"):
        with_parents(["a"], recipes)


@given(st.lists(st.sampled_from(list(load_recipes())), max_size=8))
def test_every_recipe_comes_once_and_after_its_parent(names: list[str]) -> None:
    ordered = [recipe.name for recipe in with_parents(names, load_recipes())]
    assert set(names) <= set(ordered)
    assert len(set(ordered)) == len(ordered)
    for index, name in enumerate(ordered):
        parent = load_recipes()[name].start_from
        assert not parent or parent in ordered[:index]


@pytest.mark.train
def test_the_names_a_recipe_may_hold_are_those_of_networks_and_augmentations() -> None:
    """They stand in `recipes` too, which starts no TensorFlow."""
    pytest.importorskip("keras")
    import keras

    from cancernet.networks import NETWORKS, build_network
    from cancernet.networks.mobilenet import BACKBONE
    from cancernet.training.augmentation import LAYERS

    assert set(recipes.NETWORKS) == set(NETWORKS)
    assert set(recipes.AUGMENTATIONS) == set(LAYERS)
    for name in NETWORKS:
        network = build_network(name, input_size=64, dropout=0.0)
        assert (name == recipes.WITH_BACKBONE) == (BACKBONE in [layer.name for layer in network.layers])
    backbone = build_network(recipes.WITH_BACKBONE, input_size=64, dropout=0.0).get_layer(BACKBONE)
    learns = [
        layer.name
        for layer in backbone.layers
        if layer.weights and not isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert sorted(recipes.BACKBONE_LAYERS) == sorted(learns)


def test_the_model_that_ships_has_a_recipe_that_a_run_does_not_train_unasked() -> None:
    recipe = load_recipes()["cancernet"]
    assert recipe.in_run is False
    assert recipe.cross_fit >= 2
    assert recipe.patience >= recipe.epochs  # no epoch is chosen


@pytest.mark.parametrize(
    "fields", ["cross_fit = 1", 'cross_fit = 3\ntrain = "head"', 'cross_fit = 3\nstart_from = "baseline"']
)
def test_a_cross_fit_wants_folds_and_a_network_of_its_own(
    load: Callable[[str], dict[str, Recipe]], fields: str
) -> None:
    with pytest.raises(UserError, match="cross_fit wants 2 folds or more"):
        load(f'[mine]\nnetwork = "cnn"\n{fields}\n')


@pytest.mark.parametrize("field", ["patient_cap = -1", "mixup = -0.1", "cross_fit = 101"])
def test_what_is_out_of_range_is_named(load: Callable[[str], dict[str, Recipe]], field: str) -> None:
    with pytest.raises(UserError, match=field.split(maxsplit=1)[0]):
        load(f'[mine]\nnetwork = "cnn"\n{field}\n')
