from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest

from cancernet.common.output import Output
from cancernet.model.manifest import Adaptation, Manifest
from cancernet.model.model import load_model
from cancernet.report.adapt_figure import adapt_figure
from cancernet.report.adapt_page import NAMES, console, write_adaptation

CHANGE = {"a": 0.9, "b": 0.95, "b_low": 0.91, "b_high": 0.98, "value": 0.05, "low": 0.01, "high": 0.09}


@pytest.fixture
def manifest() -> Manifest:
    made = Adaptation(
        parent="cancernet",
        parent_graph_sha256="0" * 64,
        made="2026-01-01T00:00:00+00:00",
        patients=7,
        with_tumour=6,
        patches=100,
        data_hash="d",
        scanner="<b>ours</b>",
        scale=1.0,
        offset=0.5,
        rule="a rule",
        provisional=True,
        told_on="patients in turn",
        change=dict.fromkeys(("recall", "specificity", "balanced_accuracy", "ece", "brier"), CHANGE)
        | {"auc": dict.fromkeys(CHANGE)},
        warnings=("it costs specificity",),
    )
    return msgspec.structs.replace(load_model().manifest, name="ours", adaptation=made)


@pytest.fixture
def shown() -> pd.DataFrame:
    draw = np.random.default_rng(0)
    among = draw.normal(size=60)
    return pd.DataFrame(
        {
            "patient": np.repeat(list("abcdef"), 10),
            "label": draw.integers(0, 2, 60),
            "among": among,
            "after": among + 0.5,
            "over": among,
        }
    )


def test_page_and_numbers_say_what_was_done_and_what_it_is_worth(
    manifest: Manifest, shown: pd.DataFrame, tmp_path: Path
) -> None:
    with Output(tmp_path / "ours", "adapt", names=NAMES) as out:
        page = write_adaptation(out, manifest, shown, 0.104, {"command": "cancernet adapt"}).read_text("utf-8")
    assert "ours, adapted from cancernet" in page
    assert "It costs specificity." in page
    assert "+0.050 (+0.010 to +0.090)" in page
    assert "&lt;b&gt;ours&lt;/b&gt;" in page
    assert "patients in turn" in page
    told = json.loads((tmp_path / "ours" / "adaptation.json").read_text("utf-8"))
    assert (told["threshold_before"], told["name"]) == (0.104, "ours")
    assert told["change"]["recall"]["b"] == 0.95


def test_the_console_has_a_line_a_metric_and_a_dash_for_what_is_not_known(manifest: Manifest) -> None:
    lines = console(manifest, 0.104).splitlines()
    assert lines[0].startswith("threshold 0.104 -> ")
    assert [line.split()[0] for line in lines[3:]] == [
        "Recall",
        "Specificity",
        "Balanced",
        "Calibration",
        "Brier",
        "AUC",
    ]
    assert lines[-1].split()[1:] == ["-", "-", "-", "(-", "to", "-)"]


def test_the_figure_shows_each_patient_before_and_after(shown: pd.DataFrame) -> None:
    made = adapt_figure(shown, 0.5, title="ours", caption="n = 60", warning="PROVISIONAL")
    truth, found, spared = made.axes
    assert len(truth.lines) == 3
    malignant = shown[shown["label"] == 1]
    by_patient = (malignant["among"] >= 0).groupby(malignant["patient"]).mean()
    assert sorted(found.lines[1].get_xdata()) == pytest.approx(sorted(by_patient))
    assert len(spared.lines[1].get_xdata()) == shown.loc[shown["label"] == 0, "patient"].nunique()
