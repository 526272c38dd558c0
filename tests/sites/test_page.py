"""The page, the table and the JSON: all that was found, escaped, with nothing from elsewhere."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from cancernet.common.output import Output
from cancernet.model.colours import Colours
from cancernet.model.judge import Stain
from cancernet.sites import page
from cancernet.sites.compare import compare, compare_with_itself
from cancernet.sites.drift import CHARTED, History, Run
from cancernet.sites.page import COLUMNS, console, render, to_dict, write
from cancernet.sites.reference import Reference
from cancernet.sites.result import Site
from cancernet.sites.standing import standing_out

EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def found(groups: Callable, reference: Reference, colours: Colours) -> Site:
    some = groups(12, seed=3, brightness=-4.0)
    some[0] = replace(some[0], name=EVIL, stain=Stain(3.0, 1.5, 50, "foreign"), reasons={f"x {EVIL}": 50})
    some[1] = replace(
        some[1], name="bare", n_tissue=0, means=dict.fromkeys(some[1].means, np.nan), odds=np.empty(0),
        stain=Stain(np.nan, np.nan, 0, ""),
    )  # fmt: skip
    dates = [Run(f"2026-0{i}-01", str(i), 12, dict.fromkeys(CHARTED, 0.1 * i), {}, "PASS") for i in (1, 2)]
    return Site(
        "cancernet",
        "patients",
        tuple(some),
        compare(some, reference, colours, what="patients"),
        compare_with_itself(some, reference, colours, what="patients"),
        History("", tuple(dates)),
        tuple(standing_out(some, reference)),
        (("a.png", "damaged"),),
        (f"a note {EVIL}",),
    )


@pytest.fixture(scope="module")
def text(found: Site) -> str:
    return render(found, {"command": f"cancernet site {EVIL}"})


def test_every_check_is_on_the_page_with_its_limit_and_reason(found: Site, text: str) -> None:
    plain = re.sub(r"<[^>]+>", " ", text)
    for check in (*found.against_model.checks, *found.against_reference.checks):
        assert f'<span class="state {check.state}">{check.state}</span>' in text
        for part in (check.name, check.found, check.limit, check.why):
            assert part.replace("'", "&#39;").replace("<", "&lt;").replace(">", "&gt;") in plain
    assert "Site check: FAIL" in text


def test_the_page_needs_nothing_from_elsewhere_and_runs_nothing(text: str) -> None:
    assert "<script" not in text
    assert "url(" not in text
    assert set(re.findall(r'(?:src|href)="([^"#]*)"', text)) == {"patients.csv", "errors.csv"}


def test_the_page_is_well_formed(text: str) -> None:
    class Balance(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.open: list[str] = []

        def handle_starttag(self, tag: str, attrs: list) -> None:
            if tag not in ("meta", "img", "br"):
                self.open.append(tag)

        def handle_startendtag(self, tag: str, attrs: list) -> None:
            pass

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

    parser = Balance()
    parser.feed(text)
    assert parser.open == []


def test_a_site_without_drift_has_no_section_of_it(found: Site) -> None:
    text = render(replace(found, against_reference=None, history=None), {})
    assert 'id="drift"' not in text
    assert to_dict(replace(found, against_reference=None))["drift"] is None


def test_the_table_has_everyone_and_the_json_is_plain(found: Site, tmp_path: Path) -> None:
    with Output(tmp_path, "site") as output:
        made = write(output, found, {})
    assert made.page == tmp_path / page.PAGE
    with (tmp_path / page.TABLE).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [row["name"] for row in rows] == [group.name for group in found.groups]
    assert rows[1]["brightness"] == rows[1]["stain_distance"] == ""
    assert "foreign stain" in rows[0]["stands_out"]
    plain = json.loads((tmp_path / page.DATA).read_text("utf-8"))
    assert plain["verdict"] == "FAIL"
    assert len(plain["checks"]) == 8
    assert plain["not_used"] == 1


def test_the_screen_has_the_limit_of_what_does_not_pass(found: Site) -> None:
    lines = console(found).splitlines()
    assert any(line.startswith("FAIL  stain") or line.startswith("WARN  stain") for line in lines)
    assert all("(limit:" in line for line in lines if line[:4] in ("WARN", "FAIL"))
    assert any(line.startswith("against patients of before") for line in lines)
