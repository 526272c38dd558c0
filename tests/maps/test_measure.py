"""The numbers of a specimen are those of its calls, and what must be known of it is said."""

import numpy as np
import pandas as pd
import pytest

from cancernet.context.smooth import apply_context
from cancernet.maps.measure import caption, line, measure, scores, thresholds, warnings
from cancernet.maps.specimens import Specimen
from cancernet.model.judge import OTHER_STAIN, Stain

SOUND = Stain(0.3, 1.5, 9, "")


def specimen(labels, *, patient="P", width=50):
    """A row of cells, three high, so that each has neighbours."""
    n = len(labels)
    column, row = np.divmod(np.arange(n), 3)
    table = pd.DataFrame(
        {
            "path": [f"{k}.png" for k in range(n)],
            "x": column * 50 + 1,
            "y": row * 50 + 1,
            "label": labels,
            "width": width,
            "height": 50,
        }
    )
    rng = np.random.default_rng(0)
    return Specimen(patient, table, rng.integers(0, 256, (n, 50, 50, 3), dtype=np.uint8))


def test_areas_and_rates_are_those_of_the_calls(model):
    labels = [1, 1, 1, 0, 0, 0, 0, 0, 0]
    some = specimen(labels, width=25)
    probability = np.array([0.9, 0.9, 0.1, 0.9, 0.1, 0.1, 0.1, 0.1, 0.1])
    context = apply_context(model, some.table["x"], some.table["y"], probability)
    row = measure(some, probability, context, model, SOUND)
    cell = 25 * 50 * 16e-6  # mm2
    assert row["tissue_mm2"] == pytest.approx(9 * cell, abs=1e-4)
    assert row["labelled_malignant_mm2"] == pytest.approx(3 * cell, abs=1e-4)
    assert row["malignant_mm2"] == pytest.approx(context.malignant.sum() * cell, abs=1e-4)
    called = probability >= model.threshold
    assert row["recall_alone"] == pytest.approx(called[:3].mean(), abs=1e-3)
    assert row["specificity_alone"] == pytest.approx((~called[3:]).mean(), abs=1e-3)
    assert row["recall_context"] == pytest.approx(context.malignant[:3].mean(), abs=1e-3)
    assert row["complete"]


def test_without_labels_there_are_areas_and_no_rates(model):
    some = specimen([-1] * 9)
    probability = np.full(9, 0.9)
    row = measure(some, probability, apply_context(model, some.table["x"], some.table["y"], probability), model, SOUND)
    assert row["malignant_mm2"] == pytest.approx(9 * 0.04)
    assert row["n_malignant"] is None
    assert row["auc_context"] is None
    assert "AUC" not in line(row)


def test_a_specimen_of_one_class_has_no_auc(model):
    some = specimen([0] * 9)
    probability = np.full(9, 0.1)
    row = measure(some, probability, apply_context(model, some.table["x"], some.table["y"], probability), model, SOUND)
    assert row["auc_context"] is None
    assert row["recall_context"] is None
    assert row["specificity_context"] == 1
    assert "AUC –" in line(row)


def test_patients_that_taught_the_model_are_marked(model):
    trained = next(p for p, side in model.manifest.split.patients.items() if side == "train")
    row = {"patient": trained, "refused": "", "complete": True, "n_labelled": 9, "n_patches": 9}
    assert any("LEARNED FROM THIS PATIENT" in text for text in warnings(row, model))
    assert not any("THIS PATIENT" in text for text in warnings(row | {"patient": "new"}, model))


def test_patches_without_a_label_count_in_areas_and_in_no_rate(model):
    some = specimen([1, 0, -1] * 3)
    probability = np.array([0.9, 0.1, 0.9] * 3)
    row = measure(some, probability, apply_context(model, some.table["x"], some.table["y"], probability), model, SOUND)
    assert row["n_labelled"] == 6
    assert row["auc_alone"] == 1
    assert row["recall_alone"] == 1
    assert row["labelled_malignant_mm2"] == pytest.approx(3 * 0.04)
    assert row["tissue_mm2"] == pytest.approx(9 * 0.04)
    assert "ONLY 6 OF 9 PATCHES ARE LABELLED" in row["warnings"]


def test_patches_that_are_unsure_count_in_no_rate_and_are_said(model):
    some = specimen([1, 1, 1, 0, 0, 0, 0, 0, 0])
    probability = np.array([0.9, 0.9, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.9])
    reasons = np.array(["", "", "glass", "", "", "", "", "", "glass"])
    context = apply_context(model, some.table["x"], some.table["y"], probability, reasons=reasons)
    row = measure(some, probability, context, model, SOUND)
    assert (row["n_unsure"], row["n_malignant"]) == (2, 3)
    assert row["unsure_mm2"] == pytest.approx(2 * 0.04)
    assert row["tissue_mm2"] == pytest.approx(9 * 0.04)
    assert row["malignant_share"] == pytest.approx(context.malignant.sum() / 7, abs=1e-4)
    assert (row["auc_alone"], row["recall_alone"], row["specificity_alone"]) == (1, 1, 1)
    assert "9 patches, 2 of them unsure, malignant" in line(row)
    assert "2 of them unsure" in caption(row, model)


def test_of_a_foreign_stain_nothing_is_benign_or_malignant_and_it_says_so(model):
    some = specimen([1, 1, 1, 0, 0, 0, 0, 0, 0])
    probability, alarm = np.full(9, 0.9), OTHER_STAIN.format(3, 1.5)
    context = apply_context(model, some.table["x"], some.table["y"], probability, reasons=[alarm] * 9)
    row = measure(some, probability, context, model, Stain(3.0, 1.5, 9, alarm))
    assert (row["n_unsure"], row["malignant_mm2"], row["malignant_share"]) == (9, None, None)
    assert (row["recall_alone"], row["auc_context"]) == (None, None)
    assert row["warnings"][0].startswith("REFUSED: stained or scanned unlike")
    assert "malignant – of 0.4 mm2" in line(row)
    assert "REFUSED: stained or scanned unlike" in line(row)
    assert "malignant – of" in caption(row, model)


def test_the_threshold_is_said(model):
    assert f"malignant from {model.threshold:.3f} on" in thresholds(model)


def test_the_caption_counts_patches_and_areas(model):
    some = specimen([1] * 3 + [0] * 6)
    probability = np.linspace(0, 1, 9)
    row = measure(some, probability, apply_context(model, some.table["x"], some.table["y"], probability), model, SOUND)
    said = caption(row, model)
    assert "n = 9 patches" in said
    assert "labelled 0.1 mm²" in said
    assert scores(row) in said
    assert "no interval" in said
