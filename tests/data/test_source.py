"""Folders and single files as sources."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cancernet.common.errors import UserError
from cancernet.data.source import Member, hidden, read_file
from cancernet.data.stream import open_source


def paths(members: list[Member]) -> list[str]:
    return [member.path for member in members]


def test_a_folder_lists_all_files_sorted_with_their_sizes(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "2.png").write_bytes(b"12")
    (tmp_path / "a.txt").write_bytes(b"1")
    members = open_source(tmp_path).members()
    assert paths(members) == ["a.txt", "b/2.png"]
    assert [member.size for member in members] == [1, 2]


def test_a_member_is_read_by_its_listed_path(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "2.png").write_bytes(b"content")
    assert open_source(str(tmp_path)).read("b/2.png") == b"content"


@pytest.mark.parametrize(
    "name",
    [".DS_Store", "__MACOSX/a.png", "Thumbs.db", "a/desktop.ini", ".git/config", "a/._b.png", "Desktop.ini",
     "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "@eaDir/a.png", "#recycle/a.png", "$RECYCLE.BIN/a.png",
     "lost+found/a.png", "System Volume Information/a", "Icon\r",
     ".Trash-1000/a.png", "@Recycle/a.png", ".snapshot/a.png"],
)  # fmt: skip
def test_what_file_managers_leave_behind_is_not_listed(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(b"x")
    assert hidden(name)
    assert open_source(tmp_path).members() == []
    if (tmp_path / name).parent == tmp_path:
        assert open_source(tmp_path / name).members() == []


def test_a_single_file_is_a_source_of_one_member(tmp_path: Path) -> None:
    (tmp_path / "p.png").write_bytes(b"x")
    source = open_source(tmp_path / "p.png")
    assert paths(source.members()) == ["p.png"]
    assert source.read("p.png") == b"x"


def test_a_missing_path_is_one_line_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere: no such folder or file"):
        open_source(tmp_path / "nowhere")


def test_a_folder_that_cannot_be_listed_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # By a patch and not by chmod: the superuser, as whom containers run, may read everything.
    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UserError, match="Permission denied"):
        open_source(tmp_path)


def test_a_folder_inside_that_cannot_be_listed_is_itself_a_member(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "a.png").write_bytes(b"x")
    listing = os.scandir

    def refuse(path: str) -> object:
        if "closed" in str(path)[len(str(tmp_path)) :]:
            raise PermissionError(13, "Permission denied", str(path))
        return listing(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert paths(open_source(tmp_path).members()) == ["a.png", "closed"]


def test_a_link_back_to_a_folder_above_ends(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.png").write_bytes(b"x")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    assert paths(open_source(tmp_path).members()) == ["a/x.png"]


def test_a_broken_link_is_listed_and_fails_only_when_read(tmp_path: Path) -> None:
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere")
    source = open_source(tmp_path)
    assert paths(source.members()) == ["gone.png"]
    with pytest.raises(OSError, match="No such file"):
        source.read("gone.png")


def test_the_stamp_changes_though_size_and_modification_time_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(b"one")
    os.utime(file, ns=(1, 1))
    before = open_source(tmp_path).members()
    file.write_bytes(b"two")
    os.utime(file, ns=(1, 1))
    assert open_source(tmp_path).members() != before


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 1000])
def test_a_file_is_read_whole_whatever_its_size(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    (tmp_path / "a").write_bytes(content)
    assert read_file(str(tmp_path / "a"), 100) == content


def test_reading_many_files_leaves_no_handle_open(tmp_path: Path, idc: Callable[..., Path]) -> None:
    if not Path("/proc/self/fd").exists():
        pytest.skip("open handles can be counted on Linux only")
    source = open_source(idc())
    members = source.members()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for member in members:
        source.read(member.path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("kind", ["pipe", "link to a device", "socket"])
def test_what_is_no_regular_file_is_listed_and_never_waited_for(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "a.png"
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "socket":
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(place))
        server.close()
    else:
        place.symlink_to("/dev/zero")
    source = open_source(tmp_path)
    assert paths(source.members()) == ["a.png"]
    with pytest.raises(OSError, match=rf"a {kind.rsplit(maxsplit=1)[-1]}, not a file"):
        source.read("a.png")
    with pytest.raises(UserError, match=rf"a {kind.rsplit(maxsplit=1)[-1]}, not a file; give a folder"):
        open_source(place)


def test_no_more_is_read_than_the_limit_whatever_size_was_listed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(5_000_000))
    with pytest.raises(OSError, match="more than 2,000,000 bytes"):
        read_file(str(tmp_path / "a"), most=2_000_000)
    assert len(read_file(str(tmp_path / "a"), most=5_000_000)) == 5_000_000


def test_a_folder_inside_that_cannot_be_listed_says_so_when_read(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir()
    with pytest.raises(OSError, match="a folder that cannot be listed"):
        open_source(tmp_path).read("closed")


def test_folders_within_each_other_have_no_limit(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1500):  # as deep as the system lets a path reach
        os.mkdir("a", dir_fd=here)
        inner = os.open("a", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(os.open("x.png", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
    assert [path.count("/") for path in paths(open_source(tmp_path).members())] == [1500]
    subprocess.run(["rm", "-r", str(tmp_path / "a")], check=True)  # Python's own way recurses too


def test_links_in_a_circle_are_listed(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert paths(open_source(tmp_path).members()) == ["a", "b"]


@pytest.mark.parametrize(
    ("head", "kind"), [(b"Rar!\x1a\x07", "rar"), (b"\x1f\x8b\x08", "gzip"), (b"a" * 257 + b"ustar\0", "tar")]
)
def test_an_archive_that_is_no_zip_is_named(tmp_path: Path, head: bytes, kind: str) -> None:
    (tmp_path / "a.zip").write_bytes(head)
    with pytest.raises(UserError, match=f"a {kind} archive, which cannot be read; unpack it"):
        open_source(tmp_path / "a.zip")


def test_a_name_that_no_file_can_have_is_one_line() -> None:
    with pytest.raises(UserError, match="no such folder or file"):
        open_source("a\0b")
