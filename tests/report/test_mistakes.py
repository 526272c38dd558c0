from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cancernet.evaluation.results import Mistakes
from cancernet.report.figures import draw
from cancernet.report.html import render
from cancernet.report.mistakes import confident_errors
from cancernet.report.style import picture

TABLE = pd.DataFrame(
    {
        "path": ["P1/1/a.png", "P2/0/<b>.png", "P3/0/c.png"],
        "patient": ["P1", "P2", ""],
        "label": [1, 0, 0],
        "probability": [0.01, 0.98, 0.9],
        "kind": ["missed", "false alarm", "false alarm"],
    }
)
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 50, 50, 3), dtype=np.uint8)
MISTAKES = Mistakes("baseline", 0.3, TABLE, IMAGES, np.random.default_rng(1).normal(0, 3, (3, 7, 7)))


def words(mistakes, warning=""):
    made = confident_errors(mistakes, caption="n = 3 patches", warning=warning)
    picture(made)
    return " ".join(text.get_text() for text in made.findobj(lambda item: hasattr(item, "get_text")))


def test_it_names_each_patch_its_patient_and_probability():
    said = words(MISTAKES)
    for part in ("1. patient P1", "p = 0.010", "2. patient P2", "p = 0.980", "n = 3", "baseline", "log odds"):
        assert part in said
    assert "Malignant, called benign" in said
    assert "Benign, called malignant" in said


def test_one_kind_alone_is_one_row():
    said = words(replace(MISTAKES, table=TABLE[:1], images=IMAGES[:1], evidence=MISTAKES.evidence[:1]))
    assert "Benign, called malignant" not in said


def test_a_model_that_cannot_explain_still_shows_the_patches():
    said = words(replace(MISTAKES, evidence=None))
    assert "p = 0.010" in said
    assert "log odds" not in said


def test_synthetic_patches_are_marked():
    assert "SYNTHETIC" in words(MISTAKES, "SYNTHETIC, NOT EVIDENCE")


@pytest.mark.usefixtures("no_figures")
@pytest.mark.parametrize("there", [True, False])
def test_the_report_has_the_section_where_there_are_errors(make, there):
    results = make(("baseline",), mistakes=MISTAKES if there else None)
    pictures = draw(results)
    assert ("confident_errors" in pictures.run) == there
    html = render(results, pictures)
    assert ("Most confident errors" in html) == there
    assert ("P2/0/&lt;b&gt;.png" in html) == there
    assert "<b>.png" not in html
