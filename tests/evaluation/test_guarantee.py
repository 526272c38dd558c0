from __future__ import annotations

import numpy as np
import pytest

from cancernet.common.errors import UserError
from cancernet.evaluation.guarantee import risk_threshold


def patients(n: int, patches: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    name = np.repeat(np.arange(n).astype(str), patches)
    score = draw.normal(size=n)[name.astype(int)] + draw.normal(size=len(name))
    return name, np.ones(len(name), int), score


def miss_rate(name: np.ndarray, score: np.ndarray, threshold: float) -> float:
    return float(np.mean([np.mean(score[name == each] < threshold) for each in np.unique(name)]))


def test_it_is_the_largest_threshold_that_the_theorem_allows() -> None:
    name, label, score = patients(40, 5, seed=0)
    found = risk_threshold(name, label, score, alpha=0.1)
    allowed = [t for t in score if (40 * miss_rate(name, score, t) + 1) / 41 <= 0.1]
    assert found.threshold == max(allowed)
    assert found.miss == pytest.approx(miss_rate(name, score, found.threshold))


def test_the_mean_miss_rate_of_patients_to_come_is_at_most_alpha_on_average() -> None:
    missed = []
    for seed in range(300):
        name, label, score = patients(21, 4, seed)
        known = name.astype(int) < 20
        found = risk_threshold(name[known], label[known], score[known], alpha=0.1)
        missed.append(miss_rate(name[~known], score[~known], found.threshold))
    error = np.std(missed) / np.sqrt(len(missed))
    assert 0.1 - 0.06 < np.mean(missed) < 0.1 + 2 * error


def test_too_few_patients_get_no_guarantee_and_are_told_how_many_would_do() -> None:
    found = risk_threshold(*patients(18, 3, seed=1), alpha=0.05)
    assert np.isnan(found.threshold)
    assert "18 patients" in found.reason
    assert "19" in found.reason
    assert not risk_threshold(*patients(19, 3, seed=1), alpha=0.05).reason


def test_benign_patches_and_the_order_of_rows_do_not_matter() -> None:
    name, label, score = patients(30, 4, seed=2)
    plain = risk_threshold(name, label, score, alpha=0.2)
    order = np.random.default_rng(3).permutation(len(name))
    more = [np.append(name[order], ["0"] * 5), np.append(label[order], [0] * 5), np.append(score[order], [9.0] * 5)]
    assert risk_threshold(*more, alpha=0.2) == plain


def test_an_alpha_that_is_no_share_and_unknown_patients_are_refused() -> None:
    with pytest.raises(UserError, match="between 0 and 1"):
        risk_threshold(*patients(30, 4, seed=2), alpha=1.0)
    with pytest.raises(UserError, match="patient of every patch"):
        risk_threshold(["", "a"], [1, 1], [0.1, 0.2], alpha=0.5)


def test_the_bound_is_that_of_another_package() -> None:
    methods = pytest.importorskip("mapie.risk_control.methods", reason="MAPIE is not installed")
    name, label, score = patients(40, 5, seed=6)
    thresholds = np.sort(score)
    by_patient = [[np.mean(score[name == each] < t) for t in thresholds] for each in np.unique(name)]
    _, bound = methods.get_r_hat_plus(np.array(by_patient), thresholds, "crc", None, None, None)
    found = risk_threshold(name, label, score, alpha=0.1)
    assert found.threshold == thresholds[bound <= 0.1].max()
