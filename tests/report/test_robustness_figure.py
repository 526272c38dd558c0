"""The figure has a panel a corruption and shows what was measured."""

from __future__ import annotations

import io

import numpy as np
import pytest

from cancernet.evaluation.corruptions import CORRUPTIONS
from cancernet.report.robustness_figure import robustness_figure


def measured(names: tuple[str, ...] = tuple(CORRUPTIONS), *, undefined: bool = False) -> dict:
    def level(severity: int) -> dict:
        def entry(clean: float) -> dict:
            change = -0.04 * severity
            numbers = {"clean": clean, "corrupted": clean + change, "change": change}
            numbers |= {"low": change - 0.02, "high": change + 0.03}
            return dict.fromkeys(numbers) if undefined else numbers

        return {"severity": severity, "level": 0.1 * severity}| {
            "auc": entry(0.95), "recall": entry(0.9), "specificity": entry(0.8)
        }  # fmt: skip

    clean = (
        dict.fromkeys(("auc", "recall", "specificity"))
        if undefined
        else {"auc": 0.95, "recall": 0.9, "specificity": 0.8}
    )
    kind = {"unit": "px", "says": "dirt", "source": "2019", "levels": [level(s) for s in (1, 2, 3, 4, 5)]}
    return {"threshold": 0.3, "clean": clean, "corruptions": dict.fromkeys(names, kind)}


def test_each_corruption_has_its_panel_with_three_lines_from_clean_to_severity_five() -> None:
    made = robustness_figure(measured(), caption="n = 9")
    panels = [axes for axes in made.axes if axes.get_visible()]
    assert [axes.get_title(loc="left") for axes in panels] == list(CORRUPTIONS)
    for axes in panels:
        lines = [line for line in axes.get_lines() if line.get_label() in ("AUC", "recall", "specificity")]
        assert len(lines) == 3
        recall = lines[1]
        np.testing.assert_allclose(recall.get_ydata(), [0.9, 0.86, 0.82, 0.78, 0.74, 0.70])
        np.testing.assert_allclose(np.round(recall.get_xdata()), range(6))


def test_the_intervals_are_those_of_the_change() -> None:
    axes = robustness_figure(measured(("dust",)), caption="").axes[0]
    bars = axes.collections[0].get_segments()  # of the AUC
    np.testing.assert_allclose(bars[0][:, 1], [0.95 - 0.06, 0.95 - 0.01])


def test_the_measures_are_told_apart_without_colour() -> None:
    axes = robustness_figure(measured(("dust",)), caption="").axes[0]
    lines = [line for line in axes.get_lines() if line.get_label() in ("AUC", "recall", "specificity")]
    assert len({line.get_marker() for line in lines}) == 3


def test_the_caption_the_threshold_and_a_warning_are_printed() -> None:
    made = robustness_figure(measured(), caption="n = 9", warning="SYNTHETIC")
    words = " ".join(text.get_text() for text in [*made.texts, made._supxlabel])
    assert "n = 9" in words
    assert "SYNTHETIC" in words
    assert "threshold 0.3" in " ".join(words.split())


@pytest.mark.parametrize("count", [1, 4, 6, 10])
def test_any_number_of_corruptions_is_drawn(count: int) -> None:
    made = robustness_figure(measured(tuple(CORRUPTIONS)[:count]), caption="")
    assert sum(axes.get_visible() for axes in made.axes) == count


def test_what_is_undefined_is_left_out_without_a_crash() -> None:
    made = robustness_figure(measured(("dust",), undefined=True), caption="")
    made.savefig(io.BytesIO(), format="png")
