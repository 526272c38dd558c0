"""A look at a slide: read once, in a process of its own, and never believed of another state of the slide."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from cancernet.common.executor import WorkerDiedError
from cancernet.serve import looks
from cancernet.serve.looks import ENDS, Ask, Looks, look
from cancernet.serve.problems import Problem
from cancernet.serve.slides import Slide
from cancernet.slide.inputs import SlideInput

pytest.importorskip("pyvips")
pytest.importorskip("openslide")
sys.path.append(str(Path(__file__).parents[1] / "fixtures"))
from served import write_slide

MPP = 4.0


def slide_of(path: Path) -> Slide:
    return Slide("0" * 16, path.name, SlideInput(path))


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> list[Ask]:
    """Look in this process, and list what was looked at."""
    asked: list[Ask] = []

    def do(function: Callable[[Ask], None], ask: Ask, *, within_s: float) -> None:
        asked.append(ask)
        function(ask)

    monkeypatch.setattr(looks, "apart", do)
    return asked


def test_another_process_finds_size_scale_and_a_thumbnail(tmp_path: Path) -> None:
    slide = slide_of(write_slide(tmp_path / "a.tif", mpp=2.0))
    known = Looks(tmp_path / "known", MPP)
    assert known.known(slide) is None
    found = known.find(slide)
    assert (found["width_px"], found["height_px"], found["mpp_x"], found["mpp_y"]) == (300, 200, 2.0, 2.0)
    picture = cv2.imdecode(np.frombuffer(known.thumbnail(slide, found), np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (200, 300, 3)


def test_what_is_known_is_not_read_again_until_the_slide_changes(tmp_path: Path, here: list[Ask]) -> None:
    slide = slide_of(write_slide(tmp_path / "a.tif", mpp=2.0))
    found = Looks(tmp_path / "known", MPP).find(slide)
    assert Looks(tmp_path / "known", MPP).known(slide) == found
    assert Looks(tmp_path / "known", MPP).find(slide) == found
    assert len(here) == 1
    assert Looks(tmp_path / "known", 2.0).known(slide) is None  # another model: what is too coarse for it differs
    write_slide(tmp_path / "a.tif", mpp=1.0)
    assert Looks(tmp_path / "known", MPP).known(slide) is None
    assert Looks(tmp_path / "known", MPP).find(slide)["mpp_x"] == 1.0


def test_a_large_slide_gets_a_small_thumbnail_of_all_of_it(tmp_path: Path, here: list[Ask], monkeypatch) -> None:
    monkeypatch.setattr(looks, "SIDE_PX", 30)
    slide = slide_of(write_slide(tmp_path / "a.tif", mpp=2.0))
    known = Looks(tmp_path / "known", MPP)
    picture = cv2.imdecode(np.frombuffer(known.thumbnail(slide, known.find(slide)), np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (20, 30, 3)


def test_a_slide_without_a_scale_has_a_thumbnail_and_says_what_to_do(tmp_path: Path, here: list[Ask]) -> None:
    slide = slide_of(write_slide(tmp_path / "a.tif", mpp=None))
    known = Looks(tmp_path / "known", MPP)
    found = known.find(slide)
    assert found["problem"] == "scale-unknown"
    assert "pass mpp, the um a pixel" in found["detail"]
    assert "mpp_x" not in found
    assert known.thumbnail(slide, found)[:2] == b"\xff\xd8"


def test_one_too_coarse_for_the_model_is_invalid(tmp_path: Path, here: list[Ask]) -> None:
    found = Looks(tmp_path / "known", MPP).find(slide_of(write_slide(tmp_path / "a.tif", mpp=8.0)))
    assert found["problem"] == "invalid"
    assert "too coarse" in found["detail"]


def test_what_is_no_slide_says_so_and_has_no_thumbnail(tmp_path: Path, here: list[Ask]) -> None:
    (tmp_path / "a.svs").write_bytes(b"x")
    slide = slide_of(tmp_path / "a.svs")
    known = Looks(tmp_path / "known", MPP)
    found = known.find(slide)
    assert found["problem"] == "invalid"
    with pytest.raises(Problem, match=r"named \.svs"):
        known.thumbnail(slide, found)


def test_a_slide_that_is_gone_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="no such file"):
        Looks(tmp_path / "known", MPP).known(slide_of(tmp_path / "a.tif"))


@pytest.mark.parametrize(
    ("error", "said"), [(WorkerDiedError("it died"), ENDS), (TimeoutError("late"), "longer than 7 s")]
)
def test_one_that_ends_its_process_or_takes_too_long_is_not_begun_again(tmp_path, monkeypatch, error, said) -> None:
    times = []

    def end(_: object, ask: Ask, *, within_s: float) -> None:
        times.append(within_s)
        raise error

    monkeypatch.setattr(looks, "apart", end)
    slide = slide_of(write_slide(tmp_path / "a.tif", mpp=2.0))
    known = Looks(tmp_path / "known", MPP, within_s=7.0)
    for _ in range(2):
        assert said in known.find(slide)["detail"]
    assert times == [7.0]


def test_what_was_found_before_the_pixels_ended_the_process_is_told(tmp_path, monkeypatch) -> None:
    def end(function: Callable[[Ask], None], ask: Ask, *, within_s: float) -> None:
        monkeypatch.setattr(looks, "_thumbnail", _die)
        function(ask)

    def _die(_: Any) -> bytes:
        raise WorkerDiedError("it died")

    monkeypatch.setattr(looks, "apart", end)
    slide = slide_of(write_slide(tmp_path / "a.tif", mpp=2.0))
    known = Looks(tmp_path / "known", MPP)
    found = known.find(slide)
    assert found["mpp_x"] == 2.0
    with pytest.raises(Problem, match="there is no thumbnail"):
        known.thumbnail(slide, found)


def test_a_look_writes_what_it_finds_beside_each_other(tmp_path: Path) -> None:
    path = write_slide(tmp_path / "a.tif", mpp=2.0)
    asked = Ask(SlideInput(path), {"path": str(path)}, MPP, tmp_path / "known" / "1.json")
    look(asked)
    assert sorted(each.name for each in (tmp_path / "known").iterdir()) == ["1.jpg", "1.json"]
    assert asked.known() is not None


def test_what_is_known_goes_by_its_age(tmp_path: Path, here: list[Ask]) -> None:
    slide = slide_of(write_slide(tmp_path / "a.tif", mpp=2.0))
    known = Looks(tmp_path / "known", MPP)
    known.expire(days=1)
    known.find(slide)
    known.expire(days=1)
    assert known.known(slide) is not None
    known.expire(days=-1)
    assert known.known(slide) is None
    assert list((tmp_path / "known").iterdir()) == []
