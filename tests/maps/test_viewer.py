"""What the page of the viewer says is what the map says; names are text and nothing else."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cancernet.common.output import Output
from cancernet.maps.pyramid import write_pyramid
from cancernet.maps.viewer import (
    FILES,
    LIBRARY,
    LISTED,
    NOTHING,
    PAGE,
    STEPS,
    UNSURE,
    Cells,
    Picture,
    Spot,
    page_data,
    palette,
    write_viewer,
)

VALUES = np.array([[0.1, 0.9, np.nan], [np.nan, 0.35, 0.0004]], np.float32)
CELLS = Cells(
    VALUES, VALUES > 0.3, np.array([[0, 0, 2], [1, 0, 0]]), ("blurred", "of <b>no</b> colour"), 200.0, 520, 400
)
SPOTS = [Spot("0.080", 0.62, (1, 0, 2, 2)), Spot("0.040", 0.5, (0, 1, 1, 2))]
Write = Callable[..., str]


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Output]:
    with Output(tmp_path / "out", "slide") as made:
        yield made


@pytest.fixture
def write(out: Output, tmp_path: Path) -> Write:
    """Write a viewer and return its page; `size` is that of the tiles."""

    def made(size: tuple[int, int] = (130, 100), spots: list[Spot] = SPOTS, **changed: Any) -> str:
        width, height = size
        write_pyramid([np.full((height, width, 3), 200, np.uint8)], width, height, tmp_path / "tiles")
        said: dict[str, Any] = {
            **{"title": "s", "model": "m", "threshold": 0.3, "facts": [("tissue", "1 mm²")], "refused": False},
            **{"alarms": [], "warnings": [], "still": "overlay.png", "tables": "regions.geojson", **changed},
        }
        write_viewer(out, Picture(width, height, 4.0, (0.25, 0.25)), CELLS, spots, tmp_path / "tiles", **said)
        return (out.folder / PAGE).read_text("utf-8")

    return made


def data(page: str) -> dict[str, Any]:
    [found] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(found)


def numbers(text: str) -> list[int]:
    return np.frombuffer(base64.b64decode(text), "<u2").tolist()


def test_each_cell_has_its_probability_and_what_it_is_called() -> None:
    found = page_data(Picture(130, 100, 4.0, (0.25, 0.26)), CELLS, SPOTS)
    cells = found["cells"]
    assert (cells["rows"], cells["columns"], cells["um"]) == (2, 3, 200.0)
    assert numbers(cells["probability"]) == [STEPS // 10, STEPS * 9 // 10, NOTHING, NOTHING, 3500, 4]
    assert numbers(cells["state"]) == [1, 2, UNSURE + 1, UNSURE, 2, 1]
    assert cells["reasons"][1] == "of <b>no</b> colour"
    assert found["regions"] == [(1, 0, 2, 2), (0, 1, 1, 2)]
    assert found["tiles"]["levels"] == 1
    json.dumps(found, allow_nan=False)


def test_a_call_is_that_of_the_map_and_not_of_the_rounded_probability() -> None:
    values = np.full((1, 1), 0.29999, np.float32)
    for called in (False, True):
        cells = Cells(values, np.array([[called]]), np.zeros((1, 1), int), (), 200.0, 200, 200)
        assert cells.states.tolist() == [[1 + called]]


def test_the_colours_are_those_of_the_figures() -> None:
    found = np.array(palette()).reshape(256, 4)
    assert found[0].tolist() == [0, 34, 78, 51]  # cividis at 0, a fifth
    assert found[-1].tolist() == [254, 232, 56, 153]


def test_the_folder_has_all_that_the_page_asks_for_and_asks_for_nothing_elsewhere(out: Output, write: Write) -> None:
    page = write()
    assert all((out.folder / name).is_file() for name in FILES)
    asked = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert asked
    assert all((out.folder / name).is_file() for name in asked if name != "overlay.png")
    assert "http" not in page
    script = (out.folder / "viewer" / "viewer.js").read_text("utf-8")
    assert not re.search(r"fetch\(|XMLHttpRequest|https?:", script)
    assert not re.search(r'\son\w+="', page)


def test_the_licence_goes_with_the_library_which_is_the_one_that_is_described(out: Output, write: Write) -> None:
    write()
    library, licence = ((out.folder / "viewer" / name).read_bytes() for name in LIBRARY)
    assert b"BSD" not in library or licence
    assert b"Redistributions in binary form must reproduce" in licence
    described = (resources.files("cancernet.maps") / "vendor" / "README.md").read_text("utf-8")
    assert sha256(library).hexdigest() in described
    assert library[:40].decode().split()[2] in described  # //! openseadragon VERSION


class Texts(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.mark.parametrize(
    "name", ["</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "a & \"b' {{ 1 }}"]
)
def test_names_and_reasons_are_text_wherever_they_stand(write: Write, name: str) -> None:
    plain = Texts(write())
    found = write(title=name, facts=[(name, name)], warnings=[name], alarms=[name], model=name)
    seen = Texts(found)
    assert [tag for tag in seen.tags if tag in ("script", "img", "b")] == [
        tag for tag in plain.tags if tag in ("script", "img", "b")
    ]
    assert seen.texts.count(name) == 6  # title, heading, two of the fact, warning, alarm


def test_a_reason_that_ends_a_script_does_not_end_the_pages(out: Output) -> None:
    cells = Cells(VALUES, VALUES > 1, CELLS.unsure, ("</script><b>", "<!--"), 200.0, 600, 400)
    from cancernet.report.page import fill

    found = fill("viewer.html", {**_context(), "data": page_data(Picture(9, 9, 4.0, (1, 1)), cells, [])})
    assert data(found)["cells"]["reasons"] == ["</script><b>", "<!--"]


def _context() -> dict[str, Any]:
    names = ("title", "model", "still", "tables", "folder", "library", "script", "gradient")
    lists = ("facts", "alarms", "warnings", "spots", "reasons")
    return {**dict.fromkeys(names, ""), **dict.fromkeys(lists, ()), "threshold": 0.3, "refused": False, "more": 0}


def test_regions_are_buttons_in_their_order(write: Write) -> None:
    page = write()
    seen = re.sub(r"<[^>]+>", "", " ".join(re.findall(r'<button[^>]*data-region="\d+">.*?</button>', page)))
    assert seen == "Region 1 0.080 mm² mean probability 0.62 Region 2 0.040 mm² mean probability 0.50"
    assert data(page)["regions"] == [[1, 0, 2, 2], [0, 1, 1, 2]]


def test_of_very_many_regions_the_smaller_are_said_to_be_in_the_table(write: Write) -> None:
    page = write(spots=[SPOTS[0]] * (LISTED + 1003))
    assert page.count("data-region=") == LISTED
    assert "1,003 smaller ones are in regions.geojson" in page


def test_a_slide_that_is_refused_says_so_first(write: Write) -> None:
    page = write(spots=[], refused=True, alarms=["REFUSED: stained unlike."])
    assert '<div class="banner" role="alert">REFUSED: stained unlike.</div>' in page
    assert page.index("REFUSED") < page.index('id="stage"')
    assert "None: nothing is called benign or malignant here." in page


def test_research_use_stands_above_and_below(write: Write) -> None:
    page = write()
    assert page.count("Research use only") == 2


def test_nothing_of_an_earlier_run_stays(out: Output, write: Write) -> None:
    write(size=(1200, 700))
    (out.folder / "viewer" / "old.txt").write_text("old")
    assert len(list((out.folder / "viewer" / "tiles").rglob("*.jpg"))) == 1 + 2 + 6
    write(size=(500, 400))
    assert [path.name for path in (out.folder / "viewer" / "tiles").rglob("*.jpg")] == ["0_0.jpg"]
    assert not (out.folder / "viewer" / "old.txt").exists()
