"""Folds of patients and patches."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cancernet.common.errors import UserError
from cancernet.data.folds import MAX_FOLDS, fold_shares, grouped_folds, stratified_folds


@given(test=st.floats(0.01, 0.9), val=st.floats(0.01, 0.9), n=st.integers(3, 1000))
def test_every_part_of_a_split_gets_a_fold(test: float, val: float, n: int) -> None:
    if test + val >= 1:
        return
    n_folds, n_test, n_val = fold_shares(test, val, n)
    assert 3 <= n_folds <= min(n, MAX_FOLDS)
    assert n_test >= 1
    assert n_val >= 1
    assert n_folds - n_test - n_val >= 1


@given(test=st.sampled_from([0.1, 0.15, 0.2, 0.25, 0.3, 0.4]), val=st.sampled_from([0.1, 0.15, 0.2, 0.25, 0.3]))
def test_common_shares_are_met_exactly_where_there_are_keys_enough(test: float, val: float) -> None:
    n_folds, n_test, n_val = fold_shares(test, val, 1000)
    assert n_test / n_folds == pytest.approx(test)
    assert n_val / n_folds == pytest.approx(val)


def test_the_usual_split_is_fifths() -> None:
    assert fold_shares(0.2, 0.2, 279) == (5, 1, 1)


@pytest.mark.parametrize(("test", "val"), [(0, 0.2), (0.2, 0), (0.5, 0.5), (-0.1, 0.2), (1, 0.1), (0.9, 0.9)])
def test_impossible_shares_are_refused(test: float, val: float) -> None:
    with pytest.raises(UserError, match="leave nothing"):
        fold_shares(test, val, 100)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_keys_are_refused_by_name_and_number(n: int) -> None:
    with pytest.raises(UserError, match=f"only {n} case"):
        fold_shares(0.2, 0.2, n, what="case")


def table(n_patients: int = 30, n: int = 900, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    patient = rng.integers(0, n_patients, n)
    return pd.DataFrame(
        {
            "path": [f"{i}.png" for i in range(n)],
            "patient": patient.astype(str),
            "label": (rng.random(n) < 0.1 + 0.5 * patient / n_patients).astype(np.int8),
        }
    )


def test_folds_of_patients_are_alike_in_size_and_prevalence() -> None:
    rows = table(100, 3000)
    fold = rows["patient"].map(grouped_folds(rows, 5, seed=1))
    parts = rows.groupby(fold)["label"].agg(["size", "mean"])
    assert parts["size"].between(540, 660).all()
    assert (parts["mean"] - rows["label"].mean()).abs().max() < 0.06


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**40), n_folds=st.integers(2, 10))
def test_the_order_of_rows_does_not_matter(seed: int, n_folds: int) -> None:
    rows = table(n=200)
    mixed = rows.sample(frac=1, random_state=seed % 1000)
    assert grouped_folds(rows, n_folds, seed) == grouped_folds(mixed, n_folds, seed)
    assert stratified_folds(rows, n_folds, seed) == stratified_folds(mixed, n_folds, seed)


def test_another_seed_gives_other_folds() -> None:
    rows = table()
    assert grouped_folds(rows, 5, 1) != grouped_folds(rows, 5, 2)
    assert stratified_folds(rows, 5, 1) != stratified_folds(rows, 5, 2)


@pytest.mark.parametrize(("n_patients", "at_least"), [(8, 5), (30, 9), (60, 9), (230, 9)])
def test_ten_seeds_give_ten_divisions_and_of_few_patients_several(n_patients: int, at_least: int) -> None:
    rows = table(n_patients, 40 * n_patients)

    def partition(seed: int) -> frozenset[frozenset[str]]:
        folds = pd.Series(grouped_folds(rows, 4, seed))
        return frozenset(frozenset(patients) for patients in folds.groupby(folds).groups.values())

    assert len({partition(seed) for seed in range(10)}) >= at_least


def test_folds_of_patients_are_alike_for_every_seed() -> None:
    rows = table(60, 3000)
    for seed in range(10):
        parts = rows.groupby(rows["patient"].map(grouped_folds(rows, 5, seed)))["label"].agg(["size", "mean"])
        assert parts["size"].between(480, 720).all()
        assert (parts["mean"] - rows["label"].mean()).abs().max() < 0.08


def test_folds_of_patches_are_equal_to_one_patch_for_each_class() -> None:
    rows = table()
    fold = rows["path"].map(stratified_folds(rows, 5, seed=1))
    counts = pd.crosstab(fold, rows["label"])
    assert (counts.max() - counts.min() <= 1).all()


def test_a_patient_of_one_patch_has_a_fold_whatever_the_seed() -> None:
    patients = [f"P{i:02d}" for i in range(40)]
    rows = pd.DataFrame({"patient": patients, "label": [i % 2 for i in range(40)]})
    for seed in range(10):
        assert set(grouped_folds(rows, 4, seed)) == set(patients)


@pytest.mark.parametrize("rare", [0, 1])
def test_the_only_patch_of_its_class_is_never_left_out_of_the_balance(rare: int) -> None:
    """Five of fifty patients have one patch of the rare class among thirty: each fold of five gets one of them."""
    patient = np.repeat([f"P{i:02d}" for i in range(50)], 30)
    label = np.full(len(patient), 1 - rare)
    label[np.arange(5) * 300] = rare
    rows = pd.DataFrame({"patient": patient, "label": label})
    for seed in range(20):
        folds = grouped_folds(rows, 5, seed)
        assert sorted(folds[f"P{10 * i:02d}"] for i in range(5)) == list(range(5)), seed
