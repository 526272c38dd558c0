"""The page holds every check, is self-contained, and escapes what files say."""

from __future__ import annotations

import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from cancernet.common.output import LOCK, RECORD, Output
from cancernet.data.pack import pack
from cancernet.data.sample import write_sample
from cancernet.evaluation.audit import Audit, audit
from cancernet.evaluation.corruptions import CORRUPTIONS
from cancernet.evaluation.verdicts import Check
from cancernet.model.model import load_model
from cancernet.report.audit_page import WIDTH, console, render_audit, write_audit
from cancernet.report.card import model_card, read_measured

V1 = Path(__file__).parents[1] / "fixtures" / "bundle_v1"
RUN = {"command": "cancernet audit --data a&b", "versions": {"numpy": "2.4.0"}}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    folder = tmp_path_factory.mktemp("page")
    packed = pack(write_sample(folder / "sample", patients=4, patches_per_patient=16, seed=2), cache_dir=folder)
    side = pd.Series(["test"] * len(packed.table))
    return audit(load_model(V1), packed, side, claimed_new=True, max_patches=16, samples=20)


@pytest.fixture(scope="module")
def page(found: Audit) -> str:
    return render_audit(found, RUN)


def test_every_check_is_on_the_page_with_its_limit_and_reason(found: Audit, page: str) -> None:
    text = re.sub(r"<[^>]+>", " ", page)
    for check in found.checks:
        assert f'<span class="state {check.state}">{check.state}</span>' in page
        assert f'<th scope="row">{check.name}</th>' in page
        for part in (check.limit, check.why):
            assert part.replace("'", "&#39;") in text


def test_the_page_needs_nothing_from_elsewhere(page: str) -> None:
    assert page.count('src="data:image/png;base64,') == 3
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)
    assert "<script" not in page
    assert "url(" not in page


def test_the_page_is_well_formed(page: str) -> None:
    class Balance(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.open: list[str] = []

        def handle_starttag(self, tag: str, attrs: list) -> None:
            if tag not in ("meta", "img", "br"):
                self.open.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

    parser = Balance()
    parser.feed(page)
    assert parser.open == []


def test_every_corruption_has_its_changes_levels_and_source(page: str) -> None:
    for name, kind in CORRUPTIONS.items():
        assert f'rowspan="3">{name}</th>' in page
        assert kind.source.replace("&", "&amp;") in page
    assert page.count('class="judged"') == 1 + 3 * len(CORRUPTIONS)  # the heading, and a cell a row


def test_synthetic_patches_raise_a_banner_and_real_ones_do_not(found: Audit, page: str) -> None:
    assert "Synthetic data: not evidence" in page
    assert "Synthetic data" not in render_audit(dataclasses.replace(found, synthetic=False), RUN)


def test_what_files_say_is_escaped(found: Audit) -> None:
    evil = Check("WARN", "<b>x</b>", "<script>alert(1)</script>", "l", "w")
    made = render_audit(dataclasses.replace(found, checks=[evil]), {"command": "<i>"})
    assert "<script" not in made
    assert "<b>x" not in made
    assert "&lt;i&gt;" in made


def test_the_page_and_the_report_share_one_look(page: str) -> None:
    style = Path(render_audit.__code__.co_filename).with_name("templates") / "style.css"
    assert style.read_text("utf-8").strip() in page


def test_the_console_has_a_line_a_check_and_the_limit_of_each_warning(found: Audit) -> None:
    text = console(found)
    lines = text.splitlines()
    assert all(len(line) <= WIDTH for line in lines)
    words = " ".join(text.split())
    for check in found.checks:
        assert any(line.startswith(f"{check.state:<5} {check.name}") for line in lines)
        assert (f"Limit: {check.limit}" in words) or check.state != "WARN"
    assert found.caption in text
    assert "SYNTHETIC" in text


def test_the_tally_counts_each_state(found: Audit) -> None:
    checks = [Check(state, f"c{i}", "f", "l", "w") for i, state in enumerate(["PASS", "PASS", "WARN", "SKIP"])]
    text = console(dataclasses.replace(found, checks=checks))
    assert "2 checks passed, 1 warn, 1 could not be made" in text
    assert "could not" not in console(dataclasses.replace(found, checks=checks[:3]))


def test_what_is_written_is_plain_json_and_a_page(found: Audit, tmp_path: Path) -> None:
    with Output(tmp_path / "new" / "out", "audit") as out:
        page = write_audit(out, found, {"command": "cancernet audit", "seed": 1})
    assert page == tmp_path / "new" / "out" / "audit.html"
    assert page.read_text("utf-8").startswith("<!doctype html>")
    read = json.loads(page.with_name("audit.json").read_text("utf-8"))
    assert read == {**found.to_dict(), "run": {"command": "cancernet audit", "seed": 1}}
    assert {path.name for path in page.parent.iterdir()} - {RECORD, LOCK} == {"audit.html", "audit.json"}


def test_a_model_card_can_be_made_of_what_is_written(found: Audit, tmp_path: Path) -> None:
    with Output(tmp_path / "out", "audit") as out:
        write_audit(out, found, {})
    card = model_card(load_model(V1), audit=read_measured(tmp_path / "out" / "audit.json"))
    for check in found.checks:
        assert f"| {check.state} | {check.name} |" in card
