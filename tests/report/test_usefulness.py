"""What is said of net benefit, predictive values and another prevalence."""

from cancernet.evaluation.net_benefit import THRESHOLDS
from cancernet.report.usefulness import benefit, predictive, quantiles, restated


def test_the_thresholds_at_which_a_model_is_of_use_are_named():
    said = benefit({"better": [[0.1, 0.4], [0.6, 0.6]]})
    assert "10% to 40% and 60%" in said


def test_a_model_of_no_use_is_told_to_be_none():
    assert benefit({"better": []}).startswith("At no threshold")


def test_results_of_before_have_nothing_to_say():
    assert (benefit(None), quantiles(None), restated(None, "target_recall", 0.1)) == ("", [], None)


def test_the_share_at_hand_is_marked_among_the_others(single):
    numbers = single.metrics[0]["splits"]["test"]
    rows = predictive(numbers["predictive_values"], numbers["prevalence"])
    assert [row["here"] for row in rows].count(True) == 1
    assert rows[0]["prevalence"] == "1 %"
    assert all(value != "n/a" for row in rows for value, _ in row["cells"])


def test_quantiles_are_a_row_a_class(single):
    rows = quantiles(single.metrics[0]["splits"]["test"]["distribution"])
    assert [row[0] for row in rows] == ["benign", "malignant"]
    assert {len(row) for row in rows} == {7}


def test_a_restated_threshold_stands_beside_the_one_it_comes_from():
    curve = {"better": [[THRESHOLDS[0], THRESHOLDS[3]]]}
    rate = {"value": 0.2, "low": 0.1, "high": 0.3}
    found = {
        "prevalence": 0.05,
        "stated_for": 0.3,
        "thresholds": {"target_recall": 0.0133},
        "ppv": rate,
        "npv": rate,
        "decision_curve": curve,
    }
    said = restated(found, "target_recall", 0.104)
    assert (said["threshold"], said["moved"], said["prevalence"]) == ("0.104", "0.0133", "5 %")
