"""Names of what was sent say whose a patch is and nothing of a disk; zips are bounded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cancernet.common.errors import UserError
from cancernet.serve.problems import Problem
from cancernet.serve.settings import Limits
from cancernet.serve.uploads import LEFT, Upload, _name
from hostile.asked import SOUND
from hostile.asked_files import bomb_of_many, crowd
from hostile.zips import packed


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("a.png", "a.png"),
        ("../../etc/x.png", "etc/x.png"),
        ("/etc/x.png", "etc/x.png"),
        ("C:\\data\\8863\\x.png", "C:/data/8863/x.png"),
        ("a\0b.png", "ab.png"),
        ("", "unnamed"),
        ("..", "unnamed"),
    ],
)
def test_a_name_never_leads_out_of_its_folder(sent: str, name: str) -> None:
    assert _name(sent, {}) == name


def test_names_that_come_twice_are_told_apart() -> None:
    taken: dict[str, int] = {}
    found = [_name(sent, taken) for sent in ("a.png", "a.png", "a (2).png", "a.png", "b", "b")]
    assert len(set(found)) == len(found)
    assert found[:2] == ["a.png", "a (2).png"]


def test_thousands_of_one_name_take_no_time_that_grows_with_their_square() -> None:
    class Counting(dict[str, int]):
        looks = 0

        def __contains__(self, key: object) -> bool:
            Counting.looks += 1
            return super().__contains__(key)

    taken = Counting()
    for _ in range(2000):
        _name("a.png", taken)
    assert Counting.looks < 3 * 2000


def test_a_zip_gives_its_patches_under_its_own_name() -> None:
    with Upload({"s.zip": packed([("8863/a.png", SOUND[1])])}).stream(Limits()) as stream:
        assert stream.shown == ["s.zip/8863/a.png"]


def test_what_is_left_out_is_told() -> None:
    with Upload({"a.png": SOUND[1], "README.txt": b"x"}).stream(Limits()) as stream:
        assert stream.errors == [("README.txt", LEFT)]


def test_more_patches_than_are_borne_are_refused() -> None:
    upload = Upload({f"{number}.png": b"" for number in range(3)})
    with pytest.raises(Problem, match="3 patches; at most 2"), upload.stream(replace(Limits(), patches=2)):
        pass


def test_a_zip_of_very_many_files_is_refused_by_the_length_of_its_list() -> None:
    with (
        pytest.raises(UserError, match="list of members is too long"),
        Upload({"a.zip": crowd(1000)}).stream(replace(Limits(), patches=100)),
    ):
        pass


def test_a_zip_that_unpacks_to_more_than_the_server_bears_is_refused() -> None:
    with pytest.raises(Problem, match="bytes unpacked"), Upload({"a.zip": bomb_of_many()}).stream(Limits()):
        pass


def test_a_bad_zip_is_told_under_the_name_it_was_sent_by() -> None:
    with (
        pytest.raises(UserError, match=r"^mine\.zip: not a readable zip"),
        Upload({"mine.zip": b"PK"}).stream(Limits()),
    ):
        pass
