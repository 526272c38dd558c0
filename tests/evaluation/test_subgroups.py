"""Groups are of patients, each measured by itself, and a gap is told from chance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from cancernet.evaluation.bootstrap import patient_bootstrap
from cancernet.evaluation.subgroups import LEAST_PATIENTS, subgroups

SITES = ("north", "south", "east")


def sites(patients: int, *, few: int = 0) -> pd.DataFrame:
    """Patients dealt to three sites in turn; the first `few` of them to a site of their own."""
    names = ["small" if p < few else SITES[p % 3] for p in range(patients)]
    return pd.DataFrame({"site": names}, index=[f"test{p}" for p in range(patients)])


def group(found: dict, name: str) -> dict:
    return next(each for each in found["groups"] if each["group"] == name)


def test_a_group_is_measured_as_its_patients_alone_would_be(make_predictions: Callable[..., pd.DataFrame]) -> None:
    rows, table = make_predictions(patients=45, patches=20), sites(45)
    found = subgroups(rows, table, 0.4, samples=100, deals=20)["site"]
    own = rows[rows["patient"].map(table["site"]) == "east"]  # first by name: drawn by the seed itself
    alone = patient_bootstrap(own, {"at": 0.4}, samples=100)
    east = group(found, "east")
    assert (east["n_patients"], east["n_patches"], east["n_malignant"]) == (15, 300, int(own["label"].sum()))
    assert east["metrics"]["auc"] == alone["auc"].to_dict()
    assert east["metrics"]["recall"] == alone["recall@at"].to_dict()
    assert [each["group"] for each in found["groups"]] == ["east", "north", "south"]


def test_groups_of_too_few_patients_are_counted_and_not_measured(make_predictions: Callable[..., pd.DataFrame]) -> None:
    rows = make_predictions(patients=45, patches=10)
    found = subgroups(rows, sites(45, few=LEAST_PATIENTS - 1), 0.4, samples=20, deals=10)["site"]
    small = group(found, "small")
    assert small["too_few"]
    assert small["metrics"] == {}
    assert small["n_patients"] == LEAST_PATIENTS - 1
    assert "small" not in {end for gap in found["gaps"].values() for end in (gap["highest"], gap["lowest"])}
    assert found["least_patients"] == LEAST_PATIENTS


def test_one_group_with_enough_patients_has_no_gap(make_predictions: Callable[..., pd.DataFrame]) -> None:
    table = pd.DataFrame({"site": ["a"] * 12 + ["b"] * 3}, index=[f"test{p}" for p in range(15)])
    assert subgroups(make_predictions(patients=15), table, 0.4, samples=10)["site"]["gaps"] == {}


def test_a_real_gap_is_found_between_the_right_groups(make_predictions: Callable[..., pd.DataFrame]) -> None:
    rows = make_predictions(patients=60, patches=40, signal=2.0)
    hard = rows["patient"].map(sites(60)["site"]) == "south"
    spoiled = rows.assign(probability=np.where(hard, 1 - rows["probability"], rows["probability"]))
    gap = subgroups(spoiled, sites(60), 0.5, samples=200, deals=100)["site"]["gaps"]["auc"]
    assert gap["lowest"] == "south"
    assert gap["low"] > 0.3
    assert gap["by_chance"] == pytest.approx(1 / 101)


def test_a_gap_of_alike_groups_is_no_more_than_chance(make_predictions: Callable[..., pd.DataFrame]) -> None:
    shares = [
        subgroups(make_predictions(patients=45, patches=20, patient_spread=1.0, seed=seed), sites(45), 0.4,
                  samples=10, deals=60)["site"]["gaps"]["recall"]["by_chance"]
        for seed in range(12)
    ]  # fmt: skip
    assert np.mean(np.array(shares) < 0.1) < 0.4  # a tenth, but for luck
    assert np.mean(shares) > 0.3  # a half, but for luck


def test_patients_in_no_group_are_counted(make_predictions: Callable[..., pd.DataFrame]) -> None:
    rows = make_predictions(patients=36, patches=10)
    rows.loc[rows["patient"] == "test35", "patient"] = ""
    table = sites(34)
    table.loc["test0", "site"] = ""
    found = subgroups(rows, table, 0.4, samples=10, deals=5)["site"]
    assert found["without"] == {"n_patients": 2, "n_patches": 30}
    assert sum(each["n_patches"] for each in found["groups"]) == 330


def test_a_metric_that_a_group_cannot_have_is_in_no_gap(make_predictions: Callable[..., pd.DataFrame]) -> None:
    rows, table = make_predictions(patients=45, patches=10), sites(45)
    south = rows["patient"].map(table["site"]) == "south"
    found = subgroups(rows.assign(label=np.where(south, 0, rows["label"])), table, 0.4, samples=10, deals=5)["site"]
    assert group(found, "south")["metrics"]["recall"]["value"] is None
    assert "south" not in (found["gaps"]["recall"]["highest"], found["gaps"]["recall"]["lowest"])
    assert {found["gaps"]["specificity"][end] for end in ("highest", "lowest")} <= set(SITES)
