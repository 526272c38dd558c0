"""Zips, whole, damaged and hostile."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cancernet.common.errors import UserError
from cancernet.data.stream import open_source

CONTENT = bytes(range(256)) * 30


def make(target: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_of_every_method_read_as_they_were_written(tmp_path: Path, method: int) -> None:
    source = open_source(make(tmp_path / "a.zip", {"b/x.png": CONTENT, "a.png": b"", "ü.png": b"1"}, method))
    assert [(m.path, m.size) for m in source.members()] == [("a.png", 0), ("b/x.png", len(CONTENT)), ("ü.png", 1)]
    assert [source.read(m.path) for m in source.members()] == [b"", CONTENT, b"1"]


def test_a_zip_and_its_folder_hold_the_same(idc: Callable[..., Path], zipped: Callable[..., Path]) -> None:
    folder = idc()
    plain, packed = open_source(folder), open_source(zipped(folder, top=""))
    names = [m.path for m in plain.members()]
    assert [m.path for m in packed.members()] == names
    assert all(plain.read(name) == packed.read(name) for name in names)


def test_folders_and_hidden_members_are_not_listed(tmp_path: Path) -> None:
    source = open_source(make(tmp_path / "a.zip", {"d/": b"", "__MACOSX/a.png": b"1", ".DS_Store": b"1", "a": b"1"}))
    assert [m.path for m in source.members()] == ["a"]


def test_many_threads_read_one_zip(tmp_path: Path) -> None:
    contents = {f"{i}.png": CONTENT[i:] * (i + 1) for i in range(100)}
    source = open_source(make(tmp_path / "a.zip", contents))
    with ThreadPoolExecutor(8) as pool:
        read = dict(zip(contents, pool.map(source.read, contents), strict=True))
    assert read == contents


@pytest.mark.parametrize("name", ["../a.png", "a/../../b.png", "/etc/a.png", "C:/a.png", "..\\a.png", "C:\\a.png"])
def test_a_member_outside_of_the_zip_refuses_the_zip(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="unsafe member"):
        open_source(make(tmp_path / "a.zip", {"ok.png": b"1", name: b"1"}))


def test_two_dots_inside_a_name_are_harmless(tmp_path: Path) -> None:
    source = open_source(make(tmp_path / "a.zip", {"a..b/c...png": b"1"}))
    assert [m.path for m in source.members()] == ["a..b/c...png"]


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04" + b"x" * 100])
def test_a_zip_that_is_none_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(UserError, match="not a readable zip"):
        open_source(tmp_path / "a.zip")


def test_a_zip_cut_short_is_one_line(tmp_path: Path) -> None:
    whole = make(tmp_path / "a.zip", {"a.png": CONTENT}).read_bytes()
    (tmp_path / "a.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="download or copy it again"):
        open_source(tmp_path / "a.zip")


def test_damage_inside_one_member_spares_the_others(tmp_path: Path) -> None:
    file = make(tmp_path / "a.zip", {"a.png": CONTENT, "b.png": CONTENT[::-1]}, zipfile.ZIP_STORED)
    data = bytearray(file.read_bytes())
    data[data.index(CONTENT[:256]) + 500] ^= 0xFF
    file.write_bytes(data)
    source = open_source(file)
    with pytest.raises(OSError, match="checksum differs"):
        source.read("a.png")
    assert source.read("b.png") == CONTENT[::-1]


def test_a_member_that_unpacks_to_more_than_it_states_is_refused(tmp_path: Path) -> None:
    file = make(tmp_path / "a.zip", {"a.png": bytes(1_000_000)})
    data = file.read_bytes().replace((1_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    file.write_bytes(data)
    with pytest.raises(OSError, match="damaged in the zip"):
        open_source(file).read("a.png")


def test_an_encrypted_member_is_said_to_be(tmp_path: Path) -> None:
    file = make(tmp_path / "a.zip", {"a.png": CONTENT})
    data = bytearray(file.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # the flag in the central directory
    file.write_bytes(data)
    with pytest.raises(OSError, match="encrypted"):
        open_source(file).read("a.png")


def test_the_stamp_follows_the_content(tmp_path: Path) -> None:
    one = open_source(make(tmp_path / "a.zip", {"a.png": b"one"})).members()
    two = open_source(make(tmp_path / "b.zip", {"a.png": b"two"})).members()
    same = open_source(make(tmp_path / "c.zip", {"a.png": b"one"})).members()
    assert one != two
    assert one == same
