import cv2
import numpy as np
import pytest

from cancernet.common import defaults
from cancernet.evaluation.results import chosen, models, target_recall
from cancernet.report.figures import draw, model_figures, run_figures

NAMES = {
    "accuracy_plot",
    "confusion_matrix",
    "roc",
    "precision_recall",
    "calibration",
    "per_patient_recall",
    "approaches",
    "risk_coverage",
    "calibration_change",
    "decision_curve",
    "probability_distribution",
}


def words(figure):
    """All text of a figure, drawn once so that it is laid out."""
    figure.draw_without_rendering()
    return " ".join(text.get_text() for text in figure.findobj(lambda item: hasattr(item, "get_text")))


def every(results):
    """The figures that `draw` puts into the files, not drawn yet."""
    return model_figures(results, models(results)[0]) | run_figures(results)


@pytest.fixture(scope="module")
def drawn(five):
    return every(five)


@pytest.fixture(scope="module")
def synthetic(make):
    return every(make(("baseline",), synthetic=True))


@pytest.fixture(scope="module")
def pair(make):
    return make(("baseline", "augmented"))


@pytest.fixture(scope="module")
def pictures(pair):
    return draw(pair)


def test_every_figure_is_drawn_under_its_name(pictures):
    drawn = pictures.run
    assert set(drawn) == NAMES
    for each in drawn.values():
        image = cv2.imdecode(np.frombuffer(each.png, "uint8"), cv2.IMREAD_COLOR)
        assert min(image.shape[:2]) > 300
        assert image.std() > 5  # not blank


@pytest.mark.usefixtures("no_figures")
def test_one_model_without_floor_has_every_figure(single):
    assert set(draw(single).run) == NAMES


@pytest.mark.usefixtures("no_figures")
def test_figures_without_data_are_left_out(make):
    results = make(("baseline",), predictions={}, histories={})
    assert set(draw(results).run) == {"approaches", "confusion_matrix", "decision_curve", "probability_distribution"}


@pytest.mark.usefixtures("no_figures")
def test_unknown_patients_leave_out_only_the_figure_by_patient(make):
    results = make(("baseline",))
    for rows in results.predictions.values():
        rows["patient"] = ""
    assert set(draw(results).run) == NAMES - {"per_patient_recall"}


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_figure_of_synthetic_data_says_so(synthetic, name):
    assert "SYNTHETIC, NOT EVIDENCE" in words(synthetic[name])


@pytest.mark.parametrize("name", sorted(NAMES - {"accuracy_plot"}))
def test_every_figure_of_results_says_how_many_patches_it_counts(drawn, name):
    assert "n = 120 patches of 4 patients" in words(drawn[name])


def test_axes_of_every_figure_are_labelled(drawn):
    for name, figure in drawn.items():
        labels = [axes.get_xlabel() or axes.get_ylabel() for axes in figure.axes if axes.get_visible()]
        assert any(labels), name


def test_model_figures_show_that_model_alone(five):
    entry, other = models(five)[:2]
    figures = model_figures(five, entry)
    assert set(figures) == {
        "confusion_matrix",
        "per_patient_recall",
        "accuracy_plot",
        "risk_coverage",
        "calibration_change",
        "probability_distribution",
    }
    for figure in figures.values():
        assert entry.model in words(figure)
        assert other.model not in words(figure)


def test_empty_history_draws_no_training(make):
    results = make(("baseline",))
    results.histories["baseline"] = results.histories["baseline"].head(0)
    assert "accuracy_plot" not in run_figures(results)
    assert "accuracy_plot" not in model_figures(results, models(results)[0])


def test_target_recall_is_that_of_the_run(make):
    assert target_recall(make(("baseline",))) == defaults.TARGET_RECALL
    assert target_recall(make(("baseline",), run={"target_recall": 0.9})) == 0.9


@pytest.mark.usefixtures("no_figures")
def test_models_of_older_bundles_have_no_bands_to_draw(make):
    results = make(("baseline",), bands={}, calibrations={})
    assert set(draw(results).run) == NAMES - {"risk_coverage", "calibration_change"}


def test_the_change_by_calibration_shows_both_and_their_errors(drawn):
    said = words(drawn["calibration_change"])
    assert "as trained (ECE 0." in said
    assert "calibrated (ECE 0." in said


def test_figures_of_the_headline_model_are_drawn_once_for_both_places(pair, pictures):
    best = chosen(pair)[0].model
    assert pictures.run["risk_coverage"] is pictures.models[best]["risk_coverage"]
    assert pictures.run["confusion_matrix"] != pictures.models[best]["confusion_matrix"]  # of all, and of one


def test_another_prevalence_has_a_decision_curve_of_its_own_that_says_so(make):
    from cancernet.evaluation import evaluate
    from cancernet.evaluation.prevalence import Restating

    results = make(("baseline",), with_floor=False)
    rows = results.predictions["baseline"]
    thresholds = {"target_recall": 0.3}
    moved = evaluate(
        rows[rows["split"] == "test"], thresholds, model="baseline", restating=Restating(0.3, 0.05), samples=20
    )
    results.metrics[0] = moved
    figures = model_figures(results, models(results)[0])
    assert "prevalence of 5.0%" in words(figures["decision_curve_restated"])
    assert "RESTATED for a prevalence of 0.05" in words(figures["decision_curve_restated"])
    assert "prevalence of 5.0%" not in words(run_figures(results)["decision_curve"])
