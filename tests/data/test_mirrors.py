"""Folders that repeat others are found at any depth, and nothing else is taken for one."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from cancernet.data.mirrors import find_mirrors
from cancernet.data.source import Member

PATHS = [f"{p}/{c}/{p}_idx5_x{x}_y1_class{c}.png" for p in ("8863", "9001") for c in (0, 1) for x in range(1, 301, 50)]


def members(paths: Iterable[str], *tops: str) -> list[Member]:
    return sorted(Member(top + path, 1000 + len(path), 0) for top in ("", *tops) for path in paths)


def found(files: list[Member], alike: bool = True) -> list[tuple[str, str, int]]:
    return [(folder, of, len(copies)) for folder, of, copies in find_mirrors(files, lambda *_: alike)]


@pytest.mark.parametrize("top", ["IDC_regular_ps50_idx5", "a/b/copy", "8863/old", "cancer"])
def test_a_folder_that_repeats_all_the_rest_is_found_at_any_depth(top: str) -> None:
    assert found(members(PATHS, f"{top}/")) == [(top, "", len(PATHS))]


def test_two_folders_side_by_side_that_are_alike_are_one_too_many() -> None:
    files = [Member(f"{top}/{path}", 1000, 0) for top in ("data", "data - Copy") for path in PATHS]
    assert found(files) == [("data - Copy", "data", len(PATHS))]


def test_every_copy_is_found_of_several() -> None:
    gone = {folder for folder, _, _ in found(members(PATHS, "a/b/", "a/c/", "x/"))}
    assert gone == {"a/b", "a/c", "x"}


def test_the_copy_may_be_short_of_some_files_and_so_may_the_original() -> None:
    files = members(PATHS, "copy/")
    assert found([m for m in files if m.path != f"copy/{PATHS[3]}"]) == [("copy", "", len(PATHS) - 1)]
    [mirror] = find_mirrors([m for m in files if m.path != PATHS[3]], lambda *_: True)
    assert f"copy/{PATHS[3]}" not in {member.path for member in mirror.copies}  # it stays, since it is nowhere else
    assert len(mirror.copies) == len(PATHS) - 1


def test_a_part_that_lies_beside_the_whole_is_the_copy() -> None:
    part = [path for path in PATHS if path.startswith("8863/")]
    files = sorted([*members(part), *(m._replace(path=f"whole/{m.path}") for m in members(PATHS))])
    assert found(files) == [("", "whole", len(part))]
    files = [Member(f"all/{path}", 9, 0) for path in PATHS] + [Member(f"a/{path}", 9, 0) for path in part]
    assert found(sorted(files)) == [("a", "all", len(part))]


def test_folders_of_which_much_is_their_own_are_no_copies() -> None:
    own = [Member(f"{top}more{i}{top[:1]}.png", 1, 0) for top in ("", "copy/") for i in range(9)]
    assert found(sorted([*members(PATHS, "copy/"), *own])) == []


def test_files_that_are_not_alike_are_no_copies() -> None:
    assert found(members(PATHS, "copy/"), alike=False) == []
    sizes = [member._replace(size=i) for i, member in enumerate(members(PATHS, "copy/"))]
    assert found(sizes) == []


def test_patients_whose_patches_are_called_and_sized_alike_are_compared_by_content() -> None:
    files = [Member(f"{p}/{c}/{i}.tif", 7500, 0) for p in ("P1", "P2") for c in (0, 1) for i in range(9)]
    assert found(files, alike=False) == []


@pytest.mark.parametrize("names", [("benign", "malignant"), ("0", "1"), ("IDC(-)", "IDC(+)")])
@pytest.mark.parametrize("form", ["{c}/{i}.png", "{c}/P1/{i}.png", "P1/{c}/{i}.png"])
def test_folders_of_two_classes_are_no_copies_of_each_other(names: tuple[str, str], form: str) -> None:
    assert found([Member(form.format(c=c, i=i), 5, 0) for c in names for i in range(9)]) == []


def test_one_file_or_folders_of_files_alone_side_by_side_are_no_copies() -> None:
    assert found([Member("a.png", 5, 0), Member("x/a.png", 5, 0)]) == []
    assert found([Member(f"{p}/{i}.png", 5, 0) for p in "ab" for i in range(9)]) == []


def test_empty_files_are_not_asked_for() -> None:
    assert found([Member(f"{top}{i}.png", 0, 0) for top in ("", "x/") for i in range(9)]) == []
