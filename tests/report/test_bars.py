import numpy as np
import pandas as pd
import pytest

from cancernet.evaluation.results import models, shown
from cancernet.report.bars import LEAST_SPAN, NAMED_PATIENTS, approaches, confusion_matrix, per_patient_recall


def text_of(figure):
    figure.draw_without_rendering()
    return " ".join(item.get_text() for item in figure.findobj(lambda item: hasattr(item, "get_text")))


def patients(n, *, without=0):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"patient": [f"P{i:03d}" for i in range(n)], "n_malignant": rng.integers(1, 90, n), "recall": rng.random(n)}
    )
    table.loc[: without - 1, ["recall"]] = np.nan
    table.loc[: without - 1, ["n_malignant"]] = 0
    return table


def draw(table):
    return per_patient_recall(table, model="cnn", target=0.95, caption="n = 9")


def test_confusion_matrix_shows_all_four_counts(five):
    entry = models(five)[0]
    said = text_of(confusion_matrix([entry], caption=""))
    for count in entry.headline["confusion"].values():
        assert f"{count:,}" in said


def test_confusion_shares_are_of_the_true_class(five):
    entry = models(five)[0]
    recall = entry.headline["recall"]["value"]
    assert f"{recall:.1%}" in text_of(confusion_matrix([entry], caption=""))


def test_confusion_of_many_models_has_a_panel_each(five):
    figure = confusion_matrix(models(five), caption="")
    assert sum(axes.get_visible() for axes in figure.axes) == 5


def test_patients_are_ordered_from_the_lowest_recall():
    figure = draw(patients(20))
    names = [tick.get_text() for tick in figure.axes[0].get_xticklabels()]
    by_recall = patients(20).sort_values("recall")["patient"].tolist()
    assert names == by_recall


@pytest.mark.parametrize("n", [1, 49, NAMED_PATIENTS])
def test_every_patient_is_named_while_names_can_be_read(n):
    assert len(draw(patients(n)).axes[0].get_xticklabels()) == n


def test_of_very_many_patients_only_the_worst_are_named():
    figure = draw(patients(279))
    assert len(figure.axes[0].get_xticklabels()) == 5
    assert "279 patients" in figure.axes[0].get_xlabel()
    assert figure.get_figwidth() < 11


def test_patients_without_malignant_patches_are_counted_and_left_out():
    figure = draw(patients(10, without=3))
    assert len(figure.axes[0].get_xticklabels()) == 7
    assert "3 left out" in text_of(figure)


def test_no_patient_with_malignant_patches_is_said():
    assert "no patient has a malignant patch" in text_of(draw(patients(3, without=3)))


def test_legend_counts_patients_on_either_side_of_the_target():
    table = patients(10)
    below = int((table["recall"] < 0.95).sum())
    said = text_of(draw(table))
    assert f"below the target of 95% ({below})" in said
    assert f"at or above it ({10 - below})" in said


def test_approaches_name_every_model_and_the_floor(five):
    figure = approaches(shown(five), target=0.95, caption="")
    names = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert names == [entry.model for entry in shown(five)]


def test_approaches_draw_the_interval_of_each_score(five):
    figure = approaches(shown(five), target=0.95, caption="")
    auc = shown(five)[0].numbers["auc"]
    ends = [list(line.get_xdata()) for line in figure.axes[0].lines]
    assert [auc["low"], auc["high"]] in ends


def test_approaches_draw_floor_prevalence_and_target(five):
    figure = approaches(shown(five), target=0.9, caption="")
    of_floor = shown(five)[-1].numbers

    def verticals(panel):
        return [line.get_xdata()[0] for line in figure.axes[panel].lines if list(line.get_ydata()) == [0, 1]]

    assert of_floor["auc"]["value"] in verticals(0)
    assert of_floor["prevalence"] in verticals(1)
    assert 0.9 in verticals(2)


def test_small_differences_are_not_blown_up(single):
    figure = approaches(shown(single), target=0.95, caption="")
    for axes in figure.axes:
        low, high = axes.get_xlim()
        assert high - low >= LEAST_SPAN - 1e-9


def test_undefined_scores_are_said(make):
    entries = models(make(("baseline",)))
    entries[0].numbers["auc"] = {"value": None, "low": None, "high": None}
    assert "undefined" in text_of(approaches(entries, target=0.95, caption=""))
