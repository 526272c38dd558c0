"""Every patch comes once, in order, in bounded memory; what is no patch is left out or listed with its reason."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.data import stream as stream_module
from cancernet.data.decode import BadImage
from cancernet.data.source import Member
from cancernet.data.stream import CHUNK, MAX_FILE_BYTES, PatchStream, content_hash, read_member, scan, scan_chunk


class Memory:
    """A source in memory that counts what is read."""

    root, is_file = Path("memory"), False

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.read_so_far = 0
        self.threads: set[int] = set()

    def members(self) -> list[Member]:
        return sorted(Member(path, len(content), 0) for path, content in self.files.items())

    def read(self, path: str) -> bytes:
        self.read_so_far += 1
        self.threads.add(threading.get_ident())
        return self.files[path]


@pytest.fixture
def source(patch: Callable[..., NDArray], png: Callable[[NDArray], bytes]) -> Memory:
    files = [png(patch(i)) for i in range(20)]
    return Memory({f"{i:05d}.png": files[i % 20] if i % 7 else b"" for i in range(6 * CHUNK + 3)})


def test_everything_comes_once_and_in_order(source: Memory) -> None:
    chunks = list(scan(source, source.members(), workers=3))
    good = [member.path for chunk in chunks for member in chunk.members]
    bad = [path for chunk in chunks for path, _ in chunk.bad]
    assert good == sorted(good)
    assert sorted(good + bad) == [member.path for member in source.members()]
    assert sum(len(chunk.members) + len(chunk.bad) for chunk in chunks) == len(source.files)


def test_the_parts_of_a_chunk_belong_together(source: Memory) -> None:
    chunk = scan_chunk(source, source.members()[:50], str.upper)
    n = len(chunk.members)
    assert chunk.images.shape == (n, 50, 50, 3)
    assert len(chunk.sizes) == len(chunk.hashes) == len(chunk.checked) == len(chunk.near_white) == n
    assert chunk.checked == [member.path.upper() for member in chunk.members]
    assert [content_hash(image) for image in chunk.images] == chunk.hashes


def test_a_slow_reader_bounds_what_is_read_ahead(source: Memory) -> None:
    chunks = scan(source, source.members(), workers=1)
    next(chunks)
    assert source.read_so_far <= 4 * CHUNK
    chunks.close()


def test_stopping_early_leaves_no_threads_and_the_setting_of_opencv(source: Memory) -> None:
    threads, setting = threading.active_count(), cv2.getNumThreads()
    chunks = scan(source, source.members(), workers=2)
    next(chunks)
    chunks.close()
    assert threading.active_count() == threads
    assert cv2.getNumThreads() == setting


def test_an_unexpected_error_is_not_swallowed(source: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(content: bytes) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(stream_module, "decode", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        list(scan(source, source.members()[:10], workers=2))


def test_no_files_give_no_chunks() -> None:
    assert list(scan(Memory({}), [])) == []


def test_a_refusing_check_is_a_reason(source: Memory) -> None:
    def refuse(path: str) -> None:
        raise BadImage("unwanted")

    chunk = scan_chunk(source, source.members()[1:4], refuse)
    assert chunk.bad == [(f"0000{i}.png", "unwanted") for i in (1, 2, 3)]
    assert len(chunk.images) == 0


def test_a_file_over_the_limit_is_not_read() -> None:
    source = Memory({"a": b"x"})
    with pytest.raises(BadImage, match="too large"):
        read_member(source, Member("a", MAX_FILE_BYTES + 1, 0))
    assert source.read_so_far == 0


def test_the_hash_tells_shapes_apart_that_have_the_same_bytes() -> None:
    image = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    assert content_hash(image) != content_hash(image.reshape(5, 4, 3))
    assert content_hash(image) == content_hash(image.copy())
    assert len(content_hash(image)) == 32


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
