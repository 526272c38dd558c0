"""Labels look wrong only where the model and the neighbours say so alike."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from cancernet.evaluation.doubtful import UNDECIDED, confident_class, contradicted, disagree, enough, if_wrong, in_place


def noisy(make_predictions: Callable[..., pd.DataFrame], *, flipped: int = 30, signal: float = 5.0) -> pd.DataFrame:
    """Predictions of a good model, with a column `wrong` that marks labels turned round."""
    rows = make_predictions(patients=10, patches=100, signal=signal)
    wrong = np.isin(np.arange(len(rows)), np.random.default_rng(5).choice(len(rows), flipped, replace=False))
    label = np.where(wrong, 1 - rows["label"], rows["label"])
    return rows.assign(label=label, alone=rows["probability"], wrong=wrong)


def test_confident_classes_are_what_cleanlab_finds(make_predictions: Callable[..., pd.DataFrame]) -> None:
    count = pytest.importorskip("cleanlab.count", reason="cleanlab is not installed")
    rows = noisy(make_predictions, signal=1.5)
    label, probability = rows["label"].to_numpy(), rows["alone"].to_numpy()
    both = np.column_stack([1 - probability, probability])
    joint, off_diagonal = count.compute_confident_joint(
        label, both, calibrate=False, return_indices_of_off_diagonals=True
    )
    sure = confident_class(label, probability)
    ours = [[int(((label == given) & (sure == said)).sum()) for said in (0, 1)] for given in (0, 1)]
    np.testing.assert_array_equal(ours, joint)
    np.testing.assert_array_equal(np.sort(np.flatnonzero(contradicted(rows))), np.sort(off_diagonal))


def test_labels_that_were_turned_round_are_contradicted(make_predictions: Callable[..., pd.DataFrame]) -> None:
    rows = noisy(make_predictions)
    found = contradicted(rows)
    assert found[rows["wrong"]].mean() > 0.5  # half lie below the average that it takes to be confident
    assert found[~rows["wrong"]].mean() < 0.02


def test_of_one_class_nothing_is_known_and_a_patch_that_cannot_be_judged_contradicts_nothing(
    make_predictions: Callable[..., pd.DataFrame],
) -> None:
    assert set(confident_class([1, 1], [0.1, 0.9])) == {UNDECIDED}
    rows = noisy(make_predictions)
    assert not contradicted(rows.assign(reason="no tissue")).any()


def grid(labels: list[list[int]]) -> pd.DataFrame:
    height, width = len(labels), len(labels[0])
    y, x = np.mgrid[:height, :width]
    return pd.DataFrame({"x": 1 + 50 * x.ravel(), "y": 1 + 50 * y.ravel(), "label": np.ravel(labels)})


def test_neighbours_in_place_are_the_eight_around_of_the_same_section() -> None:
    rows = grid([[0, 0, 1], [0, 1, 0], [0, 0, 0]])
    both = pd.concat([rows, rows.assign(label=1)], ignore_index=True)  # another section at the same places
    sections = ["a"] * 9 + ["b"] * 9
    asked = np.isin(np.arange(18), [0, 4, 8])
    assert in_place(both, sections, asked).tolist() == [[3, 1], [8, 7], [3, 1]]


def test_gaps_unknown_places_and_places_taken_twice_have_no_neighbours() -> None:
    rows = grid([[1, 0, 0], [0, 1, 0], [0, 0, 0]])
    asked = np.isin(np.arange(9), [4])
    assert in_place(rows.drop(index=[0, 1]), ["a"] * 7, asked[2:]).tolist() == [[6, 6]]
    assert in_place(rows, [""] * 9, asked).tolist() == [[0, 0]]
    assert in_place(rows.astype({"x": "Float64"}).assign(x=pd.NA), ["a"] * 9, asked).tolist() == [[0, 0]]
    twice = pd.concat([rows, rows.iloc[[1]]], ignore_index=True)
    assert in_place(twice, ["a"] * 10, np.append(asked, False)).tolist() == [[7, 6]]


@pytest.mark.parametrize(
    ("n", "otherwise", "contradict"),
    [(2, 2, False), (3, 3, True), (3, 2, False), (4, 3, True), (8, 6, True), (8, 5, False)],
)
def test_three_of_four_neighbours_have_to_disagree(n: int, otherwise: int, contradict: bool) -> None:
    counts = np.array([[n, otherwise]])
    assert disagree(counts).tolist() == [contradict]
    assert enough(counts).tolist() == [n >= 3]


def test_what_would_be_if_they_were_wrong_is_measured_on_turned_labels(
    make_predictions: Callable[..., pd.DataFrame],
) -> None:
    rows = noisy(make_predictions)
    found = if_wrong(rows, rows["wrong"], 0.5, samples=30)
    right = np.where(rows["wrong"], 1 - rows["label"], rows["label"])
    called = rows["probability"] >= 0.5
    assert found["recall"]["if_wrong"]["value"] == pytest.approx(called[right == 1].mean())
    assert found["recall"]["as_is"]["value"] == pytest.approx(called[rows["label"] == 1].mean())
    assert found["auc"]["if_wrong"]["value"] > found["auc"]["as_is"]["value"]
