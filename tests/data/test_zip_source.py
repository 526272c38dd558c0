"""Zips, whole, damaged and hostile."""

from __future__ import annotations

import contextlib
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cancernet.common.errors import UserError
from cancernet.data.stream import open_source
from cancernet.data.zip_source import MAX_DIRECTORY_BYTES

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


def test_backslashes_part_folders_and_folders_are_not_listed(tmp_path: Path) -> None:
    source = open_source(make(tmp_path / "a.zip", {"idc\\9001\\": b"", "idc\\9001\\0\\x.png": CONTENT}))
    assert [m.path for m in source.members()] == ["idc/9001/0/x.png"]
    assert source.read("idc/9001/0/x.png") == CONTENT


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_no_method_unpacks_to_more_than_the_member_states(tmp_path: Path, method: int) -> None:
    file = make(tmp_path / "a.zip", {"a.png": bytes(50_000_000)}, method)
    file.write_bytes(file.read_bytes().replace((50_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    source = open_source(file)
    tracemalloc.start()
    with pytest.raises(OSError, match="damaged in the zip"):
        source.read("a.png")
    assert tracemalloc.get_traced_memory()[1] < 20_000_000  # the dictionary of LZMA has 8 MB
    tracemalloc.stop()


def central(file: Path, offset: int, value: bytes) -> Path:
    """Change a field of the first member in the list of members."""
    data = bytearray(file.read_bytes())
    start = data.index(b"PK\x01\x02") + offset
    data[start : start + len(value)] = value
    file.write_bytes(data)
    return file


@pytest.mark.parametrize(
    ("offset", "value", "expected"),
    [
        (10, b"\x5d\0", "compressed with zstd, which is not supported"),
        (10, b"\x77\0", "compressed with method 119, which is not supported"),
        (20, b"\xff\xff\xff\x7f", "more than 64,000,000 bytes"),
        (24, b"\xff\xff\xff\x7f", "more than 64,000,000 bytes"),
        (20, b"\xff\xff\xff\0", "lies outside of it"),
        (42, b"\xff\xff\xff\x0f", "lies outside of it"),
        (42, b"\x05\0\0\0", "no header"),
        (38, (0o120777 << 16).to_bytes(4, "little"), "a link or a device"),
    ],
)
def test_a_member_that_cannot_be_read_spares_the_others(
    tmp_path: Path, offset: int, value: bytes, expected: str
) -> None:
    file = make(tmp_path / "a.zip", {"a.png": CONTENT, "b.png": CONTENT[::-1]})
    source = open_source(central(file, offset, value))
    with pytest.raises(OSError, match=expected):
        source.read("a.png")
    assert source.read("b.png") == CONTENT[::-1]


@pytest.mark.parametrize("size", [2**62, 2**63, 2**64 - 1])
@pytest.mark.parametrize("field", [0, 1, 2], ids=["size", "packed", "offset"])
def test_sizes_beyond_any_disk_are_a_reason(tmp_path: Path, size: int, field: int) -> None:
    numbers = [len(CONTENT), len(CONTENT), 0]
    numbers[field] = size
    name = b"a.png"
    extra = struct.pack("<HHQQQ", 1, 24, *numbers)
    entry = struct.pack(
        "<4s6H3I5HII", b"PK\x01\x02", 45, 45, 0, 0, 0, 0, zlib.crc32(CONTENT), *[0xFFFFFFFF] * 2, len(name), len(extra),
        0, 0, 0, 0, 0xFFFFFFFF,
    )  # fmt: skip
    local = struct.pack("<4s5H3I2H", b"PK\x03\x04", 45, 0, 0, 0, 0, zlib.crc32(CONTENT), *[len(CONTENT)] * 2, 5, 0)
    start = len(local) + len(name) + len(CONTENT)
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, len(entry) + len(name) + len(extra), start, 0)
    (tmp_path / "a.zip").write_bytes(local + name + CONTENT + entry + name + extra + end)
    source = open_source(tmp_path / "a.zip")
    with pytest.raises(OSError, match=r"64,000,000 bytes|lies outside"):
        source.read("a.png")


def test_an_honest_bomb_is_not_unpacked(tmp_path: Path) -> None:
    source = open_source(make(tmp_path / "a.zip", {"a.tif": bytes(50_000_000), "b.tif": bytes(900_000)}))
    with pytest.raises(OSError, match=r"bomb in the zip: [0-9,]+ bytes that unpack to 50,000,000"):
        source.read("a.tif")
    assert source.read("b.tif") == bytes(900_000)


def test_members_that_overlap_refuse_the_zip(tmp_path: Path) -> None:
    file = make(tmp_path / "a.zip", {f"{i}.png": CONTENT for i in range(9)}, zipfile.ZIP_STORED)
    data = file.read_bytes()
    first, second = data.index(b"PK\x03\x04"), data.index(b"PK\x03\x04", 9)
    listed = data.index(b"PK\x01\x02")
    entries = bytearray(data[listed:])
    position = 0
    for _ in range(9):  # all of them are the first
        entries[position + 42 : position + 46] = bytes(4)
        position += 46 + 5
    entries[-6:-2] = (second - first).to_bytes(4, "little")
    file.write_bytes(data[first:second] + entries)
    with pytest.raises(UserError, match="its members overlap"):
        open_source(file)


def test_a_nul_in_a_name_refuses_the_zip(tmp_path: Path) -> None:
    file = make(tmp_path / "a.zip", {"a.pngX.exe": b"1"})
    file.write_bytes(file.read_bytes().replace(b"a.pngX", b"a.png\0"))
    with pytest.raises(UserError, match="unsafe member"):
        open_source(file)


def test_a_zip_after_a_program_is_read(tmp_path: Path) -> None:
    file = make(tmp_path / "a.zip", {"a.png": CONTENT})
    file.write_bytes(b"MZ" + bytes(5000) + file.read_bytes())
    assert open_source(file).read("a.png") == CONTENT


def test_a_list_of_members_longer_than_any_is_not_read(tmp_path: Path) -> None:
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 65535, 65535, MAX_DIRECTORY_BYTES + 1, 0, 0)
    with (tmp_path / "a.zip").open("wb") as file:
        file.seek(MAX_DIRECTORY_BYTES + 1)  # a hole: it takes no place on the disk
        file.write(end)
    with pytest.raises(UserError, match="list of members is too long"):
        open_source(tmp_path / "a.zip")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_fault_at_all_is_a_crash(data: st.DataObject, tmp_path: Path) -> None:
    method = data.draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]))
    file = make(tmp_path / "a.zip", {"a.png": CONTENT[:900], "b/c.png": b"1"}, method)
    content = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(content) - 1))
        content[position : position + 4] = data.draw(st.one_of(st.binary(max_size=8), st.just(b"\xff" * 8)))
    file.write_bytes(content)
    try:
        source = open_source(file)
    except UserError:
        return
    for member in source.members():
        with contextlib.suppress(OSError):
            assert len(source.read(member.path)) == member.size
