"""The picture of one explanation says all that is needed to read it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cancernet.explanation.draw import Explanation, Neighbour, draw_explanation
from cancernet.report.style import picture

PATCH = np.random.default_rng(0).integers(0, 256, (50, 50, 3), dtype=np.uint8)
NEAR = [Neighbour(f"P{i}/1/p{i}.png", f"P{i}", i % 2, f"h{i}", 0.9 - i / 10) for i in range(5)]
SHOWN = Explanation(
    *("a/$x$.png", "P1", PATCH, 0.4, np.full((7, 7), -0.4, "float32")),
    decision=1,
    hash="h0",
    known="train",
    neighbours=NEAR,
)


def words(shown: Explanation, **options: Any) -> str:
    made = draw_explanation(shown, **{"model": "m", "threshold": 0.1, "span": 2.0, **options})
    picture(made)
    return " ".join(text.get_text() for text in made.findobj(lambda item: hasattr(item, "get_text")))


def test_it_says_call_probability_threshold_model_and_grid() -> None:
    said = words(SHOWN)
    for part in (
        "malignant: probability of malignant 0.400, threshold 0.100",
        "$x$.png",
        "7 x 7 cells",
        "mean -0.40",
        "log odds",
    ):
        assert part in said
    assert "benign: probability" in words(replace(SHOWN, decision=0))
    assert "bare glass" in words(replace(SHOWN, decision=-1, reason="bare glass"))


def test_a_patient_who_taught_the_model_is_named_as_such() -> None:
    assert "who taught this model" in words(SHOWN)
    assert "who taught" not in words(replace(SHOWN, known="test"))


def test_neighbours_are_lines_without_pictures_and_pictures_with() -> None:
    said = words(SHOWN)
    assert "P3/1/p3.png" in said
    assert "this patch" in said  # the first has the same pixels
    near = [replace(NEAR[0], image=PATCH), *NEAR[1:]]
    said = words(replace(SHOWN, neighbours=near))
    assert "patient P3" in said
    assert said.count("not in\nthe data") == 4


def test_without_neighbours_there_is_no_row_for_them() -> None:
    assert "Training patches" not in words(replace(SHOWN, neighbours=[]))


@pytest.mark.parametrize("warning", ["", "SYNTHETIC, NOT EVIDENCE"])
def test_a_warning_is_on_the_picture(warning: str) -> None:
    assert ("SYNTHETIC" in words(SHOWN, warning=warning)) == bool(warning)


def test_a_long_name_is_cut_at_its_front() -> None:
    said = words(replace(SHOWN, name="x" * 200 + "/last.png"))
    assert "last.png" in said
    assert "x" * 100 not in said
