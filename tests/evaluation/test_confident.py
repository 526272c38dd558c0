"""The surest errors: of each kind, in order, not all of one patient."""

from __future__ import annotations

import pandas as pd

from cancernet.evaluation.confident import FALSE_ALARM, MISSED, confident_errors


def table(*rows: tuple[str, int, float]) -> pd.DataFrame:
    made = pd.DataFrame(rows, columns=["patient", "label", "probability"])
    return made.assign(path=[f"{i}.png" for i in range(len(made))])


def test_each_kind_is_ordered_from_the_surest() -> None:
    rows = table(("A", 1, 0.2), ("B", 1, 0.1), ("C", 0, 0.7), ("D", 0, 0.9), ("E", 1, 0.8), ("F", 0, 0.3))
    found = confident_errors(rows, 0.5, n=6, per_patient=2)
    assert found["kind"].tolist() == [MISSED, MISSED, FALSE_ALARM, FALSE_ALARM]
    assert found["patient"].tolist() == ["B", "A", "D", "C"]


def test_a_probability_at_the_threshold_is_a_malignant_call() -> None:
    found = confident_errors(table(("A", 1, 0.5), ("B", 0, 0.5)), 0.5, n=6, per_patient=2)
    assert found["kind"].tolist() == [FALSE_ALARM]


def test_no_patient_has_more_than_its_share_and_no_kind_more_than_asked() -> None:
    rows = table(*[("A", 1, i / 100) for i in range(9)], *[(f"P{i}", 1, 0.3) for i in range(9)])
    found = confident_errors(rows, 0.5, n=6, per_patient=2)
    assert len(found) == 6
    assert found["patient"].value_counts()["A"] == 2


def test_unknown_patients_are_not_one_patient() -> None:
    found = confident_errors(table(*[("", 1, 0.1)] * 5), 0.5, n=6, per_patient=2)
    assert len(found) == 5


def test_no_error_is_an_empty_table() -> None:
    assert confident_errors(table(("A", 1, 0.9)), 0.5, n=6, per_patient=2).empty
