"""Patients that samples are drawn from: what they say of a sample is what the sample itself would say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cancernet.common.errors import UserError
from cancernet.evaluation.metrics import auc
from cancernet.evaluation.pilot import FEWEST, Pilot, check_pair, pilot


def patients(n: int = 40, seed: int = 1, *, shift: float = 0.0) -> pd.DataFrame:
    """Patches of patients who differ: columns patient, label, probability."""
    rng = np.random.default_rng(seed)
    size = rng.integers(5, 40, n)
    patient = np.repeat([f"p{each:03d}" for each in range(n)], size)
    label = rng.integers(0, 2, size.sum())
    odds = 1.5 * (2 * label - 1) + rng.normal(0, 1, size.sum()) + np.repeat(rng.normal(0, 1, n), size) + shift
    return pd.DataFrame({"patient": patient, "label": label, "probability": 1 / (1 + np.exp(-odds))})


def made(**choice: float) -> Pilot:
    return pilot("a model", "40 patients", patients(**choice), 0.4)


def test_of_each_patient_once_a_pilot_says_what_its_patches_say() -> None:
    found, once = made(), np.ones((1, 40))
    table = found.table
    called = table["probability"] >= 0.4
    assert found.recall(once)[0] == pytest.approx(called[table["label"] == 1].mean())
    assert found.specificity(once)[0] == pytest.approx(1 - called[table["label"] == 0].mean())
    assert found.auc(once)[0] == pytest.approx(auc(table["label"], table["probability"]))


def said_of(table: pd.DataFrame, metric: str) -> float:
    """The metric of patches."""
    if metric == "auc":
        return float(auc(table["label"], table["probability"]))
    kind = int(metric == "recall")
    return float(((table["probability"] >= 0.4) == kind)[table["label"] == kind].mean())


@pytest.mark.parametrize("metric", ["recall", "specificity", "auc"])
def test_in_samples_it_says_what_their_patches_say_and_errors_have_the_spread_of_many_samples(metric: str) -> None:
    found = made()
    weight = np.random.default_rng(2).multinomial(40, np.full(40, 1 / 40), size=2000).astype(float)
    value, adds = getattr(found, metric)(weight)
    for row, said in list(zip(weight, value, strict=True))[:20]:
        table = found.table.loc[np.repeat(np.arange(len(found.table)), row[found.code].astype(int))]
        assert said == pytest.approx(said_of(table, metric), abs=1e-9)
    np.testing.assert_allclose((weight * adds).sum(axis=1), 0, atol=1e-9)
    told = np.sqrt(40 / 39 * (weight * adds**2).sum(axis=1))
    assert np.median(told) == pytest.approx(value.std(), rel=0.1)


def test_a_sample_without_malignant_patches_has_no_recall() -> None:
    table = patients()
    table.loc[table["patient"] == "p000", "label"] = 0
    weight = np.zeros((1, 40))
    weight[0, 0] = 5
    assert np.isnan(pilot("m", "of", table, 0.4).recall(weight)[0]).all()


def test_no_more_patches_of_a_patient_are_taken_than_asked_for_and_the_same_of_two_models() -> None:
    table = patients()
    some = pilot("m", "of", table, 0.4, patches=7)
    counts = some.table["patient"].value_counts()
    assert counts.max() == 7
    assert counts.min() == min(7, table["patient"].value_counts().min())
    other = pilot("m", "of", table.assign(probability=0.5), 0.4, patches=7)
    check_pair(some, other)
    assert some.table["label"].tolist() == other.table["label"].tolist()


def test_unknown_patients_and_too_few_are_refused() -> None:
    table = patients()
    with pytest.raises(UserError, match="1 patches have no patient"):
        pilot("m", "of", table.assign(patient=["", *table["patient"][1:]]), 0.4)
    few = patients(n=FEWEST - 1)
    with pytest.raises(UserError, match=f"{FEWEST - 1} patients with malignant"):
        pilot("m", "of", few, 0.4)
    with pytest.raises(UserError, match="0 patients with benign"):
        pilot("m", "of", table.assign(label=1), 0.4)


def test_two_models_on_other_patients_or_other_patches_are_not_compared() -> None:
    check_pair(made(), made(shift=1.0))
    with pytest.raises(UserError, match="not the same patients"):
        check_pair(made(), made(n=41))
    with pytest.raises(UserError, match="other numbers of patches of patient p000"):
        check_pair(made(), pilot("m", "more", patients().iloc[1:], 0.4))
