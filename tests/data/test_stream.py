"""Every patch comes once, in order, in bounded memory; what is no patch is left out or listed with its reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from numpy.typing import NDArray

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.data.stream import PatchStream


@pytest.fixture
def folders(tmp_path: Path, patch: Callable[..., NDArray], png: Callable[[NDArray], bytes]) -> Path:
    """Folders a and b with two patches each, and what leftovers there can be."""
    for i, name in enumerate(("a/x.png", "a/y.png", "b/x.png", "b/z.png")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(png(patch(i)))
    for name in (f"a/{defaults.SYNTHETIC_MARKER}", "a/.DS_Store", "b/Thumbs.db"):
        (tmp_path / name).write_text("x")
    return tmp_path


def shown(stream: PatchStream) -> list[str]:
    return [path for chunk in stream.chunks(what="read") for path in chunk.paths]


def test_one_folder_has_plain_names_and_several_their_folders(folders: Path) -> None:
    assert shown(PatchStream([folders / "a"])) == ["x.png", "y.png"]
    several = shown(PatchStream([folders / "a", folders / "b"]))
    assert several == [f"{folders.as_posix()}/{name}" for name in ("a/x.png", "a/y.png", "b/x.png", "b/z.png")]


def test_a_file_is_named_with_its_folder(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(PatchStream([folders / "a" / "x.png"])) == [f"{folders.as_posix()}/a/x.png"]
    monkeypatch.chdir(folders / "a")
    assert shown(PatchStream(["x.png"])) == ["x.png"]


@pytest.mark.parametrize("again", ["a", "a/x.png", "a/../a", "a/y.png"])
def test_what_is_named_twice_is_read_once(folders: Path, again: str) -> None:
    stream = PatchStream([folders / "a", folders / again, folders / "b" / "z.png"])
    assert len(stream) == len(shown(stream)) == 3


def test_the_note_of_a_generated_sample_is_noticed_and_is_no_patch(folders: Path) -> None:
    assert PatchStream([folders / "a"]).synthetic
    assert not PatchStream([folders / "b"]).synthetic


def test_a_folder_that_repeats_all_beside_it_is_left_out_and_said(folders: Path) -> None:
    for name in ("x.png", "z.png"):
        (folders / "b" / "copy").mkdir(exist_ok=True)
        (folders / "b" / "copy" / name).write_bytes((folders / "b" / name).read_bytes())
    stream = PatchStream([folders / "b"])
    assert shown(stream) == ["x.png", "z.png"]
    assert stream.notes == ["Folder copy/ repeats the folder it lies in: 2 files that are there too are left out."]


def test_what_cannot_be_used_is_listed_with_its_prefix_while_the_rest_is_read(folders: Path) -> None:
    (folders / "b" / "bad.png").write_text("no image")
    stream = PatchStream([folders / "a", folders / "b"])
    assert len(shown(stream)) == 4
    assert stream.errors == [(f"{folders.as_posix()}/b/bad.png", "not an image")]


def test_a_stream_without_one_patch_says_the_first_reason(folders: Path) -> None:
    (folders / "c").mkdir()
    (folders / "c" / "bad.png").write_text("no image")
    stream = PatchStream([folders / "c"])
    assert shown(stream) == []
    assert str(stream.nothing_usable()) == "no image could be used of 1 files: bad.png: not an image"


def test_some_members_alone_can_be_read(folders: Path) -> None:
    stream = PatchStream([folders / "a"])
    [chunk] = stream.chunks(what="read", only=stream.members[1:])
    assert chunk.paths == ["y.png"]


def test_a_path_that_is_not_there_is_an_error(folders: Path) -> None:
    with pytest.raises(UserError, match="no such"):
        PatchStream([folders / "a", folders / "nowhere"])


def test_a_part_of_a_stream_has_its_files_and_errors_alone(folders: Path) -> None:
    (folders / "a" / "bad.png").write_bytes(b"x")
    (folders / "b" / "bad.png").write_bytes(b"x")
    stream = PatchStream([folders / "a", folders / "b"], named=["one", "two"])
    part = stream.only(lambda path: path.startswith("two/"))
    assert shown(part) == ["two/x.png", "two/z.png"]
    assert [path for path, _ in part.errors] == ["two/bad.png"]
    assert stream.errors == []
    assert len(stream) == len(stream.shown) == 6


def test_paths_are_shown_as_they_were_named_wherever_they_are_opened(folders: Path) -> None:
    stream = PatchStream([folders / "a", folders / "b" / "x.png"], named=["mine", "b/x.png"])
    assert shown(stream) == ["mine/x.png", "mine/y.png", "b/x.png"]
    assert stream.root == Path("mine")
