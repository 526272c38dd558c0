"""All slides of a folder as one table: those that failed first, nothing guessed, nothing lost."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cancernet.common.errors import UserError
from cancernet.common.output import Output
from cancernet.slide import summary
from cancernet.slide.cohort import COLUMNS, cohort_rows, mapped_rows, write_cohort
from cancernet.slide.cohort_row import BETWEEN, UNFINISHED, UNREADABLE, Row

Make = Callable[..., Path]
REFUSAL = "stained or scanned unlike the patches that the model learned from (1.9 standard deviations, limit 1.5)"


def drawn(name: str, **changed: Any) -> dict[str, Any]:
    """A summary as a mapped slide has it, and more in it than the cohort takes."""
    return {
        **{"format": summary.FORMAT, "slide": f"{name}.svs", "path": f"/slides/{name}.svs", "patient": "P1"},
        **{"tissue_mm2": 20.0, "analysed_mm2": 19.0, "malignant_mm2": 4.75, "malignant_share": 0.25, "patches": 400},
        **{"patches_malignant": 100, "patches_benign": 280, "patches_unsure": 20, "mean_log_odds": -1.25},
        **{"stain_distance": 0.61, "stain_limit": 1.53, "refused": "", "synthetic": False, "warnings": ["a", "b"]},
        **{"mpp": {"x": 0.25, "y": 0.25, "from": "openslide.mpp-x"}, "seconds": {"read": 2.0, "whole": 3.5}},
        **{"model": {"name": "cancernet", "graph_sha256": "ab" * 32, "mpp": 4.0}, "settings": {"much": "more"}},
        **changed,
    }


@pytest.fixture
def make(output: Output) -> Make:
    """Give a slide its folder in `output`, with a summary or without."""

    def made(name: str, content: dict[str, Any] | str | None = None) -> Path:
        child = output.child(name, owner=f"/slides/{name}.svs")
        if isinstance(content, str):
            child.write_text(summary.NAME, content)
        elif content is not None:
            child.write_json(summary.NAME, content)
        return child.folder

    return made


def read(output: Output) -> list[dict[str, str]]:
    with (output.folder / "cohort.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_mapped_slide_has_what_its_summary_says(make: Make, output: Output) -> None:
    make("s", drawn("s"))
    assert mapped_rows(output.folder) == [
        Row(
            *("s.svs", "P1", "s", "mapped", "", 20.0, 19.0, 4.75, 0.25, 400, 100, 280, 20, 0.05, 0.61, 1.53, -1.25),
            *(0.25, "openslide.mpp-x", f"a{BETWEEN}b", 3.5, "cancernet", "ab" * 32, False, "/slides/s.svs"),
        )
    ]


def test_a_refused_slide_says_why_once_and_has_no_answer(make: Make, output: Output) -> None:
    none = {"malignant_mm2": None, "malignant_share": None, "mean_log_odds": None, "patches_unsure": 400}
    make("s", drawn("s", refused=REFUSAL, warnings=["a", f"REFUSED: {REFUSAL}. Nothing is called."], **none))
    [row] = mapped_rows(output.folder)
    assert (row.status, row.reason, row.warnings, row.unsure_share) == ("refused", REFUSAL, "a", 1.0)
    assert (row.malignant_mm2, row.malignant_share, row.mean_log_odds) == (None, None, None)


@pytest.mark.parametrize(
    "content",
    [
        *("{", "[]", '{"slide": "of another program"}'),
        *(json.dumps(drawn("s", format=1)), json.dumps(drawn("s", patches="many")), json.dumps(drawn("s", mpp=None))),
    ],
)
def test_a_summary_that_cannot_be_read_is_a_failure_and_not_left_out(make: Make, output: Output, content: str) -> None:
    make("s", content)
    [row] = mapped_rows(output.folder)
    assert (row.slide, row.status, row.reason, row.tissue_mm2) == ("s.svs", "failed", UNREADABLE, None)


def test_failures_come_first_then_refusals_then_names(make: Make, output: Output) -> None:
    for name, refused in (("b", ""), ("a", ""), ("z", REFUSAL)):
        make(name, drawn(name, refused=refused))
    write_cohort(output, mapped_rows(output.folder), [("in/y.svs", "damaged")], patients={"in/y.svs": "P9"})
    found = read(output)
    assert list(found[0]) == list(COLUMNS)
    assert [row["slide"] for row in found] == ["y.svs", "z.svs", "a.svs", "b.svs"]
    assert [found[0][name] for name in ("status", "reason", "patient", "path", "folder", "patches")] == [
        *("failed", "damaged", "P9", "in/y.svs", "", "")
    ]


def test_a_folder_gives_back_the_rows_that_were_written(make: Make, output: Output) -> None:
    """As a later run merges the folders of several."""
    make("a", drawn("a"))
    output.errors.append(("=1+1.svs", "damaged, and\nin two lines"))
    output.write_errors()
    rows = cohort_rows(output.folder)
    write_cohort(output, rows)
    assert [(row.slide, row.status, row.reason) for row in rows] == [
        *(("=1+1.svs", "failed", "damaged, and\nin two lines"), ("a.svs", "mapped", ""))
    ]
    first = read(output)
    assert first[0]["slide"] == "'=1+1.svs"  # no formula
    write_cohort(output, mapped_rows(output.folder), output.errors)
    assert read(output) == first


@pytest.mark.parametrize(
    ("failed", "told"),
    [("/slides/s.svs", 1), ("../slides/s.svs", 1), ("s.svs", 1), ("other/s.svs", 2), ("slides/x.svs", 2)],
)
def test_a_slide_that_was_begun_is_told_once(make: Make, output: Output, failed: str, told: int) -> None:
    make("s")
    write_cohort(output, mapped_rows(output.folder), [(failed, "damaged")])
    found = [row["reason"] for row in read(output)]
    assert sorted(found) == sorted(["damaged", UNFINISHED][:told])


def test_folders_of_others_are_no_slides(make: Make, output: Output) -> None:
    make("s", drawn("s"))
    (output.folder / "mine").mkdir()
    (output.folder / "mine" / summary.NAME).write_text(json.dumps(drawn("mine")))
    assert [row.slide for row in cohort_rows(output.folder)] == ["s.svs"]


def test_a_place_that_is_no_folder_and_a_list_that_is_none_are_one_line(output: Output) -> None:
    with pytest.raises(UserError, match="no such folder"):
        cohort_rows(output.folder / "none")
    (output.folder / "errors.csv").write_text("what,else\n1,2\n")
    with pytest.raises(UserError, match=r"cannot read .*errors\.csv"):
        cohort_rows(output.folder)


def test_parquet_is_written_where_asked_and_does_not_outlive_the_next_run(make: Make, output: Output) -> None:
    pytest.importorskip("pyarrow")
    make("s", drawn("s"))
    rows = mapped_rows(output.folder)
    write_cohort(output, rows, [("y.svs", "damaged")], tables=["parquet"])
    found = pd.read_parquet(output.folder / "cohort.parquet")
    assert tuple(found.columns) == COLUMNS
    assert found["patches"].tolist() == [pd.NA, 400]
    assert found["mean_log_odds"].isna().tolist() == [True, False]
    assert tuple(found.iloc[1]) == astuple(rows[0])
    write_cohort(output, rows)
    assert not (output.folder / "cohort.parquet").exists()


def test_the_page_of_earlier_versions_is_replaced_and_a_users_own_is_kept(make: Make, output: Output) -> None:
    make("s", drawn("s"))
    output.write_text("index.html", "ours")
    write_cohort(output, mapped_rows(output.folder))
    assert not (output.folder / "index.html").exists()
    (output.folder / "index.html").write_text("mine")
    write_cohort(output, mapped_rows(output.folder))
    assert (output.folder / "index.html").read_text() == "mine"
