from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cancernet.evaluation.adaptation import Rule, choose
from cancernet.evaluation.refit import Errors, refit_errors, thresholds
from cancernet.model.decide import sigmoid


def laboratory(n: int, *, patches: int = 20, seed: int = 0) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    patient = np.repeat([f"p{number:03d}" for number in range(n)], patches)
    among = draw.normal(0, 2, n * patches) + np.repeat(draw.normal(0, 0.5, n), patches)
    label = (draw.random(n * patches) < sigmoid(among)).astype(int)
    return pd.DataFrame({"patient": patient, "label": label, "among": among, "alone": among})


@pytest.mark.parametrize(
    "rule", [Rule(), Rule(alpha=0.1), Rule(assurance=0.999999), Rule(alpha=0.01), Rule(target=0.7)], ids=str
)
@pytest.mark.parametrize("n", [6, 25])
def test_thresholds_in_samples_are_those_of_the_samples(rule: Rule, n: int) -> None:
    rows = laboratory(n)
    names = rows["patient"].unique()
    draw = np.random.default_rng(1)
    weight = np.stack([np.ones(n), *(np.bincount(draw.integers(n, size=n), minlength=n) for _ in range(3))])
    for sample, found in zip(weight, thresholds(rows, weight, rule), strict=True):
        copies = [
            rows[rows["patient"] == name].assign(patient=f"{name}-{copy}")
            for name, times in zip(names, sample, strict=True)
            for copy in range(int(times))
        ]
        whole = pd.concat(copies)
        assert found == choose(whole.assign(score=whole["among"]), rule).at


def test_errors_are_of_every_sample() -> None:
    found = refit_errors(laboratory(15), Rule(), before=0.0, samples=50)
    assert found.after.keys() == found.change.keys() == {"recall", "specificity", "balanced_accuracy"}
    for errors in (*found.after.values(), *found.change.values()):
        assert errors.shape == (50,)
        assert errors.std() > 0


def test_an_interval_is_what_was_told_less_the_errors() -> None:
    drawn = np.random.default_rng(0).normal(0, 0.1, 1000)
    errors = Errors({"recall": 5 * drawn}, {"recall": drawn}, {"recall": 29.0}, 30)
    rate, change = errors.of_rate("recall", 0.97), errors.of_change("recall", -0.9)
    assert 0.9 < rate.low < 0.97 < rate.high < 1
    assert rate.value - rate.low > rate.high - rate.value  # near 1 it reaches farther down
    assert (change.low, change.high) == (-1, pytest.approx(-0.7, abs=0.03))


def test_of_one_patient_or_none_there_is_no_interval() -> None:
    one = Errors({"recall": np.zeros(5)}, {"recall": np.zeros(5)}, {"recall": 1.0}, 1)
    assert np.isnan([one.of_rate("recall", 0.9).low, one.of_change("recall", 0.1).high]).all()
    assert np.isnan(Errors({"recall": np.zeros(5)}, {}, {"recall": 8.0}, 9).of_rate("recall", float("nan")).low)


def test_few_patients_who_make_most_of_the_mistakes_widen_the_interval() -> None:
    rows = laboratory(30)
    odd = rows.assign(among=rows["among"].where(rows["patient"] > "p001", -3.0))
    even, uneven = (refit_errors(each, Rule(), before=0.0, samples=20).freedom["recall"] for each in (rows, odd))
    assert uneven < even / 2
