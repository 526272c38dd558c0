"""Answers: a rule that is the threshold's, and a band in which there is none."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logit as scipy_logit

from cancernet.model.decide import UNSURE, apply_selective, distance_to, logit

inside = st.floats(1e-6, 1 - 1e-6)


@given(st.lists(inside, min_size=1, max_size=20))
def test_log_odds_equal_scipys(probability: list[float]) -> None:
    np.testing.assert_allclose(logit(probability), scipy_logit(probability), atol=1e-9)


def test_certainty_stays_finite() -> None:
    assert np.isfinite(logit([0.0, 1.0])).all()
    assert distance_to([0.0, 1.0], 0.5) == pytest.approx([16.1, 16.1], abs=0.1)


@given(st.lists(inside, min_size=1, max_size=20), inside)
def test_without_a_band_the_threshold_alone_decides(probability: list[float], threshold: float) -> None:
    answer = apply_selective({"threshold": threshold, "width": 0.0}, probability)
    np.testing.assert_array_equal(answer, np.array(probability) >= threshold)


@given(st.lists(inside, min_size=1, max_size=20), inside, st.floats(0, 5))
def test_unsure_are_those_nearer_than_the_width_and_the_others_keep_their_answer(
    probability: list[float], threshold: float, width: float
) -> None:
    answer = apply_selective({"threshold": threshold, "width": width}, probability)
    near = distance_to(probability, threshold) < width
    np.testing.assert_array_equal(answer == UNSURE, near)
    np.testing.assert_array_equal(answer[~near], (np.array(probability) >= threshold)[~near])


def test_predicting_loads_neither_pandas_nor_scikit_learn() -> None:
    code = (
        "import sys, cancernet.prediction.paths; "
        "print(sorted({'pandas', 'sklearn', 'scipy', 'keras'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
