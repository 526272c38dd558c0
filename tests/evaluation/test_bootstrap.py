from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics as oracle
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t

from cancernet.evaluation import bootstrap, metrics, ranking
from cancernet.evaluation.bootstrap import Interval, interval, multiplicities, patient_bootstrap, replicate, units

THRESHOLDS = {"default": 0.5, "target_recall": 0.2}


def test_the_values_are_those_of_the_plain_metrics(make_predictions):
    rows = make_predictions(patient_spread=0.5)
    found = patient_bootstrap(rows, THRESHOLDS, samples=20)
    label, probability = rows["label"], rows["probability"]
    assert found["auc"].value == pytest.approx(oracle.roc_auc_score(label, probability))
    assert found["average_precision"].value == pytest.approx(oracle.average_precision_score(label, probability))
    assert found["brier"].value == pytest.approx(np.mean((probability - label) ** 2))
    assert found["ece"].value == pytest.approx(metrics.expected_calibration_error(label, probability))
    for point, threshold in THRESHOLDS.items():
        for name in metrics.RATES:
            plain = metrics.rates(*metrics.confusion(label, probability, threshold))[name]
            assert found[f"{name}@{point}"].value == pytest.approx(plain)


def test_each_resample_equals_the_metric_on_the_patients_drawn(make_predictions):
    rows = make_predictions(patients=6, patches=15, seed=3)
    drawn = replicate(rows, THRESHOLDS, samples=5, seed=9)
    times = np.concatenate(list(multiplicities(6, 5, 9, chunk=2)))
    names = sorted(rows["patient"].unique())
    by_patient = dict(list(rows.groupby("patient")))
    for index, row in enumerate(times):
        again = pd.concat([by_patient[n] for n, k in zip(names, row, strict=True) for _ in range(int(k))])
        label, probability = again["label"], again["probability"]
        assert drawn.resampled["auc"][index] == pytest.approx(ranking.auc(label, probability))
        expected = ranking.average_precision(label, probability)
        assert drawn.resampled["average_precision"][index] == pytest.approx(expected)
        assert drawn.resampled["brier"][index] == pytest.approx(np.mean((probability - label) ** 2))
        error = metrics.expected_calibration_error(label, probability)
        assert drawn.resampled["ece"][index] == pytest.approx(error)
        rates = metrics.rates(*metrics.confusion(label, probability, 0.5))
        assert drawn.resampled["f1@default"][index] == pytest.approx(rates["f1"])


@pytest.mark.parametrize(("samples", "chunk"), [(10, 4), (8, 4), (3, 100), (1, 1)])
def test_as_many_resamples_are_drawn_as_asked_for(samples, chunk):
    drawn = list(multiplicities(5, samples, 0, chunk))
    assert sum(map(len, drawn)) == samples
    assert max(map(len, drawn)) <= chunk


def test_a_resample_draws_as_many_patients_as_there_are():
    for rows in multiplicities(13, 10, 0, chunk=4):
        assert (rows.sum(axis=1) == 13).all()
        assert (rows >= 0).all()


def test_chunk_size_does_not_change_the_draw():
    one = np.concatenate(list(multiplicities(7, 10, 5, chunk=1)))
    three = np.concatenate(list(multiplicities(7, 10, 5, chunk=3)))
    assert np.array_equal(one, three)


def test_small_chunks_give_the_same_intervals(make_predictions, monkeypatch):
    rows = make_predictions(patients=8)
    whole = patient_bootstrap(rows, THRESHOLDS, samples=30)
    monkeypatch.setattr(bootstrap, "CHUNK_CELLS", 1)
    for name, entry in patient_bootstrap(rows, THRESHOLDS, samples=30).items():
        expected = whole[name]
        assert (entry.value, entry.low, entry.high) == pytest.approx((expected.value, expected.low, expected.high))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_row_order_does_not_change_the_interval(seed):
    generator = np.random.default_rng(7)
    rows = pd.DataFrame(
        {
            "path": [f"{i}" for i in range(60)],
            "patient": [f"p{i % 7}" for i in range(60)],
            "label": generator.integers(0, 2, 60),
            "probability": generator.integers(0, 5, 60) / 5,
        }
    )
    expected = patient_bootstrap(rows, THRESHOLDS, samples=20)
    shuffled = patient_bootstrap(rows.sample(frac=1, random_state=seed), THRESHOLDS, samples=20)
    for name, entry in expected.items():
        assert shuffled[name].low == pytest.approx(entry.low, nan_ok=True)
        assert shuffled[name].high == pytest.approx(entry.high, nan_ok=True)


def test_the_seed_fixes_the_interval_and_another_moves_it(make_predictions):
    rows = make_predictions()
    assert patient_bootstrap(rows, samples=50, seed=1) == patient_bootstrap(rows, samples=50, seed=1)
    assert patient_bootstrap(rows, samples=50, seed=1) != patient_bootstrap(rows, samples=50, seed=2)


def test_intervals_cover_the_truth_where_patch_intervals_do_not(make_predictions):
    """Coverage by simulation: patients differ, so patches of one patient say little new."""
    truth = ranking.auc(
        *make_predictions(patients=3000, patches=30, patient_spread=1.2)[["label", "probability"]].T.values
    )
    covered, by_patch, trials = 0, 0, 60
    for trial in range(trials):
        rows = make_predictions(patients=25, patches=30, patient_spread=1.2, seed=1000 + trial)
        entry = patient_bootstrap(rows, samples=100, seed=trial)["auc"]
        covered += entry.low <= truth <= entry.high
        naive = patient_bootstrap(rows.assign(patient=""), samples=60, seed=trial)["auc"]
        by_patch += naive.low <= truth <= naive.high
    assert covered / trials >= 0.87  # 0.95 less three standard errors
    assert by_patch / trials < 0.8


def test_more_patients_narrow_the_interval(make_predictions):
    widths = []
    for patients in (10, 160):
        entry = patient_bootstrap(make_predictions(patients=patients, patient_spread=1), samples=200)["auc"]
        widths.append(entry.high - entry.low)
    assert widths[1] < widths[0] / 2


def test_more_patches_of_alike_patients_do_not_narrow_it_much(make_predictions):
    rows = make_predictions(patients=15, patches=30, patient_spread=1)
    copied = pd.concat([rows, rows.assign(path=rows["path"] + "#")])
    one, two = (patient_bootstrap(frame, samples=100)["auc"] for frame in (rows, copied))
    assert (two.low, two.high) == pytest.approx((one.low, one.high))


def test_shuffled_labels_give_chance_and_an_interval_over_it(make_predictions):
    rows = make_predictions(patients=40, signal=3)
    shuffled = rows.assign(label=rows["label"].sample(frac=1, random_state=0).to_numpy())
    entry = patient_bootstrap(shuffled, samples=200)["auc"]
    assert entry.value == pytest.approx(0.5, abs=0.05)
    assert entry.low < 0.5 < entry.high
    assert patient_bootstrap(rows, samples=50)["auc"].low > 0.9


def test_resamples_with_one_class_are_skipped_and_counted(make_predictions):
    rows = make_predictions(patients=6, patches=10)
    rows["label"] = (rows["patient"] == "test0").astype(int)  # only one patient has malignant patches
    found = patient_bootstrap(rows, {"default": 0.5}, samples=300)
    # That patient is absent from (5/6)^6 = 33 % of the resamples.
    assert 60 <= found["auc"].skipped <= 140
    assert found["recall@default"].skipped == found["auc"].skipped
    assert found["accuracy@default"].skipped == 0
    assert np.isfinite([found["auc"].low, found["auc"].high]).all()


def test_one_class_gives_undefined_auc_but_a_specificity(make_predictions):
    found = patient_bootstrap(make_predictions().assign(label=0), {"default": 0.5}, samples=20)
    assert np.isnan([found["auc"].value, found["auc"].low, found["recall@default"].value]).all()
    assert 0 <= found["specificity@default"].low <= found["specificity@default"].high <= 1


def test_one_patient_has_a_value_but_no_interval(make_predictions):
    entry = patient_bootstrap(make_predictions(patients=1), samples=20)["auc"]
    assert np.isfinite(entry.value)
    assert np.isnan([entry.low, entry.high]).all()


def test_patches_of_unknown_patient_are_their_own_units(make_predictions):
    rows = make_predictions(patients=4, patches=5)
    assert units(rows)[1] == 4
    assert units(rows.assign(patient=""))[1] == 20
    assert units(rows.assign(patient=np.nan))[1] == 20
    mixed = rows.assign(patient=["", *rows["patient"][1:]])
    assert units(mixed)[1] == 5


def test_a_patient_named_like_a_path_is_not_that_path():
    rows = pd.DataFrame({"path": ["a", "b"], "patient": ["", "a"]})
    assert units(rows)[1] == 2


def test_few_patients_widen_the_interval_beyond_the_percentiles():
    draws = np.random.default_rng(0).normal(size=4000)
    middle = float(np.median(draws))
    few, many = interval(middle, draws, 10), interval(middle, draws, 10_000)
    assert few.low < many.low < middle < many.high < few.high
    assert (many.low, many.high) == pytest.approx(np.quantile(draws, [0.025, 0.975]), abs=0.01)


def test_an_interval_leans_away_from_the_bias_of_its_resamples():
    draws = np.random.default_rng(0).normal(size=4000)
    centred, above = interval(0.0, draws, 30), interval(0.3, draws, 30)
    # Resamples come out lower than the value, so the value itself is taken to be low.
    assert above.low > centred.low + 0.3
    assert above.high > centred.high + 0.3


def test_the_interval_is_that_of_scipy_for_many_units():
    from scipy.stats import bootstrap as oracle

    sample = np.random.default_rng(1).normal(size=400)  # symmetric: their acceleration is nearly 0
    theirs = oracle((sample,), np.mean, n_resamples=3000, method="BCa", rng=np.random.default_rng(2))
    low, high = theirs.confidence_interval
    ours = interval(float(sample.mean()), theirs.bootstrap_distribution, sample.size)
    assert (ours.low, ours.high) == pytest.approx((low, high), abs=0.005)


def test_resamples_that_all_equal_the_value_give_that_value():
    entry = interval(1.0, np.ones(50), 20)
    assert (entry.low, entry.high) == (1, 1)


def test_a_value_beyond_all_resamples_still_gives_an_interval():
    entry = interval(5.0, np.linspace(0, 1, 100), 20)
    assert 0 <= entry.low <= entry.high <= 1


def test_lower_confidence_is_narrower():
    draws = np.random.default_rng(0).normal(size=1000)
    wide, narrow = interval(0.0, draws, 30, 0.95), interval(0.0, draws, 30, 0.8)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_an_interval_as_plain_data_holds_three_numbers():
    assert Interval(0.5, 0.4, 0.6, skipped=3).to_dict() == {"value": 0.5, "low": 0.4, "high": 0.6}
    assert Interval(np.nan, np.nan, np.inf).to_dict() == dict.fromkeys(("value", "low", "high"))


def test_no_predictions_are_refused(make_predictions):
    with pytest.raises(ValueError, match="no predictions"):
        patient_bootstrap(make_predictions().head(0))


def test_a_table_read_back_from_csv_gives_the_same_units(make_predictions, tmp_path):
    rows = make_predictions(patients=5).assign(patient=lambda frame: frame["patient"].str.removeprefix("test"))
    rows.loc[0, "patient"] = ""
    rows.to_csv(tmp_path / "predictions.csv", index=False)
    again = pd.read_csv(tmp_path / "predictions.csv")  # numbers and NaN where there was text
    assert units(again)[1] == units(rows)[1] == 6


def test_defaults_give_a_95_percent_interval_of_1000_resamples(make_predictions):
    rows = make_predictions(patients=10, patches=20)
    explicit = patient_bootstrap(rows, samples=1000, seed=1, confidence=0.95)
    assert patient_bootstrap(rows) == explicit


def test_a_probability_at_the_threshold_is_called_malignant_here_too(make_predictions):
    rows = make_predictions(patients=4).assign(probability=0.5)
    found = patient_bootstrap(rows, {"default": 0.5}, samples=10)
    assert found["recall@default"].value == 1
    assert found["specificity@default"].value == 0


def test_the_interval_of_the_calibration_error_reaches_above_the_value(make_predictions):
    rows = make_predictions(patients=25, patches=80, patient_spread=0.8)
    found = patient_bootstrap(rows, samples=300)["ece"]
    assert found.high > 1.2 * found.value


def test_without_correction_an_interval_is_the_plain_percentiles_of_many_units():
    drawn = np.linspace(0, 1, 2001)
    found = interval(0.1, drawn, 100_000, corrected=False)
    assert (found.low, found.high) == pytest.approx((0.025, 0.975), abs=1e-3)
    assert interval(0.1, drawn, 100_000).high < found.high


def by_hand(value, resampled, n_units, confidence):
    """Efron & Tibshirani 1993, section 14.3, and Hesterberg 2015, section 5.3, resample by resample."""
    normal, b = NormalDist(), len(resampled)
    share = sum(1.0 if r < value else 0.5 if r == value else 0.0 for r in resampled) / b
    bias = normal.inv_cdf(min(max(share, 1 / (b + 1)), b / (b + 1)))
    reach = -t.ppf((1 - confidence) / 2, n_units - 1) * (n_units / (n_units - 1)) ** 0.5
    return [np.quantile(resampled, normal.cdf(2 * bias + sign * reach)) for sign in (-1, 1)]


@pytest.mark.parametrize("n_units", [2, 7, 40])
@pytest.mark.parametrize(
    ("value", "resampled"),
    [
        (0.5, np.linspace(0.3, 0.8, 41)),
        (0.2, np.linspace(0.3, 0.8, 9)),  # below all resamples
        (0.9, np.linspace(0.3, 0.8, 9)),  # above them
        (1.0, np.array([1.0, 1.0, 1.0, 0.9])),
        (0.9, np.array([1.0, 0.9, 0.9, 0.8, 0.7])),
        (0.3, np.array([0.0, 0.0, 0.3, 0.6, 0.6, 0.6])),
    ],
)
def test_the_interval_is_the_one_of_the_textbooks(value, resampled, n_units):
    for confidence in (0.5, 0.8, 0.95):
        found = interval(value, resampled, n_units, confidence)
        assert [found.low, found.high] == pytest.approx(by_hand(value, resampled, n_units, confidence))
        assert found.value == value


@pytest.mark.parametrize("resampled", [[np.nan, np.nan], []])
def test_without_a_defined_resample_there_is_a_value_and_no_interval(resampled):
    found = interval(0.5, np.array(resampled), 7)
    assert (found.value, found.skipped) == (0.5, len(resampled))
    assert np.isnan([found.low, found.high]).all()
