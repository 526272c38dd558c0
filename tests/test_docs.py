"""The documentation: its links lead somewhere, its code runs, and the site is built of it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import cv2
import pytest

import cancernet
from cancernet.data.sample import write_sample
from cancernet.data.synthetic import draw_section

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!\\)\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#+ +(.+?)\s*$", re.MULTILINE)
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TRAINS = ("cancernet.train(", "cancernet.run(", "PatchClassifier(")
README_LINES = 120


def anchor(heading: str) -> str:
    """Return the anchor of a heading, as GitHub and MkDocs make it of plain ones."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    return re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", plain.lower()).strip())


def links(path: Path) -> Iterator[str]:
    text = FENCE.sub("", path.read_text("utf-8"))
    indented = re.compile(r"^(?: {4}|\t)(?! *[-*\d]).*$", re.MULTILINE)
    yield from LINK.findall(indented.sub("", text))


def broken(path: Path) -> list[str]:
    """Return the relative links of a page that lead nowhere."""
    found = []
    for link in links(path):
        if re.match(r"[a-z]+:", link):
            continue
        place, _, fragment = unquote(link).partition("#")
        target = (path.parent / place).resolve() if place else path
        if not target.exists():
            found.append(f"{path.name}: {link}: no such file")
        elif fragment and fragment not in {anchor(each) for each in HEADING.findall(target.read_text("utf-8"))}:
            found.append(f"{path.name}: {link}: no such heading")
    return found


def blocks(*, training: bool) -> list[str]:
    """The Python code of api.md: up to the first that trains, or from it on."""
    code = PYTHON.findall((ROOT / "docs" / "api.md").read_text("utf-8"))
    first = next(i for i, each in enumerate(code) if any(call in each for call in TRAINS))
    return code[first:] if training else code[:first]


def run_blocks(code: list[str], names: dict[str, Any]) -> None:
    for block in code:
        exec(compile(block, "docs/api.md", "exec"), names)


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the code in api.md reads: patches/ and section.png."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CANCERNET_CACHE", str(tmp_path / "cache"))
    write_sample("patches", patients=12, patches_per_patient=20)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    assert not broken(page)


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# A heading, here\n")
    page = tmp_path / "page.md"
    page.write_text("[a](other.md#a-heading-here) [b](nowhere.md) [c](other.md#no) ![d](no.png) [e](https://x.org)\n")
    assert [each.split(": ")[1] for each in broken(page)] == ["nowhere.md", "other.md#no", "no.png"]


def test_pages_of_the_site_link_to_nothing_outside_of_it() -> None:
    outside = [
        f"{page.name}: {link}" for page in PAGES if page.parent.name == "docs" for link in links(page) if "../" in link
    ]
    assert not outside


def test_every_page_is_in_the_navigation() -> None:
    listed = set(re.findall(r"[\w/]+\.md", (ROOT / "mkdocs.yml").read_text("utf-8")))
    assert listed == {page.name for page in PAGES if page.parent.name == "docs"}


def test_the_readme_is_short() -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert len(lines) <= README_LINES
    assert max(len(line) for line in lines if not line.startswith("|")) <= 140


def test_pictures_are_small() -> None:
    heavy = [path.name for path in (ROOT / "docs" / "pictures").iterdir() if path.stat().st_size > 400_000]
    assert not heavy


def test_every_public_name_is_in_the_page_of_the_api() -> None:
    text = (ROOT / "docs" / "api.md").read_text("utf-8")
    table = text.partition("## All public names")[2].partition("## Errors")[0]
    listed = set(re.findall(r"^\| `(\w+)", table, re.MULTILINE))
    assert listed == set(cancernet.__all__)


def test_every_argument_in_the_page_of_the_api_is_one() -> None:
    import inspect

    text = (ROOT / "docs" / "api.md").read_text("utf-8").partition("## All public names")[2]
    wrong = []
    for name, arguments in re.findall(r"^\| `(\w+)\(([^)]*)\)`", text, re.MULTILINE):
        known = inspect.signature(getattr(cancernet, name)).parameters
        given = [each.partition("=")[0].strip() for each in arguments.split(",")]
        wrong += [f"{name}({each})" for each in given if each not in known]
    assert not wrong


def test_every_command_is_in_the_page_of_the_command_line() -> None:
    from cancernet.cli.main import VERBS

    text = (ROOT / "docs" / "usage.md").read_text("utf-8")
    assert set(re.findall(r"^\| `cancernet (\w+)`", text, re.MULTILINE)) == set(VERBS)


def test_the_columns_of_predictions_are_told() -> None:
    from cancernet.prediction.answer import COLUMNS

    assert ",".join(COLUMNS) in (ROOT / "README.md").read_text("utf-8")
    table = (ROOT / "docs" / "usage.md").read_text("utf-8").partition("| Column |")[2].partition("\n\n")[0]
    assert re.findall(r"`(\w+)`", "".join(row.split("|")[1] for row in table.splitlines()[2:])) == list(COLUMNS)


@pytest.mark.slow
@pytest.mark.usefixtures("no_figures")
def test_the_code_in_the_page_of_the_api_runs(workplace: Path) -> None:
    pytest.importorskip("pyvips", reason="cancernet[slide] is not installed")
    import numpy as np

    section = draw_section(np.random.default_rng(1), 500, 600, malignant_share=0.3).image
    cv2.imwrite("section.png", np.ascontiguousarray(section[..., ::-1]))
    run_blocks(blocks(training=False), {})
    for left in (
        "evaluation/report.html",
        "audit/audit.html",
        "maps/index.html",
        "slides/cohort.html",
        "why/index.html",
    ):
        assert (workplace / left).is_file(), left


@pytest.mark.slow
@pytest.mark.train
@pytest.mark.usefixtures("no_figures")
def test_the_code_in_the_page_of_the_api_trains(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("keras", reason="cancernet[train] is not installed")
    import sklearn

    from cancernet.networks import cnn

    monkeypatch.setattr(cnn, "STAGES", (4, 8, 8))  # the page says what to call; how large the network is, is not its
    monkeypatch.setattr(cnn, "DENSE_UNITS", 16)
    try:
        run_blocks(blocks(training=True), {"cancernet": cancernet})
    finally:
        sklearn.set_config(enable_metadata_routing=False)
    assert (workplace / "results" / "report.html").is_file()


@pytest.mark.slow
def test_the_site_is_built_without_a_warning_and_fetches_nothing(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="cancernet[docs] is not installed")
    made = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    pages = list(tmp_path.glob("*.html"))
    assert {"index.html", "usage.html", "api.html"} <= {page.name for page in pages}
    fetched = re.compile(
        r"<(?:script|img|iframe|source)\b[^>]*\bsrc=[\"']?(?:https?:)?//|<link\b[^>]*\bhref=[\"']?(?:https?:)?//"
    )
    assert not [page.name for page in pages if fetched.search(page.read_text("utf-8"))]
