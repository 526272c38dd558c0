"""Cohen's kappa: what it is, when it is not given, and whom its interval resamples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from cancernet.evaluation.agreement import MIN_PATCHES, MIN_PATIENTS, agree, kappa

WORDS = ("benign", "malignant")


def raters(n: int, patients: int, *, seed: int = 0, differ: float = 0.2) -> tuple[list[str], list[str], list[str]]:
    """Two who differ on a share of the patches, of as many patients in turn."""
    draw = np.random.default_rng(seed)
    first = draw.integers(2, size=n)
    second = np.where(draw.random(n) < differ, 1 - first, first)
    return [WORDS[i] for i in first], [WORDS[i] for i in second], [f"p{i % patients}" for i in range(n)]


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=2, max_size=60))
def test_kappa_is_that_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    first, second = zip(*pairs, strict=True)
    found = float(kappa(*np.bincount(2 * np.array(first) + np.array(second), minlength=4)))
    if len({*first, *second}) == 1:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(cohen_kappa_score(first, second))


def test_unsure_patches_are_left_out_and_counted() -> None:
    first, second, patients = raters(60, 12)
    whole = agree(first, second, patients)
    more = agree([*first, "unsure", "benign"], [*second, "malignant", "unsure"], [*patients, "p0", "p1"])
    assert (more.patches, more.unsure) == (60, 2)
    assert more.kappa == whole.kappa
    assert whole.kappa.value == pytest.approx(cohen_kappa_score(first, second))
    assert whole.kappa.low < whole.kappa.value < whole.kappa.high
    assert whole.agreement == pytest.approx(np.mean([a == b for a, b in zip(first, second, strict=True)]))


def test_too_few_patches_or_patients_give_a_reason_and_no_kappa() -> None:
    for few, patients in ((MIN_PATCHES - 1, MIN_PATIENTS), (200, MIN_PATIENTS - 1)):
        told = agree(*raters(few, patients)).to_dict()
        assert told["kappa"] is told["low"] is told["high"] is None
        assert str(told["reason"]).startswith("too few: ")
        assert 0 < float(told["agreement"] or 0) <= 1
    assert not agree(*raters(MIN_PATCHES, MIN_PATIENTS)).reason


def test_two_who_call_all_the_same_have_no_kappa() -> None:
    told = agree(["benign"] * 50, ["benign"] * 50, [f"p{i}" for i in range(50)])
    assert told.reason == "not defined: both call all patches the same"
    assert told.agreement == 1.0
    assert np.isnan(told.kappa.value)


def test_nothing_at_all_is_no_error() -> None:
    told = agree([], [], []).to_dict()
    assert told["agreement"] is None
    assert told["reason"] == f"too few: 0 patches that both call, of {MIN_PATCHES} needed"


def test_patches_of_unknown_patients_count_as_one_patient() -> None:
    first, second, patients = raters(200, 20)
    assert "0 known patients" in agree(first, second, [""] * 200).reason
    half = [name if i % 2 else "" for i, name in enumerate(patients)]
    as_one = [name or "somebody" for name in half]
    assert agree(first, second, half).kappa == agree(first, second, as_one).kappa
    assert agree(first, second, half).patients == len(set(half)) - 1


def test_the_interval_is_of_patients_and_not_of_patches() -> None:
    first, second, patients = raters(30, 30, seed=4)
    copied = agree(first * 20, second * 20, patients * 20).kappa
    assert copied == agree(first, second, patients).kappa  # copies of patches tell nothing new


def test_an_entry_may_stand_for_several_patches() -> None:
    first, second, patients = raters(60, 12)
    first[0] = "unsure"
    counts = [1 + i % 3 for i in range(60)]
    one_by_one = (
        [word for word, n in zip(each, counts, strict=True) for _ in range(n)] for each in (first, second, patients)
    )
    assert agree(first, second, patients, counts) == agree(*one_by_one)


def test_it_depends_on_neither_order_nor_names() -> None:
    first, second, patients = raters(150, 15, seed=2)
    order = np.random.default_rng(1).permutation(150)
    mixed = agree(*([each[i] for i in order] for each in (first, second, [f"x{name}" for name in patients])))
    assert mixed == agree(first, second, patients)
    assert agree(second, first, patients).kappa.value == pytest.approx(mixed.kappa.value)


def test_another_word_or_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="'maybe' is neither"):
        agree(["maybe"], ["benign"], ["p"])
    with pytest.raises(ValueError, match="same patches"):
        agree(["benign"], ["benign"], [])
