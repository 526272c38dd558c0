import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from cancernet.evaluation.results import FLOOR
from cancernet.report.curves import POINTS, accuracy_plot, calibration, precision_recall, roc


def rows(seed=0, n=400, skill=1.5):
    rng = np.random.default_rng(seed)
    label = (rng.random(n) < 0.3).astype(int)
    probability = 1 / (1 + np.exp(-(skill * (2 * label - 1) + rng.normal(0, 1.5, n))))
    return pd.DataFrame({"label": label, "probability": probability})


def line(figure, start):
    """The line whose label begins so."""
    return next(found for axes in figure.axes for found in axes.lines if found.get_label().startswith(start))


def text_of(figure):
    return " ".join(item.get_text() for item in figure.findobj(lambda item: hasattr(item, "get_text")))


def test_roc_names_the_auc_that_scikit_learn_gives():
    table = rows()
    figure = roc({"cnn": table}, {}, caption="n = 400")
    assert f"AUC {roc_auc_score(table['label'], table['probability']):.3f}" in line(figure, "cnn").get_label()


def test_roc_marks_recall_and_false_alarms_at_the_threshold():
    table = rows()
    figure = roc({"cnn": table}, {"cnn": 0.4}, caption="")
    mark = next(found for found in figure.axes[0].lines if found.get_marker() == "o")
    called = table["probability"] >= 0.4
    assert mark.get_xdata()[0] == pytest.approx(called[table["label"] == 0].mean())
    assert mark.get_ydata()[0] == pytest.approx(called[table["label"] == 1].mean())


def test_precision_recall_shows_prevalence():
    table = rows()
    figure = precision_recall({"cnn": table}, {"cnn": 0.5}, caption="")
    assert f"prevalence {table['label'].mean():.0%}" in text_of(figure)


def test_curves_of_many_patches_are_thinned_and_keep_their_ends():
    figure = roc({"cnn": rows(n=30_000)}, {}, caption="")
    drawn = line(figure, "cnn")
    assert len(drawn.get_xdata()) <= POINTS
    assert drawn.get_xdata()[0] == drawn.get_ydata()[0] == 0
    assert drawn.get_xdata()[-1] == drawn.get_ydata()[-1] == 1


def test_models_differ_in_colour_and_in_line():
    figure = roc({name: rows(i) for i, name in enumerate("abcde")}, {}, caption="")
    lines = [line(figure, name) for name in "abcde"]
    assert len({found.get_color() for found in lines}) == 5
    assert len({str(found._unscaled_dash_pattern) for found in lines}) == 5


def test_floor_is_thinner_than_the_models():
    figure = roc({"a": rows(), FLOOR: rows(1)}, {}, caption="")
    assert line(figure, FLOOR).get_linewidth() < line(figure, "a (").get_linewidth()


@pytest.mark.parametrize("draw", [roc, precision_recall])
def test_single_class_is_said_and_does_not_crash(draw):
    table = rows().assign(label=0)
    assert "undefined" in text_of(draw({"cnn": table}, {"cnn": 0.5}, caption=""))


def test_threshold_that_calls_nothing_does_not_crash():
    precision_recall({"cnn": rows()}, {"cnn": 1.1}, caption="").draw_without_rendering()


def test_calibration_of_true_probabilities_lies_on_the_diagonal():
    rng = np.random.default_rng(0)
    probability = rng.random(60_000)
    table = pd.DataFrame({"label": (rng.random(60_000) < probability).astype(int), "probability": probability})
    drawn = line(calibration({"cnn": table}, caption=""), "cnn")
    np.testing.assert_allclose(drawn.get_xdata(), drawn.get_ydata(), atol=0.03)


def test_calibration_of_one_stated_probability_draws_one_point():
    table = rows().assign(probability=0.5)
    assert len(line(calibration({"cnn": table}, caption=""), "cnn").get_xdata()) == 1


HISTORY = pd.DataFrame(
    {
        "epoch": [1, 2, 3],
        "accuracy": [0.6, 0.7, 0.8],
        "val_accuracy": [0.6, 0.7, 0.65],
        "loss": [0.7, 0.6, 0.5],
        "val_loss": [0.7, 0.6, 0.65],
        "val_average_precision": [0.5, 0.7, 0.6],
    }
)


def test_training_marks_the_epoch_of_best_validation_average_precision():
    figure = accuracy_plot({"cnn": HISTORY})
    for axes in figure.axes:
        kept = next(found for found in axes.lines if found.get_label() == "epoch kept")
        assert list(kept.get_xdata()) == [2, 2]


def test_training_has_a_panel_for_each_model_and_quantity():
    assert len(accuracy_plot({"a": HISTORY}).axes) == 3
    assert len(accuracy_plot({"a": HISTORY, "b": HISTORY}).axes) == 6


def test_training_draws_what_the_history_has():
    figure = accuracy_plot({"a": HISTORY[["epoch", "accuracy"]], "b": HISTORY[["epoch", "accuracy", "val_accuracy"]]})
    assert len(figure.axes) == 2


def test_training_survives_undefined_validation_scores():
    undefined = HISTORY.assign(val_average_precision=np.nan)
    accuracy_plot({"a": undefined}).draw_without_rendering()
    partly = HISTORY.assign(val_average_precision=[np.nan, 0.2, 0.9])
    kept = next(x for x in accuracy_plot({"a": partly}).axes[0].lines if x.get_label() == "epoch kept")
    assert kept.get_xdata()[0] == 3


def test_training_without_validation_shows_what_there_is_and_that_no_epoch_was_chosen():
    history = pd.DataFrame({"epoch": [1, 2], "loss": [0.5, 0.4], "accuracy": [0.7, 0.8]})
    made = accuracy_plot({"crossed": history})
    made.draw_without_rendering()
    said = " ".join(text.get_text() for text in made.findobj(lambda item: hasattr(item, "get_text")))
    assert "the last epoch is kept" in said
    assert "dotted" not in said
    assert len(made.axes) == 2
