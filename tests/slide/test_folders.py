"""Each slide has a folder of its own, the same one every time."""

from __future__ import annotations

from pathlib import Path

from cancernet.slide.folders import OWNER, assign_folders, claim, discard, identify, owner_of


def slide(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    return path


def names(paths: list[Path], out: Path) -> list[str]:
    return [folder.name for folder in assign_folders(paths, out)]


def test_slides_of_one_name_are_told_apart_in_the_order_given(tmp_path: Path) -> None:
    paths = [slide(tmp_path / place / "x.svs") for place in "abc"]
    assert names([*paths, tmp_path / "ü b.tif"], tmp_path / "out") == ["x", "x-2", "x-3", "ü b"]


def test_a_slide_keeps_the_folder_it_had_whatever_the_order(tmp_path: Path) -> None:
    paths = [slide(tmp_path / place / "x.svs") for place in "ab"]
    out = tmp_path / "out"
    for path, folder in zip(paths, assign_folders(paths, out), strict=True):
        claim(folder, identify(path))
    assert names(paths[::-1], out) == ["x-2", "x"]
    assert names([paths[1]], out) == ["x-2"]
    assert names([slide(tmp_path / "c" / "x.svs")], out) == ["x-3"]


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    slide(tmp_path / "out" / "x" / "mine.txt")
    slide(tmp_path / "out" / "y")
    (tmp_path / "out" / "z").mkdir()
    assert names([tmp_path / f"{name}.svs" for name in "xyz"], tmp_path / "out") == ["x-2", "y-2", "z"]


def test_names_of_our_own_files_are_not_taken(tmp_path: Path) -> None:
    assert names([tmp_path / "index.html.svs", tmp_path / "errors.csv.svs"], tmp_path) == [
        "index.html-slide",
        "errors.csv-slide",
    ]


def test_an_owner_is_read_back_and_a_broken_note_is_none(tmp_path: Path) -> None:
    path = slide(tmp_path / "x.svs")
    claim(tmp_path / "f", identify(path))
    assert owner_of(tmp_path / "f") == identify(path)
    (tmp_path / "f" / OWNER).write_text("{")
    assert owner_of(tmp_path / "f") is None
    assert owner_of(path) is None


def test_a_changed_file_is_another_state(tmp_path: Path) -> None:
    path = slide(tmp_path / "x.svs")
    before = identify(path)
    path.write_text("xy")
    assert identify(path) != before


def test_a_slide_that_failed_leaves_nothing_and_takes_nothing_else_with_it(tmp_path: Path) -> None:
    path = slide(tmp_path / "x.svs")
    claim(tmp_path / "f", identify(path))
    slide(tmp_path / "f" / ".work" / "section.rgb")
    discard(tmp_path / "f", path, ".work")
    assert not (tmp_path / "f").exists()
    claim(tmp_path / "g", identify(path))
    slide(tmp_path / "g" / "summary.json")
    discard(tmp_path / "g", path, ".work")
    assert {item.name for item in (tmp_path / "g").iterdir()} == {OWNER, "summary.json"}
    slide(tmp_path / "h" / "mine.txt")
    discard(tmp_path / "h", path, ".work")
    assert (tmp_path / "h" / "mine.txt").exists()
