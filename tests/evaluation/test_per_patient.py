from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics as oracle

from cancernet.evaluation.per_patient import COLUMNS, per_patient, worst


def frame(rows: list[tuple[str, int, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["patient", "label", "probability"])


def test_each_patient_is_scored_on_its_own_patches(make_predictions):
    rows = make_predictions(patients=12, patient_spread=0.5)
    table = per_patient(rows, 0.4).set_index("patient")
    for patient, own in rows.groupby("patient"):
        called = own["probability"] >= 0.4
        assert table.loc[patient, "n_patches"] == len(own)
        assert table.loc[patient, "n_malignant"] == own["label"].sum()
        assert table.loc[patient, "recall"] == pytest.approx(oracle.recall_score(own["label"], called))
        specificity = oracle.recall_score(own["label"], called, pos_label=0)
        assert table.loc[patient, "specificity"] == pytest.approx(specificity)
        auc = oracle.roc_auc_score(own["label"], own["probability"])
        assert table.loc[patient, "auc"] == pytest.approx(auc)


def test_a_patient_without_a_class_has_nan_there():
    table = per_patient(frame([("a", 0, 0.1), ("a", 0, 0.9), ("b", 1, 0.9)]), 0.5).set_index("patient")
    assert np.isnan(table.loc["a", "recall"])
    assert table.loc["a", "specificity"] == 0.5
    assert table.loc["b", "recall"] == 1
    assert np.isnan(table.loc["b", "specificity"])
    assert table["auc"].isna().all()


def test_unknown_patients_are_left_out():
    table = per_patient(frame([("", 1, 0.9), ("a", 1, 0.9)]).assign(patient=["", "a"]), 0.5)
    assert table["patient"].tolist() == ["a"]
    assert per_patient(frame([("", 1, 0.9)]), 0.5).columns.tolist() == COLUMNS


def test_the_table_is_sorted_by_name_whatever_the_rows(make_predictions):
    rows = make_predictions(patients=12)
    expected = per_patient(rows, 0.5)
    assert expected["patient"].tolist() == sorted(rows["patient"].unique())
    pd.testing.assert_frame_equal(per_patient(rows.sample(frac=1, random_state=0), 0.5), expected)


def test_counts_add_up_to_the_whole(make_predictions):
    rows = make_predictions(patients=9)
    table = per_patient(rows, 0.5)
    assert table["n_patches"].sum() == len(rows)
    found = (table["recall"] * table["n_malignant"]).sum()
    assert found == pytest.approx(((rows["probability"] >= 0.5) & (rows["label"] == 1)).sum())


def test_the_worst_have_lowest_recall_then_most_malignant_patches():
    rows = [("a", 1, 0.1), ("b", 1, 0.1), ("b", 1, 0.1), ("c", 1, 0.9), ("d", 0, 0.9)]
    named = worst(per_patient(frame(rows), 0.5), 3)
    assert named["patient"].tolist() == ["b", "a", "c"]
    assert worst(per_patient(frame(rows), 0.5), 1)["patient"].tolist() == ["b"]
