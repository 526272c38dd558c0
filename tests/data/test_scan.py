"""Every file comes once, in order, in bounded memory; what is no patch is listed with its reason."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cancernet.data import scan as scan_module
from cancernet.data.decode import BadImage
from cancernet.data.scan import CHUNK, content_hash, read_member, scan, scan_chunk
from cancernet.data.source import MAX_FILE_BYTES, Member


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

    monkeypatch.setattr(scan_module, "decode", broken)
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
