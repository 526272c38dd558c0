"""One page for all slides: it opens from a folder, names are text and nothing else, and it says what is compared."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

from cancernet.common.output import Output
from cancernet.slide.cohort_page import DRAWN, FIELDS, LISTED, write_page
from cancernet.slide.cohort_row import BETWEEN, FAILED, MAPPED, Row

Write = Callable[[list[Row]], str]
NASTY = "</script><script>alert(1)</script>"


@pytest.fixture
def write(output: Output) -> Write:
    def made(rows: list[Row]) -> str:
        write_page(output, "cohort.html", rows, table="cohort.csv")
        return (output.folder / "cohort.html").read_text("utf-8")

    return made


def row(number: int = 0, **changed: Any) -> Row:
    said = {"mean_log_odds": number % 7 / 7, "malignant_share": 0.2 + number % 5 / 50, "stain_distance": 0.5}
    return Row(
        **{"slide": f"{number}.svs", "folder": f"{number}", "status": MAPPED, "graph_sha256": "a", **said, **changed}
    )


def data(page: str) -> dict[str, Any]:
    [found] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(found)


class Seen(HTMLParser):
    """What a browser would load or run."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.handlers: list[str] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [value or "" for name, value in attrs if name in ("src", "href", "srcset")]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


def test_the_script_is_told_every_row_as_it_is(write: Write) -> None:
    rows = [row(1, reason="why"), row(2, patches=7), Row("lost.svs", status=FAILED)]
    found = data(write(rows))
    assert found["fields"] == list(FIELDS)
    assert found["rows"] == [[getattr(each, name) for name in FIELDS] for each in rows]


def test_a_warning_of_many_slides_stands_there_once(write: Write) -> None:
    found = data(write([row(1, warnings=f"a{BETWEEN}b"), row(2, warnings="b"), row(3)]))
    assert (found["warnings"], found["told"]) == (["a", "b"], [[0, 1], [1], []])


@pytest.mark.parametrize("name", ["slide", "patient", "reason", "warnings", "path", "model", "mpp_from"])
def test_names_are_text_and_nothing_else(write: Write, name: str) -> None:
    plain, page = write([row(1)]), write([row(1, **{name: NASTY})])
    assert NASTY not in page
    assert Seen(page).tags == Seen(plain).tags
    assert NASTY in json.dumps(data(page))


def test_a_name_in_the_list_of_those_that_stand_out_is_escaped(write: Write) -> None:
    page = write([*map(row, range(30)), row(99, slide=NASTY, mean_log_odds=50.0)])
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in page
    assert NASTY not in page


def test_the_page_loads_nothing_but_what_lies_beside_it(write: Write) -> None:
    seen = Seen(write([*map(row, range(30)), row(99, mean_log_odds=50.0)]))
    assert set(seen.loads) == {"cohort.csv"}
    assert seen.handlers == []


def test_the_head_counts_what_failed_and_was_refused(write: Write) -> None:
    rows = [Row("a"), Row("b"), row(1, status="refused"), row(2)]
    told, sound = (re.findall(r'<p class="sub">.*', write(each))[0] for each in (rows, [row(1)]))
    assert "4 slides, " in told
    assert "2 failed, 1 refused" in told
    assert "1 slide. " in sound


def test_distributions_are_drawn_without_a_script_and_add_up(write: Write) -> None:
    page = write([*map(row, range(30)), Row("lost.svs")])
    assert page.count("<svg") == len(DRAWN)
    told = [int(count) for count in re.findall(r"<title>[^<]*: (\d+)</title>", page)]
    assert sum(told) == 30 * len(DRAWN)
    assert "<svg" not in write([row(1)])  # of one slide there is no distribution


def test_slides_that_stand_out_are_listed_and_the_rest_counted(write: Write) -> None:
    odd = [row(100 + i, mean_log_odds=50.0 + i) for i in range(LISTED + 3)]
    page = write([*map(row, range(200)), *odd])
    assert page.count("data-row=") == LISTED
    assert "3 more are marked below" in page
    assert len(data(page)["odd"]) == LISTED + 3
    assert "robust deviations above" in data(page)["odd"]["200"]


def test_too_few_slides_and_two_models_are_told(write: Write) -> None:
    assert "Told from 20 slides with an answer on" in write([row(1)])
    page = write([*map(row, range(30)), row(31, graph_sha256="b")])
    assert "More than one model answered here" in page
    assert "<svg" not in page


def test_a_drawn_model_is_told_above_all(write: Write) -> None:
    assert "Synthetic data: not evidence" in write([row(1, synthetic=True)])
    assert "Synthetic data" not in write([row(1, synthetic=False)])
