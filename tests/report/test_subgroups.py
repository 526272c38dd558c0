"""Groups in a report: what is too few says so, gaps stand beside chance, and a CSV has all numbers."""

import dataclasses
import json

import pandas as pd
import pytest

from cancernet.common.output import Output
from cancernet.evaluation.results import models
from cancernet.evaluation.subgroups import subgroups
from cancernet.report.figures import model_figures
from cancernet.report.folder import write_results
from cancernet.report.html import render
from cancernet.report.subgroups import TOO_FEW, by_group, rows, subgroup_figure


@pytest.fixture(scope="module")
def grouped(make):
    """A model measured by two columns; in one, a group has too few patients."""
    results = make(("baseline",), with_floor=False, patients=75, patches=12)
    tested = results.predictions["baseline"].query("split == 'test'")
    patients = sorted(tested["patient"].unique())
    table = pd.DataFrame(
        {
            "site": ["<b>A</b>" if i % 2 else "B" for i in range(len(patients))],
            "grade": ["1" if i < 4 else "" if i < 6 else "23"[i % 2] for i in range(len(patients))],
        },
        index=patients,
    )
    results.metrics[0]["splits"]["test"]["subgroups"] = subgroups(tested, table, 0.4, samples=30, deals=20)
    return results


@pytest.fixture(scope="module")
def found(grouped):
    return grouped.metrics[0]["splits"]["test"]["subgroups"]


def test_a_group_with_too_few_patients_has_no_number(found):
    site, grade = by_group(found)
    assert (site["column"], grade["column"]) == ("site", "grade")
    one = next(row for row in grade["groups"] if row["name"] == "1")
    assert one["too_few"]
    assert {value for value, _ in one["cells"]} == {"n/a"}
    assert not any(row["too_few"] for row in site["groups"])
    assert grade["without"]["n_patients"] == 2


def test_a_gap_names_both_ends_and_chance(found):
    [site, grade] = by_group(found)
    assert {row["between"] for row in site["gaps"]} <= {"<b>A</b> over B", "B over <b>A</b>"}
    assert all(row["by_chance"].endswith("%") for row in site["gaps"])
    assert grade["gaps"] == []  # two groups of nine or ten patients: see the fixture


def test_a_table_for_other_programs_has_every_number_once(found):
    table = rows(found)
    assert not table.duplicated(["column", "group", "metric", "note"]).any()
    auc = table.query("column == 'site' and group == 'B' and metric == 'auc'").iloc[0]
    stored = next(each for each in found["site"]["groups"] if each["group"] == "B")
    assert auc["value"] == stored["metrics"]["auc"]["value"]
    assert auc["n_patients"] == stored["n_patients"]
    few = table[table["note"].fillna("").str.startswith(TOO_FEW)]
    assert "1" in set(few["group"])
    assert few["value"].isna().all()


@pytest.mark.usefixtures("undrawn")
def test_results_that_were_not_grouped_show_no_group(single):
    assert by_group(None) == []
    assert "By group of patients" not in render(single)


@pytest.mark.usefixtures("undrawn")
def test_page_json_and_csv_hold_the_groups_and_names_stay_text(grouped, tmp_path):
    with Output(tmp_path / "out", "run") as out:
        write_results(out, grouped)
        page = (out.folder / "report.html").read_text()
        assert "By group of patients: site" in page
        assert "too few: fewer than 10 patients" in page
        assert "<b>A" not in page
        for place in (out.folder, out.folder / "baseline"):
            stored = json.loads((place / "metrics.json").read_text())["splits"]["test"]["subgroups"]
            assert set(stored) == {"site", "grade"}
            assert "site" in set(pd.read_csv(place / "subgroups.csv")["column"])
        plain = json.loads(json.dumps(grouped.metrics))
        del plain[0]["splits"]["test"]["subgroups"]
        write_results(out, dataclasses.replace(grouped, metrics=plain))
        assert not (out.folder / "subgroups.csv").exists()


def test_the_figure_says_where_there_are_too_few(grouped):
    figure = model_figures(grouped, models(grouped)[0])["subgroups"]
    figure.draw_without_rendering()
    words = " ".join(text.get_text() for text in figure.findobj(lambda item: hasattr(item, "get_text")))
    assert TOO_FEW in words
    assert "<b>A</b> (n = 12)" in words


def test_a_name_of_any_length_leaves_room_for_the_numbers(found):
    long = {"site": {**found["site"], "groups": [{**group, "group": "x" * 500} for group in found["site"]["groups"]]}}
    figure = subgroup_figure(long, model="m", caption="n")
    figure.draw_without_rendering()
    assert max(len(label.get_text()) for label in figure.axes[0].get_yticklabels()) < 50
