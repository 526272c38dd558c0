"""Labels to look at again, on the page, in metrics.json and in a CSV."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from cancernet.common.output import Output
from cancernet.evaluation.doubtful import if_wrong
from cancernet.evaluation.results import Doubts
from cancernet.report.doubts import ROWS, doubtful_labels, doubts
from cancernet.report.folder import write_results
from cancernet.report.html import render


@pytest.fixture(scope="module")
def results(make):
    made = make(("baseline",), with_floor=False)
    tested = made.predictions["baseline"].query("split == 'test'").reset_index(drop=True)
    doubtful = tested.index < ROWS + 5
    listed = tested[doubtful].assign(alone=0.01, neighbours="in place", n_neighbours=8, n_otherwise=7)
    found = Doubts(
        model="baseline",
        table=listed[["path", "patient", "x", "y", "label", "alone", "neighbours", "n_neighbours", "n_otherwise"]],
        images=np.full((7, 50, 50, 3), 200, "uint8"),
        n_patches=len(tested),
        n_contradicted=60,
        metrics=if_wrong(tested, doubtful, 0.4, samples=20),
    )
    return dataclasses.replace(made, doubts=found)


@pytest.mark.usefixtures("undrawn")
def test_a_page_lists_the_first_and_says_what_the_numbers_are_not(results):
    page = render(results)
    assert "Labels to look at again" in page
    assert "is no result" in page
    assert f"The first {ROWS}; all are in doubtful_labels.csv" in page
    assert "7 of 8 in place" in page


@pytest.mark.usefixtures("undrawn")
def test_results_without_them_say_nothing(single):
    assert doubts(None) is None
    assert "Labels to look at again" not in render(single)


@pytest.mark.usefixtures("undrawn")
def test_a_page_says_where_none_was_found(results):
    none = dataclasses.replace(results.doubts, table=results.doubts.table.head(0), images=results.doubts.images[:0])
    page = render(dataclasses.replace(results, doubts=none))
    assert "None of these is contradicted by its neighbours too" in page
    assert "If all of these labels were wrong" not in page


@pytest.mark.usefixtures("undrawn")
def test_all_of_them_are_in_a_table_and_the_counts_in_json(results, tmp_path):
    with Output(tmp_path / "out", "run") as out:
        write_results(out, results)
        assert len(pd.read_csv(out.folder / "doubtful_labels.csv")) == ROWS + 5
        stored = json.loads((out.folder / "metrics.json").read_text())["doubtful_labels"]
        assert (stored["n"], stored["n_contradicted"]) == (ROWS + 5, 60)
        assert set(stored["metrics"]["auc"]) == {"as_is", "if_wrong"}
        write_results(out, dataclasses.replace(results, doubts=None))
        assert not (out.folder / "doubtful_labels.csv").exists()


def test_the_figure_shows_each_with_its_label_and_probability(results):
    made = doubtful_labels(results.doubts, caption="n = 1", warning="SYNTHETIC")
    made.draw_without_rendering()
    words = " ".join(text.get_text() for text in made.findobj(lambda item: hasattr(item, "get_text")))
    assert "p = 0.010, 7 of 8 otherwise" in words
    assert "7. labelled" in words
    assert "SYNTHETIC" in words
