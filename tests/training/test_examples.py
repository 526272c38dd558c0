"""Which patches train: of the training patients only, capped as asked, weighed as asked."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest
from msgspec import structs

from cancernet.common.errors import UserError
from cancernet.data.pack import Pack
from cancernet.data.sides import Split, assign
from cancernet.model.recipe import Recipe
from cancernet.training import examples as module
from cancernet.training.examples import choose_examples, with_features
from cancernet.training.options import TrainingOptions

pytestmark = pytest.mark.train
RECIPE = Recipe("r", "", "cnn")


def test_only_training_patients_train_and_only_validation_patients_choose(packed: Pack, split: Split) -> None:
    examples = choose_examples(RECIPE, packed, split, TrainingOptions(max_per_patient=0))
    side = assign(split, packed.table).to_numpy()
    assert set(examples.train) == set(np.flatnonzero(side == "train"))
    assert set(examples.val) == set(np.flatnonzero(side == "val"))
    np.testing.assert_array_equal(examples.label, packed.table["label"])
    assert (examples.weight == 1).all()


def test_the_cap_and_the_limit_hold_and_leave_validation_whole(packed: Pack, split: Split) -> None:
    whole = choose_examples(RECIPE, packed, split, TrainingOptions())
    capped = choose_examples(RECIPE, packed, split, TrainingOptions(max_per_patient=5))
    limited = choose_examples(RECIPE, packed, split, TrainingOptions(limit=20))
    assert packed.table["patient"].iloc[capped.train].value_counts().max() == 5
    assert len(limited.train) == len(set(limited.train)) == 20
    for fewer in (capped, limited):
        assert set(fewer.train) < set(whole.train)
        np.testing.assert_array_equal(fewer.val, whole.val)
        assert len(fewer.weight) == len(fewer.train)


def test_the_seed_decides_which_patches_a_cap_keeps(packed: Pack, split: Split) -> None:
    kept = [choose_examples(RECIPE, packed, split, TrainingOptions(limit=20, seed=s)).train for s in (1, 1, 2)]
    np.testing.assert_array_equal(kept[0], kept[1])
    assert set(kept[0]) != set(kept[2])


def test_balanced_classes_weigh_alike_whatever_the_cap(packed: Pack, split: Split) -> None:
    recipe = structs.replace(RECIPE, class_weight="balanced")
    examples = choose_examples(recipe, packed, split, TrainingOptions(max_per_patient=10))
    label = examples.label[examples.train]
    assert examples.weight[label == 0].sum() == pytest.approx(examples.weight[label == 1].sum(), rel=1e-5)


def test_patients_weigh_the_root_of_their_patches_where_asked(packed: Pack, split: Split) -> None:
    recipe = structs.replace(RECIPE, patient_weight="sqrt")
    examples = choose_examples(recipe, packed, split, TrainingOptions(limit=50))
    patient = packed.table["patient"].to_numpy()[examples.train]
    ratio = {p: examples.weight[patient == p].sum() / np.sqrt((patient == p).sum()) for p in set(patient)}
    assert max(ratio.values()) == pytest.approx(min(ratio.values()), rel=1e-4)


@pytest.mark.parametrize("side", ["train", "val"])
def test_a_side_of_one_class_says_which(packed: Pack, split: Split, side: str) -> None:
    table = packed.table.copy()
    table.loc[assign(split, table) == side, "label"] = 0
    with pytest.raises(UserError, match=f"the {side} side of split .* holds only benign patches"):
        choose_examples(RECIPE, dataclasses.replace(packed, table=table), split, TrainingOptions())


def test_an_empty_side_says_which(packed: Pack, split: Split) -> None:
    nobody = dataclasses.replace(split, assignment=dict.fromkeys(split.assignment, "train"))
    with pytest.raises(UserError, match=r"the val side of split .* holds no patches"):
        choose_examples(RECIPE, packed, nobody, TrainingOptions())


def test_features_stand_for_the_patches_they_are_of(packed: Pack, split: Split, tiny: object, tmp_path: Path) -> None:
    network: keras.Model = tiny()  # type: ignore[operator]
    examples = choose_examples(RECIPE, packed, split, TrainingOptions(limit=30))
    found = with_features(network, examples, packed.data_hash, tmp_path)
    body = keras.Model(network.input, network.get_layer("embedding").output)
    for rows, patches in ((found.train, examples.train), (found.val, examples.val)):
        np.testing.assert_array_equal(found.label[rows], examples.label[patches])
        np.testing.assert_allclose(found.inputs[rows], body.predict_on_batch(packed.images[patches]), atol=1e-4)
    np.testing.assert_array_equal(found.weight, examples.weight)


def test_all_of_a_small_val_chooses_the_epoch(packed: Pack, split: Split) -> None:
    examples = choose_examples(RECIPE, packed, split, TrainingOptions())
    assert examples.choose is None
    np.testing.assert_array_equal(examples.choosing, examples.val)


def test_of_a_large_val_a_share_of_each_patient_chooses_the_epoch(
    packed: Pack, split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_CHOOSING", 20)
    first, again = (choose_examples(RECIPE, packed, split, TrainingOptions()) for _ in range(2))
    other = choose_examples(RECIPE, packed, split, TrainingOptions(seed=2))
    np.testing.assert_array_equal(first.choosing, again.choosing)
    assert set(first.choosing) < set(first.val)
    assert set(first.choosing) != set(other.choosing)
    assert set(packed.table["patient"].iloc[first.choosing]) == set(packed.table["patient"].iloc[first.val])
    assert len(first.val) == (assign(split, packed.table) == "val").sum()  # calibration and thresholds have all


def test_features_of_a_large_val_choose_by_the_same_patches(
    packed: Pack, split: Split, tiny: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_CHOOSING", 20)
    network: keras.Model = tiny()  # type: ignore[operator]
    examples = choose_examples(RECIPE, packed, split, TrainingOptions(limit=10))
    found = with_features(network, examples, packed.data_hash, tmp_path)
    body = keras.Model(network.input, network.get_layer("embedding").output)
    wanted = body.predict_on_batch(packed.images[examples.choosing])
    np.testing.assert_allclose(found.inputs[found.choosing], wanted, atol=1e-4)
    np.testing.assert_array_equal(found.label[found.choosing], examples.label[examples.choosing])


def test_only_a_head_leaves_out_patches_of_a_large_training_side(
    packed: Pack, split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_FOR_HEAD", 30)
    head = structs.replace(RECIPE, train="head")
    few = choose_examples(head, packed, split, TrainingOptions())
    whole = choose_examples(RECIPE, packed, split, TrainingOptions())
    assert len(few.train) == len(few.weight) == len(few.patient) == 30
    assert set(few.train) < set(whole.train)
    counts = packed.table["patient"].iloc[few.train].value_counts()
    assert counts.max() - counts.min() <= 1
