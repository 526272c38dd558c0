"""Which slides there are: by ids that stay, without a path, and none from elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cancernet.common.errors import UserError
from cancernet.common.output import Output
from cancernet.serve.slides import AWAY, GONE, Slides

sys.path.append(str(Path(__file__).parents[1] / "fixtures"))

pytest.importorskip("pyvips")
pytest.importorskip("openslide")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a.tif and sub/b.svs; what they hold is nobody's matter yet."""
    made = tmp_path / "slides"
    for name in ("a.tif", "sub/b.svs"):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_bytes(b"x" * 7)
    return made


def names(slides: Slides) -> list[str]:
    return [each.name for each in slides.list().slides.values()]


def test_slides_of_sub_folders_too_go_by_their_path_below_the_folder(root: Path) -> None:
    found = Slides(root).list()
    assert [each.name for each in found.slides.values()] == ["a.tif", "sub/b.svs"]
    assert [each.bytes for each in found.slides.values()] == [7, 7]
    assert found.errors == ()


def test_an_id_depends_on_the_path_below_the_folder_alone(root: Path, tmp_path: Path) -> None:
    before = list(Slides(root).list().slides)
    assert len(set(before)) == 2
    assert all(len(key) == 16 for key in before)
    root.rename(tmp_path / "moved")
    (tmp_path / "moved" / "a.tif").write_bytes(b"another state")
    assert list(Slides(tmp_path / "moved").list().slides) == before


def test_what_links_lead_to_outside_is_left_out_and_listed(root: Path, tmp_path: Path) -> None:
    (tmp_path / "away").mkdir()
    (tmp_path / "away" / "c.tif").write_bytes(b"x")
    (root / "c.tif").symlink_to(tmp_path / "away" / "c.tif")
    (root / "linked").symlink_to(tmp_path / "away")
    (root / "d.tif").symlink_to(root / "a.tif")
    slides = Slides(root)
    assert names(slides) == ["a.tif", "sub/b.svs"]
    [(path, reason)] = slides.list().errors  # one slide, which two links lead to
    assert path in ("c.tif", "linked/c.tif")
    assert reason == AWAY


def test_one_that_becomes_such_a_link_is_not_found_any_more(root: Path, tmp_path: Path) -> None:
    slides = Slides(root, keep_s=1000)
    key = next(iter(slides.list().slides))
    assert slides.find(key) is not None
    (tmp_path / "secret.tif").write_bytes(b"x")
    (root / "a.tif").unlink()
    (root / "a.tif").symlink_to(tmp_path / "secret.tif")
    assert slides.find(key) is None


def test_no_id_is_a_path(root: Path) -> None:
    slides = Slides(root)
    assert [slides.find(each) for each in ("a.tif", "../slides/a.tif", "")] == [None] * 3


def test_results_among_the_slides_are_none(root: Path) -> None:
    with Output(root / "maps", "slide") as out:
        (out.path("thumbnail.tif")).write_bytes(b"x")
    assert names(Slides(root)) == ["a.tif", "sub/b.svs"]


def test_a_new_slide_is_seen_when_the_listing_is_old(root: Path) -> None:
    slides, kept = Slides(root, keep_s=0), Slides(root, keep_s=1000)
    assert len(names(slides)) == len(names(kept)) == 2
    (root / "c.svs").write_bytes(b"x")
    assert len(names(slides)) == 3
    assert len(names(kept)) == 2


def test_pictures_beside_slides_are_told(root: Path) -> None:
    (root / "x.png").write_bytes(b"x")
    [note] = Slides(root).list().notes
    assert "1 pictures" in note
    assert str(root) not in note


def test_a_folder_without_slides_and_one_that_goes_away_are_told_without_their_path(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    slides = Slides(tmp_path / "empty", keep_s=0)
    [(path, reason)] = slides.list().errors
    assert path == "."
    assert "without a slide" in reason
    (tmp_path / "empty").rmdir()
    assert slides.list().errors == ((".", GONE),)
    assert slides.list().slides == {}


def test_no_folder_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--slides .* no such folder"):
        Slides(tmp_path / "none")
