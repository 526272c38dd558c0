"""Answers: a rule that is the threshold's, a band in which there is none, and never benign for what is no number."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from scipy.special import logit as scipy_logit

from cancernet.model.decide import BENIGN, MALIGNANT, UNSURE, decide, distance_to, logit, sigmoid, words

inside = st.floats(1e-6, 1 - 1e-6)


@given(st.lists(inside, min_size=1, max_size=20))
def test_log_odds_equal_scipys(probability: list[float]) -> None:
    np.testing.assert_allclose(logit(probability), scipy_logit(probability), atol=1e-9)


@given(st.lists(st.floats(-800, 800), min_size=1, max_size=20))
def test_probabilities_of_log_odds_equal_scipys_and_overflow_nowhere(odds: list[float]) -> None:
    with np.errstate(all="raise", under="ignore"):
        found = sigmoid(odds)
    np.testing.assert_allclose(found, expit(odds), atol=1e-15)


def test_certainty_stays_finite() -> None:
    assert logit([0.0, 1.0]) == pytest.approx([-16.118, 16.118], abs=1e-3)
    assert distance_to([0.0, 1.0], 0.5) == pytest.approx([16.1, 16.1], abs=0.1)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), inside)
def test_without_a_band_the_threshold_alone_decides(probability: list[float], threshold: float) -> None:
    made = decide([*probability, threshold], threshold)
    assert made.dtype == np.int8
    np.testing.assert_array_equal(made[:-1], np.array(probability) >= threshold)
    assert made[-1] == MALIGNANT


@given(st.lists(inside, min_size=1, max_size=20), inside, st.floats(0, 5))
def test_unsure_are_those_nearer_than_the_width_and_the_others_keep_their_answer(
    probability: list[float], threshold: float, width: float
) -> None:
    made = decide(probability, threshold, width=width)
    near = distance_to(probability, threshold) < width
    np.testing.assert_array_equal(made == UNSURE, near)
    np.testing.assert_array_equal(made[~near], (np.array(probability) >= threshold)[~near])


@pytest.mark.parametrize("width", [0.0, 0.5])
def test_what_is_no_number_is_unsure_and_never_benign(width: float) -> None:
    assert decide([np.nan, 0.1, 0.9], 0.5, width=width).tolist() == [UNSURE, BENIGN, MALIGNANT]
    assert int(decide(np.nan, 0.5)) == UNSURE


def test_each_probability_can_have_a_threshold_of_its_own() -> None:
    assert decide([[0.4, 0.4]], [[0.3, 0.5]]).tolist() == [[1, 0]]


def test_decisions_are_words() -> None:
    assert words(np.array([1, 0, -1], "int8")) == ["malignant", "benign", "unsure"]


def test_deciding_loads_nothing_but_numpy() -> None:
    code = (
        "import sys, cancernet.model.decide; "
        "print(sorted({'pandas', 'sklearn', 'scipy', 'keras', 'cv2', 'onnxruntime'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
