"""Random splits by patient, as properties."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cancernet.common.errors import UserError
from cancernet.data.sides import SIDES, assign, write_split
from cancernet.data.split import grouped_split, kfold, patch_split
from cancernet.data.split_lists import split_from_file

FRACTIONS = {"test_fraction": 0.2, "val_fraction": 0.2}


def make(sizes: list[int], seed: int = 0) -> pd.DataFrame:
    """Patients of these sizes, each with both classes where it has two patches or more."""
    rng = np.random.default_rng(seed)
    rows = []
    for patient, size in enumerate(sizes):
        labels = np.append([0, 1], rng.random(max(size - 2, 0)) < 0.3)[:size]
        rows += [(f"{patient}/{i}.png", f"p{patient:03d}", int(label)) for i, label in enumerate(labels)]
    return pd.DataFrame(rows, columns=["path", "patient", "label"])


tables = st.builds(make, st.lists(st.integers(2, 30), min_size=3, max_size=40), st.integers(0, 99))


@settings(max_examples=40, deadline=None)
@given(table=tables, seed=st.integers(0, 2**33), test=st.floats(0.05, 0.45), val=st.floats(0.05, 0.45))
def test_no_patient_is_on_two_sides_and_every_patch_on_one(
    table: pd.DataFrame, seed: int, test: float, val: float
) -> None:
    split = grouped_split(table, seed=seed, test_fraction=test, val_fraction=val)
    side = assign(split, table)
    assert split.patient_safe
    assert (side != "").all()
    assert side.groupby(table["patient"]).nunique().max() == 1
    assert set(side) == set(SIDES)
    assert (table["label"].groupby(side).nunique() == 2).all()


@settings(max_examples=15, deadline=None)
@given(table=tables, seed=st.integers(0, 99))
def test_the_same_seed_gives_the_same_split_in_any_order_of_rows(table: pd.DataFrame, seed: int) -> None:
    mixed = table.sample(frac=1, random_state=7)
    one, two = (grouped_split(rows, seed=seed, **FRACTIONS) for rows in (table, mixed))
    assert one.assignment == two.assignment
    assert one.hash == two.hash


def test_another_seed_gives_another_split() -> None:
    table = make([10] * 50)
    assert len({grouped_split(table, seed=seed, **FRACTIONS).hash for seed in range(5)}) == 5


def test_sides_come_near_the_asked_shares_and_are_alike_in_prevalence() -> None:
    table = make([300, 200, *[20] * 200], seed=3)
    side = assign(grouped_split(table, seed=1, **FRACTIONS), table)
    share = side.value_counts(normalize=True)
    assert abs(share["test"] - 0.2) < 0.03
    assert abs(share["val"] - 0.2) < 0.03
    prevalence = table["label"].groupby(side).mean()
    assert prevalence.max() - prevalence.min() < 0.04


def test_the_name_and_the_seed_are_kept() -> None:
    split = grouped_split(make([5] * 9), seed=4, **FRACTIONS)
    assert (split.name, split.seed, split.notes) == ("grouped, seed 4", 4, ())


@pytest.mark.parametrize("k", [3, 5, 7])
def test_in_k_folds_each_patient_tests_once_and_validates_once(k: int) -> None:
    table = make([6] * 20)
    splits = kfold(table, k, seed=1)
    assert len(splits) == k
    for side in ("test", "val"):
        counts = pd.Series([p for s in splits for p, where in s.assignment.items() if where == side]).value_counts()
        assert len(counts) == 20
        assert (counts == 1).all()
    assert all(set(split.assignment.values()) == set(SIDES) for split in splits)
    assert len({split.hash for split in splits}) == k


@pytest.mark.parametrize("k", [0, 1, 2])
def test_fewer_than_three_folds_are_refused(k: int) -> None:
    with pytest.raises(UserError, match="use 3 or more"):
        kfold(make([5] * 9), k, seed=1)


def test_more_folds_than_patients_are_refused() -> None:
    with pytest.raises(UserError, match="4 patients are fewer than 5 folds"):
        kfold(make([5] * 4), 5, seed=1)


def test_a_split_by_patch_says_that_it_is_not_by_patient() -> None:
    table = make([50] * 4).assign(patient="")
    split = patch_split(table, seed=1, **FRACTIONS)
    side = assign(split, table)
    assert not split.patient_safe
    assert "too high" in split.notes[0]
    assert side.value_counts().to_dict() == pytest.approx({"train": 120, "val": 40, "test": 40}, abs=1)
    assert set(split.assignment) == set(table["path"])


@pytest.mark.parametrize("n", [1, 2])
def test_fewer_than_three_patients_are_refused_with_what_is_needed(n: int) -> None:
    with pytest.raises(UserError, match=f"only {n} patient.*3 or more"):
        grouped_split(make([20] * n), seed=1, **FRACTIONS)


def test_unknown_patients_are_refused_with_the_way_out() -> None:
    table = make([10] * 5)
    table.loc[3, "patient"] = ""
    for call in (lambda: grouped_split(table, seed=1, **FRACTIONS), lambda: kfold(table, 3, seed=1)):
        with pytest.raises(UserError, match=r"patient of 1 of 50 patches is unknown.*--allow-patch-split"):
            call()


@pytest.mark.parametrize("label", [0, 1])
def test_a_single_class_is_refused(label: int) -> None:
    table = make([10] * 5).assign(label=label)
    for call in (
        lambda: grouped_split(table, seed=1, **FRACTIONS),
        lambda: kfold(table, 3, seed=1),
        lambda: patch_split(table, seed=1, **FRACTIONS),
    ):
        with pytest.raises(UserError, match=f"all 50 patches are of class {label}"):
            call()


def test_no_patches_are_refused() -> None:
    with pytest.raises(UserError, match="there are no patches"):
        patch_split(make([]), seed=1, **FRACTIONS)


def test_malignant_patches_in_too_few_patients_are_refused() -> None:
    table = make([10] * 6)
    table.loc[table["patient"] > "p001", "label"] = 0
    with pytest.raises(UserError, match="too few patients have both classes"):
        grouped_split(table, seed=1, **FRACTIONS)


def test_a_first_attempt_with_a_side_of_one_class_is_tried_again() -> None:
    # 3 of 12 patients hold all malignant patches: many divisions leave a side without any
    table = make([10] * 12)
    table.loc[table["patient"] > "p002", "label"] = 0
    for seed in range(5):
        side = assign(grouped_split(table, seed=seed, **FRACTIONS), table)
        assert (table["label"].groupby(side).nunique() == 2).all()


def test_a_written_split_reads_back_with_the_same_hash(tmp_path: Path) -> None:
    table = make([8] * 15)
    split = grouped_split(table, seed=1, **FRACTIONS)
    write_split(split, tmp_path / "split.csv")
    again = split_from_file(table, tmp_path / "split.csv")
    assert again.hash == split.hash
    assert again.notes == ()
