"""A threshold with assurance: what it promises holds in simulation; what cannot be promised is refused, and why."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from cancernet.common.errors import UserError
from cancernet.evaluation.assured import assured_threshold, enough, lower_bound, rank, search
from cancernet.evaluation.closed_forms import least_exact, least_worth, likeness

TARGET, ASSURANCE = 0.95, 0.9
SAMPLES = 400  # of patients; a share of 0.9 is then known to 0.015
WORLD = 1000  # patients that samples are drawn from


def world(rho: float, *, rare: bool, seed: int = 1) -> tuple[np.ndarray, np.ndarray, float]:
    """Patients (N,) and scores (N,) of malignant patches, and the score above which 0.95 of them lie.

    Each patient is found at 0.95 by chance of its own, whose likeness is rho: from a beta, or of two kinds of patients.
    """
    rng = np.random.default_rng(seed)
    size = np.maximum(1, rng.lognormal(3, 1, WORLD)).astype(int)
    if rare:
        bad = 1 / (1 + rho * TARGET / (1 - TARGET))
        chance = np.where(rng.random(WORLD) < bad, max(0.0, 1 - (1 - TARGET) / bad), 1.0)
    else:
        chance = rng.beta(TARGET * (1 / rho - 1), (1 - TARGET) * (1 / rho - 1), WORLD)
    patient = np.repeat(np.arange(WORLD), size)
    found = rng.random(size.sum()) < chance[patient]
    score = np.where(found, 1, -1) * rng.random(len(found))  # a patch above 0 is found at the threshold 0
    return patient, score, float(np.quantile(score, 1 - TARGET))


@pytest.mark.parametrize("rare", [False, True], ids=["beta", "rare"])
@pytest.mark.parametrize(("rho", "n"), [(0.01, 10), (0.08, 20), (0.08, 60), (0.3, 60)])
def test_the_target_holds_in_as_many_samples_of_patients_as_was_assured(rho: float, n: int, rare: bool) -> None:
    patient, score, right = world(rho, rare=rare)
    ranked = rank(patient, np.ones(len(patient)), score)
    rng = np.random.default_rng(2)
    weight = np.zeros((SAMPLES, WORLD))
    for row in weight:
        row[rng.choice(WORLD, n, replace=False)] = 1
    # What the patients of this world are in truth, of which the rule is told
    alike = likeness(patient, score >= right)
    chosen = search(ranked, weight, target=TARGET, assurance=ASSURANCE, rho=alike)
    too_high = (chosen >= 0) & (ranked.score[np.maximum(chosen, 0)] > right)
    assert too_high.mean() <= 1 - ASSURANCE + 0.03
    assert (chosen >= 0).mean() > 0.5


def test_many_samples_at_once_are_searched_as_each_by_itself() -> None:
    rng = np.random.default_rng(3)
    patient = np.repeat(np.arange(60), 30)
    score = np.round(rng.normal(2, 1, 1800) + rng.normal(0, 0.5, 60)[patient], 2)  # with ties
    ranked = rank(patient, np.ones(1800), score)
    weight = rng.multinomial(25, np.ones(60) / 60, size=20).astype(float)
    together = search(ranked, weight, target=0.8, assurance=0.9, rho=0.05)
    assert len(set(together)) > 5
    few = np.concatenate([rng.multinomial(n, np.ones(60) / 60, size=40) for n in range(1, 9)]).astype(float)
    choice = {"target": 0.9, "assurance": 0.9, "rho": 0.3}
    some = enough(ranked, few, **choice)
    assert 0 < some.sum() < len(few)
    np.testing.assert_array_equal(some, search(ranked, few, **choice) >= 0)
    for row, at in zip(weight, together, strict=True):
        names, scores = [], []
        for name, times in zip(ranked.names, row, strict=True):
            for copy in range(int(times)):
                mine = score[patient == int(name)]
                names += [f"{name}-{copy}"] * len(mine)
                scores += list(mine)
        alone = assured_threshold(names, np.ones(len(names)), scores, target=0.8, rho=0.05)
        assert alone.threshold == ranked.score[at]


def test_at_the_threshold_the_bound_reaches_the_target_and_at_the_next_it_does_not() -> None:
    patient, score, _ = world(0.08, rare=False)
    some = patient < 40
    found = assured_threshold(patient[some], np.ones(some.sum()), score[some])
    assert found.reason == ""
    assert found.lower >= TARGET
    assert found.recall == pytest.approx((score[some] >= found.threshold).mean())
    assert found.n_malignant == some.sum()
    missed = (score[some] < found.threshold).sum()
    assert lower_bound(found.n_malignant, missed + 1, found.worth, ASSURANCE) < TARGET


def test_benign_patches_and_the_order_of_rows_do_not_matter_nor_whether_scores_are_log_odds() -> None:
    patient, score, _ = world(0.08, rare=False)
    some = np.flatnonzero(patient < 40)
    plain = assured_threshold(patient[some], np.ones(len(some)), score[some])
    mixed = np.random.default_rng(4).permutation(some)
    names = np.concatenate([patient[mixed], [7, 8]])
    label = np.concatenate([np.ones(len(mixed)), [0, 0]])
    odds = np.concatenate([np.exp(score[mixed]), [99.0, 0.0]])
    other = assured_threshold(names, label, odds)
    assert np.log(other.threshold) == pytest.approx(plain.threshold)
    assert other.n_patients == plain.n_patients


def test_more_assurance_or_more_alike_patches_lower_the_threshold() -> None:
    patient, score, _ = world(0.08, rare=False)
    some = patient < 60

    def threshold(**choice: float) -> float:
        return assured_threshold(patient[some], np.ones(some.sum()), score[some], **choice).threshold

    assert threshold(assurance=0.99) < threshold(assurance=0.9) < threshold(assurance=0.5)
    assert threshold(rho=0.3) < threshold(rho=0.08)
    assert threshold(target=0.9) > threshold(target=0.95)


def test_patients_at_hand_that_are_less_alike_than_was_brought_along_count() -> None:
    patient, score, _ = world(0.3, rare=True)
    some = patient < 200
    told = assured_threshold(patient[some], np.ones(some.sum()), score[some], rho=0.0)
    assert told.rho > 0.1


def test_too_few_patients_are_refused_and_the_reason_says_how_many_would_do() -> None:
    patient = np.repeat(np.arange(6), 10)
    found = assured_threshold(patient, np.ones(60), np.linspace(0.5, 1, 60), rho=0.5)
    assert np.isnan(found.threshold)
    assert found.reason.startswith("6 patients with tumour hold 60 malignant patches, worth 11 independent ones")
    assert "some 15 such patients would do" in found.reason
    more = np.repeat(np.arange(15), 10)
    assert assured_threshold(more, np.ones(150), np.linspace(0.5, 1, 150), rho=0.5).reason == ""


def test_without_any_likeness_one_patch_a_patient_needs_what_the_exact_bound_needs() -> None:
    needed = int(np.ceil(least_exact(TARGET, ASSURANCE)))
    assert needed == 45
    assert beta.ppf(1 - ASSURANCE, needed, 1) >= TARGET > beta.ppf(1 - ASSURANCE, needed - 1, 1)
    for n in (needed - 1, needed):
        found = assured_threshold(np.arange(n), np.ones(n), np.arange(n), rho=0.0)
        assert (found.reason == "") == (n == needed)


def test_the_least_worth_is_where_the_bound_meets_the_target() -> None:
    worth = least_worth(TARGET, ASSURANCE)
    assert lower_bound(1e9, 0, worth, ASSURANCE) == pytest.approx(TARGET)


@pytest.mark.parametrize("n", [0, 1])
def test_no_patient_or_one_is_refused(n: int) -> None:
    found = assured_threshold(["a"] * 50 * n + ["b"], [1] * 50 * n + [0], [0.5] * 50 * n + [0.1])
    assert np.isnan(found.threshold)
    assert "at the very least" in found.reason


@pytest.mark.parametrize("choice", [{"target": 0}, {"target": 1}, {"assurance": 1}, {"assurance": float("nan")}])
def test_shares_out_of_range_are_one_line(choice: dict[str, float]) -> None:
    with pytest.raises(UserError, match="is not a share"):
        assured_threshold([1, 2], [1, 1], [0.5, 0.5], **choice)


def test_an_unknown_patient_and_a_score_that_is_none_are_refused() -> None:
    with pytest.raises(UserError, match="have none"):
        assured_threshold(["a", ""], [1, 1], [0.5, 0.5])
    with pytest.raises(ValueError, match="finite"):
        assured_threshold(["a", "b"], [1, 1], [0.5, np.nan])
