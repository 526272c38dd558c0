"""Parts of a job: each item in one, all of them together, and no whole out of parts that do not belong together."""

from __future__ import annotations

from pathlib import Path

import pytest

from cancernet.common.errors import UserError
from cancernet.common.shard import Shard, whole


def test_each_item_is_in_one_part() -> None:
    parts = [Shard(number, 3).of_items(range(10)) for number in (1, 2, 3)]
    assert sorted(item for part in parts for item in part) == list(range(10))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("text", ["", "3", "0/3", "4/3", "1/0", "-1/3", "1/3/5", "a/b", "1.0/3", " 1/3"])
def test_what_is_no_part_says_how_one_is_written(text: str) -> None:
    with pytest.raises(UserError, match="write I/N, I from 1 to N"):
        Shard.parse(text)


def test_folders_of_parts_sort_in_their_order() -> None:
    names = [Shard(number, 12).name for number in range(1, 13)]
    assert names == sorted(names)


def made(folder: Path, *parts: str, last: bool = True) -> None:
    for part in parts:
        place = folder / Shard.parse(part).name
        place.mkdir()
        if last:
            (place / "last").touch()


def test_a_whole_is_all_parts_in_order(tmp_path: Path) -> None:
    made(tmp_path, *(f"{number}/11" for number in range(11, 0, -1)))
    found = whole(tmp_path, "last", make="it")
    assert [place.name for place in found] == [Shard(number, 11).name for number in range(1, 12)]


def test_a_folder_without_parts_says_what_makes_them(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no parts of a job; `it --shard` makes them"):
        whole(tmp_path, "last", make="it --shard")


def test_a_part_that_is_missing_or_has_not_ended_is_named(tmp_path: Path) -> None:
    made(tmp_path, "1/4", "3/4")
    made(tmp_path, "4/4", last=False)
    with pytest.raises(UserError, match=r"part 2/4, 4/4 is missing or has not ended"):
        whole(tmp_path, "last", make="it")


def test_of_many_that_are_missing_the_first_are_named(tmp_path: Path) -> None:
    made(tmp_path, "1/99")
    with pytest.raises(UserError, match=r"2/99, .*, 11/99 and 88 more is missing"):
        whole(tmp_path, "last", make="it")


def test_parts_of_two_divisions_are_refused(tmp_path: Path) -> None:
    made(tmp_path, "1/2", "2/2", "3/3")
    with pytest.raises(UserError, match="divisions into 2 parts and 3 parts"):
        whole(tmp_path, "last", make="it")
