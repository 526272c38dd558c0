"""Caps and limits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancernet.common.errors import UserError
from cancernet.data.sampling import cap_per_patient, even, limit, stratified

tables = st.lists(st.sampled_from("abcdefgh"), max_size=80).map(
    lambda p: pd.DataFrame({"patient": pd.Series(p, dtype="str")})
)
labelled = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 1)), max_size=80).map(
    lambda rows: pd.DataFrame(rows, columns=["patient", "label"])
)
seeds = st.integers(0, 2**40)


@given(table=tables, n=st.integers(1, 20), seed=seeds)
def test_no_patient_has_more_than_the_cap_and_none_less_than_it_could(table: pd.DataFrame, n: int, seed: int) -> None:
    rows = cap_per_patient(table, n, seed)
    before = table["patient"].value_counts()
    after = table["patient"].iloc[rows].value_counts()
    assert after.to_dict() == before.clip(upper=n).to_dict()
    assert (np.diff(rows) > 0).all()


@given(table=tables, n=st.integers(1, 100), seed=seeds)
def test_a_limit_gives_that_many_rows_each_once(table: pd.DataFrame, n: int, seed: int) -> None:
    rows = limit(table, n, seed)
    assert len(rows) == min(n, len(table))
    assert (np.diff(rows) > 0).all()


@given(table=tables, n=st.integers(1, 100), seed=seeds)
def test_no_patient_gets_a_second_patch_before_all_have_one(table: pd.DataFrame, n: int, seed: int) -> None:
    before = table["patient"].value_counts()
    after = table["patient"].iloc[limit(table, n, seed)].value_counts().reindex(before.index, fill_value=0)
    short = after[after < before]
    assert short.empty or after.max() <= short.min() + 1


@given(table=tables, n=st.integers(1, 50), seed=seeds)
def test_the_same_seed_chooses_the_same_rows(table: pd.DataFrame, n: int, seed: int) -> None:
    np.testing.assert_array_equal(limit(table, n, seed), limit(table, n, seed))
    np.testing.assert_array_equal(cap_per_patient(table, n, seed), cap_per_patient(table, n, seed))


def test_another_seed_chooses_other_rows() -> None:
    table = pd.DataFrame({"patient": ["a", "b"] * 500})
    assert limit(table, 100, 1).tolist() != limit(table, 100, 2).tolist()
    assert cap_per_patient(table, 50, 1).tolist() != cap_per_patient(table, 50, 2).tolist()


def test_the_choice_is_not_the_first_rows_and_keeps_the_prevalence() -> None:
    table = pd.DataFrame({"patient": ["a"] * 10_000, "label": np.arange(10_000) < 3000})
    rows = cap_per_patient(table, 2000, 1)
    assert abs(table["label"].iloc[rows].mean() - 0.3) < 0.04


def test_the_index_of_the_table_is_ignored() -> None:
    table = pd.DataFrame({"patient": list("aabbccdd")})
    shifted = table.set_index(table.index + 100)
    np.testing.assert_array_equal(limit(table, 4, 1), limit(shifted, 4, 1))
    np.testing.assert_array_equal(cap_per_patient(table, 1, 1), cap_per_patient(shifted, 1, 1))


def test_unknown_patients_are_not_capped_as_if_they_were_one() -> None:
    table = pd.DataFrame({"patient": ["", "", "", "a", "a", "a"]})
    assert len(cap_per_patient(table, 1, 1)) == 4


@pytest.mark.parametrize("n", [0, -1])
def test_less_than_one_is_refused(n: int) -> None:
    table = pd.DataFrame({"patient": ["a"]})
    with pytest.raises(UserError, match="--max-per-patient"):
        cap_per_patient(table, n, 1)
    with pytest.raises(UserError, match="--limit"):
        limit(table, n, 1)


def _mixed() -> pd.DataFrame:
    patients = ["A"] * 60 + ["B"] * 20 + ["C"] * 20
    return pd.DataFrame({"patient": patients, "label": [0] * 50 + [1] * 10 + [0] * 10 + [1] * 10 + [0] * 20})


def test_an_even_choice_has_half_of_each_class_and_of_a_class_alike_many_of_each_patient() -> None:
    table = _mixed()
    chosen = table.iloc[even(table, 20, 1)]
    assert len(chosen) == 20
    counts = chosen.groupby(["label", "patient"]).size()
    assert counts[1].tolist() == [5, 5]
    assert counts[0].max() - counts[0].min() <= 1


def test_where_a_class_is_short_the_other_fills_up() -> None:
    table = _mixed()
    assert table.iloc[even(table, 60, 1)]["label"].value_counts().to_dict() == {0: 40, 1: 20}
    assert even(table, 1000, 1).tolist() == list(range(100))
    assert len(even(table[table["label"] == 0], 10, 1)) == 10
    with pytest.raises(UserError, match="2 or more"):
        even(table, 1, 1)


@given(table=labelled, n=st.integers(1, 100), seed=seeds)
def test_a_stratified_share_is_the_same_of_each_class_of_each_patient(table: pd.DataFrame, n: int, seed: int) -> None:
    rows = stratified(table, n, seed)
    np.testing.assert_array_equal(rows, stratified(table, n, seed))
    assert (np.diff(rows) > 0).all()
    before = table.groupby(["patient", "label"]).size()
    after = table.iloc[rows].groupby(["patient", "label"]).size()
    assert set(after.index) == set(before.index)  # nobody is missing
    exact = before * min(n, len(table)) / max(len(table), 1)
    assert (after >= exact - 1e-9).all()
    assert (after < exact + 1).all()


def test_another_seed_gives_another_share() -> None:
    table = pd.DataFrame({"patient": ["a", "b"] * 100, "label": [0, 0, 1, 1] * 50})
    assert set(stratified(table, 40, 1)) != set(stratified(table, 40, 2))


def test_a_share_of_no_patches_is_refused() -> None:
    with pytest.raises(UserError, match="must be 1 or more"):
        stratified(pd.DataFrame({"patient": ["a"], "label": [0]}), 0, 1)
