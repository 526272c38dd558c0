"""The packed array: right, made once, whole or absent."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from cancernet.common.errors import UserError
from cancernet.data import pack as pack_module
from cancernet.data.decode import decode, fit_patch
from cancernet.data.layout import Labels
from cancernet.data.pack import Pack, default_cache_dir, hash_table, pack

Folder = Callable[..., Path]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def packs(cache: Path) -> list[Path]:
    return sorted(item for item in (cache / "packs").iterdir() if item.suffix != ".lock")


def assert_right(made: Pack, root: Path) -> None:
    assert made.images.shape == (len(made.table), 50, 50, 3)
    for image, path in zip(made.images, made.table["path"], strict=True):
        np.testing.assert_array_equal(image, fit_patch(decode((root / path).read_bytes())))


def test_row_i_of_the_table_is_image_i(idc: Folder, cache: Path, undisturbed: Callable) -> None:
    root = idc()
    undisturbed(root)
    made = pack(root, cache_dir=cache)
    assert len(made.table) == 14
    assert made.layout == "patient/class"
    assert made.root == root
    assert not made.synthetic
    assert_right(made, root)


def test_the_array_is_read_only_and_on_disk(idc: Folder, cache: Path) -> None:
    images = pack(idc(), cache_dir=cache).images
    assert isinstance(images, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        images[0] = 0


def test_a_second_call_reads_no_patch_again(idc: Folder, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = idc()
    first = pack(root, cache_dir=cache)

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("packed again")

    monkeypatch.setattr(pack_module, "catalog", forbidden)
    second = pack(root, cache_dir=cache)
    assert second.table.equals(first.table)
    assert (second.table.dtypes == first.table.dtypes).all()
    assert second.quarantine.equals(first.quarantine)
    assert second.data_hash == first.data_hash
    np.testing.assert_array_equal(second.images, first.images)


def test_missing_positions_and_text_like_numbers_survive_the_disk(
    tmp_path: Path, cache: Path, png: Callable, patch: Callable
) -> None:
    for label in (0, 1):
        for patient in ("007", "NA", "1e5"):
            folder = tmp_path / "d" / patient / str(label)
            folder.mkdir(parents=True)
            (folder / 'a, "b".png').write_bytes(png(patch(hash_of(patient) + label)))
    pack(tmp_path / "d", cache_dir=cache)
    table = pack(tmp_path / "d", cache_dir=cache).table
    assert sorted(set(table["patient"])) == ["007", "1e5", "NA"]
    assert table["x"].isna().all()
    assert table["path"].iloc[0] == '007/0/a, "b".png'


@pytest.mark.parametrize(
    "name", ["a\rb.png", "a\nb.png", "Icon\r.png", "=1+1.png", "\x1b[31m.png", "\\x0d.png", '"\t.png']
)
def test_any_name_survives_the_disk(tmp_path: Path, cache: Path, png: Callable, patch: Callable, name: str) -> None:
    for label in (0, 1):
        folder = tmp_path / "d" / "NA" / str(label)
        folder.mkdir(parents=True)
        (folder / name).write_bytes(png(patch(label)))
        (folder / f"bad {name}").write_bytes(b"none")
    first, again = pack(tmp_path / "d", cache_dir=cache), pack(tmp_path / "d", cache_dir=cache)
    assert again.table["path"].tolist() == first.table["path"].tolist() == [f"NA/0/{name}", f"NA/1/{name}"]
    assert again.quarantine["path"].tolist() == [f"NA/0/bad {name}", f"NA/1/bad {name}"]


def test_what_the_user_says_of_labels_makes_another_pack(
    tmp_path: Path, cache: Path, png: Callable, patch: Callable
) -> None:
    for i, name in enumerate(("a/x", "a/y", "b/x", "b/y")):
        (tmp_path / "d" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "d" / f"{name}.png").write_bytes(png(patch(i)))
    listed = tmp_path / "p.csv"
    listed.write_text("path,patient\n*/x.png,P1\n*/y.png,P2\n")
    one = pack(tmp_path / "d", labels=Labels(["a"], ["b"]), cache_dir=cache).table
    other = pack(tmp_path / "d", labels=Labels(["b"], ["a"]), cache_dir=cache).table
    assert one["label"].tolist() == [0, 0, 1, 1]
    assert other["label"].tolist() == [1, 1, 0, 0]
    labels = Labels(["a"], ["b"], listed)
    assert pack(tmp_path / "d", labels=labels, cache_dir=cache).table["patient"].tolist() == ["P1", "P2"] * 2
    listed.write_text("path,patient\n*/x.png,P1\n*/y.png,P3\n")
    assert pack(tmp_path / "d", labels=labels, cache_dir=cache).table["patient"].tolist() == ["P1", "P3"] * 2


def hash_of(text: str) -> int:
    return sum(text.encode()) * 10


def change_pixels(file: Path, other: Path) -> None:
    file.write_bytes(other.read_bytes())


@pytest.mark.parametrize("change", ["content", "content, old time", "added", "removed", "renamed"])
def test_a_changed_folder_is_packed_anew(idc: Folder, cache: Path, png: Callable, patch: Callable, change: str) -> None:
    root = idc()
    before = pack(root, cache_dir=cache)
    victim = sorted(root.rglob("*.png"))[0]
    times = (victim.stat().st_atime_ns, victim.stat().st_mtime_ns)
    if change == "added":
        victim.with_name(victim.name.replace("_x1_", "_x901_")).write_bytes(png(patch(77)))
    elif change == "removed":
        victim.unlink()
    elif change == "renamed":
        victim.rename(victim.with_name(victim.name.replace("_x1_", "_x951_")))
    else:
        victim.write_bytes(png(patch(77)))
        if change == "content, old time":
            os.utime(victim, ns=times)
    after = pack(root, cache_dir=cache)
    assert after.data_hash != before.data_hash
    assert after.quarantine.empty
    assert_right(after, root)


def test_the_data_hash_depends_on_content_and_not_on_place_or_time(idc: Folder, cache: Path, tmp_path: Path) -> None:
    root = idc()
    copy = shutil.copytree(root, tmp_path / "copy")
    one, two = pack(root, cache_dir=cache), pack(copy, cache_dir=cache)
    assert one.data_hash == two.data_hash == hash_table(one.table.sample(frac=1, random_state=0))
    relabelled = one.table.assign(label=1 - one.table["label"])
    assert hash_table(relabelled) != one.data_hash


@pytest.mark.parametrize("where", ["first", "middle", "last", "many"])
def test_copies_leave_no_gap_in_the_array(idc: Folder, cache: Path, where: str) -> None:
    root = idc({"1": (3, 3), "5": (3, 3), "9": (3, 3)})
    files = sorted(root.rglob("*.png"))
    pairs = {
        "first": [(files[0], root / "9/1/9_idx5_x901_y1_class1.png")],  # two labels: the first row goes
        "middle": [(files[0], root / "5/0/5_idx5_x901_y1_class0.png")],
        "last": [
            (files[0], root / "9/0/9_idx5_x901_y1_class0.png"),
            (files[17], root / "9/1/9_idx5_x951_y1_class1.png"),
        ],
        "many": [(f, f.with_name(f.name.replace("_x", "_x9"))) for f in files[::2]],
    }[where]
    for source, target in pairs:
        shutil.copy(source, target)
    made = pack(root, cache_dir=cache)
    assert len(made.quarantine) == (2 if where == "first" else len(pairs))
    assert_right(made, root)


def test_more_patches_than_one_block_of_moves_stay_in_place(
    idc: Folder, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack_module, "_BLOCK", 7)
    root = idc({"1": (20, 20), "2": (20, 20)})
    for file in sorted(root.rglob("*.png"))[::9]:
        shutil.copy(file, file.with_name(file.name.replace("_x", "_x9")))
    assert_right(pack(root, cache_dir=cache), root)


def test_a_zip_is_packed_like_its_folder_without_being_unpacked(
    idc: Folder, zipped: Callable[..., Path], cache: Path
) -> None:
    root = idc()
    archive = zipped(root)
    around = sorted(archive.parent.iterdir())
    made = pack(archive, cache_dir=cache)
    np.testing.assert_array_equal(made.images, pack(root, cache_dir=cache).images)
    assert sorted(set(archive.parent.iterdir()) - {cache}) == sorted(set(around) - {cache})


def test_the_marker_of_a_synthetic_sample_survives_the_disk(idc: Folder, cache: Path) -> None:
    root = idc()
    (root / "SYNTHETIC.txt").write_text("x")
    assert pack(root, cache_dir=cache).synthetic
    assert pack(root, cache_dir=cache).synthetic


@pytest.mark.parametrize("damage", ["short array", "no table", "short table", "bad json", "no array"])
def test_a_damaged_pack_is_made_again(idc: Folder, cache: Path, damage: str) -> None:
    root = idc()
    pack(root, cache_dir=cache)
    (folder,) = packs(cache)
    if damage == "short array":
        os.truncate(folder / "images.u8", 100)
    elif damage == "no array":
        (folder / "images.u8").unlink()
    elif damage == "no table":
        (folder / "table.csv").unlink()
    elif damage == "short table":
        lines = (folder / "table.csv").read_text().splitlines()
        (folder / "table.csv").write_text("\n".join(lines[:3]))
    else:
        (folder / "pack.json").write_text("{")
    assert_right(pack(root, cache_dir=cache), root)


def test_a_pack_killed_at_any_moment_leaves_nothing_that_looks_finished(idc: Folder, cache: Path) -> None:
    root = idc({str(p): (40, 40) for p in range(5)})
    code = (
        "import time, sys\nfrom pathlib import Path\nfrom cancernet.data import pack as module\n"
        "writing = module._write_table\n"
        "module._write_table = lambda *a: (writing(*a), print('written', flush=True), time.sleep(9999))\n"
        "module.pack(sys.argv[1], cache_dir=Path(sys.argv[2]))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, root, cache], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"written\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    (leftover,) = packs(cache)
    assert leftover.suffix == ".tmp"
    assert_right(pack(root, cache_dir=cache), root)
    (made,) = packs(cache)  # and what it left has been cleared
    assert made.suffix != ".tmp"


def test_two_processes_that_pack_one_folder_at_once_both_get_it_whole(idc: Folder, cache: Path) -> None:
    root = idc({"8863": (30, 20), "9001": (10, 40)})
    code = (
        "import sys; from pathlib import Path; from cancernet.data.pack import pack\n"
        "made = pack(sys.argv[1], cache_dir=Path(sys.argv[2])); print(made.data_hash, int(made.images.sum()))"
    )
    command = [sys.executable, "-c", code, str(root), str(cache)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = {each.communicate()[0] for each in both}
    assert {each.returncode for each in both} == {0}
    assert len(said) == 1
    assert len(packs(cache)) == 1


def test_an_error_on_the_way_leaves_nothing(idc: Folder, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pack_module, "_write_table", fail)
    with pytest.raises(KeyboardInterrupt):
        pack(idc(), cache_dir=cache)
    assert packs(cache) == []


def test_a_full_disk_is_said_before_anything_is_read(idc: Folder, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 1000))
    with pytest.raises(UserError, match=r"disk full.*CANCERNET_CACHE"):
        pack(idc(), cache_dir=cache)
    assert packs(cache) == []


def test_a_disk_that_fills_on_the_way_is_one_line(idc: Folder, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pack_module, "_write_table", full)
    with pytest.raises(UserError, match="disk full"):
        pack(idc(), cache_dir=cache)
    assert packs(cache) == []


def test_a_cache_that_cannot_be_written_is_one_line(idc: Folder, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file, not a folder")
    with pytest.raises(UserError, match="cannot be written"):
        pack(idc(), cache_dir=tmp_path / "cache")


def test_the_cache_is_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANCERNET_CACHE", str(tmp_path))
    assert default_cache_dir() == tmp_path
    monkeypatch.delenv("CANCERNET_CACHE")
    assert "cancernet" in str(default_cache_dir())


def test_other_rules_give_another_pack(idc: Folder, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = idc()
    pack(root, cache_dir=cache)
    monkeypatch.setattr(pack_module, "FORMAT", 99)
    pack(root, cache_dir=cache)
    assert len(packs(cache)) == 2


def test_a_pack_says_where_it_came_from(idc: Folder, cache: Path) -> None:
    root = idc()
    pack(root, cache_dir=cache)
    about = json.loads((packs(cache)[0] / "pack.json").read_text())
    assert about["source"] == str(root)


@pytest.mark.real
@pytest.mark.slow
def test_the_real_patches_pack_in_bounded_memory(real_data: Path, cache: Path) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("this system does not say how much memory a process took at most")
    code = (
        "import re, sys; from pathlib import Path; from cancernet.data.pack import pack\n"
        "pack(sys.argv[1], cache_dir=Path(sys.argv[2]))\n"
        "print(re.search(r'VmHWM:\\s+(\\d+) kB', Path('/proc/self/status').read_text())[1])"
    )  # in a process of its own; getrusage would count what its parent held before
    command = [sys.executable, "-c", code, str(real_data / "idc"), str(cache)]
    peak = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    made = pack(real_data / "idc", cache_dir=cache)
    files = sum(1 for _ in (real_data / "idc").rglob("*.png"))
    assert files == len(made.table) + len(made.quarantine)
    assert len(made.quarantine) < files / 100
    assert 0 < made.table["padded"].mean() < 0.02
    assert 0.001 < made.table["near_white"].mean() < 0.02
    assert made.table["label"][made.table["near_white"]].mean() < 0.1  # empty glass is hardly ever malignant
    assert peak < 500_000  # kB


MOVED = """
import sys
from pathlib import Path
from types import SimpleNamespace
import numpy as np
from cancernet.data.pack import _drop_copies

def peak():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024

file, n = Path(sys.argv[1]), 40_000
with file.open("wb") as array:
    array.truncate(n * 7500)
before = peak()
_drop_copies(file, SimpleNamespace(slots=np.arange(1, n)))
print(peak() - before, file.stat().st_size // 7500)
"""


@pytest.mark.slow
def test_closing_gaps_holds_no_more_than_a_block_in_memory(tmp_path: Path) -> None:
    if not Path("/proc/self/status").is_file():
        pytest.skip("this system does not say how much memory a process took at most")
    ended = subprocess.run(
        [sys.executable, "-c", MOVED, str(tmp_path / "a.u8")], capture_output=True, text=True, check=True
    )
    grown, left = map(int, ended.stdout.split())
    assert left == 39_999
    assert grown < 100  # MB; the array has 300


def test_what_a_killed_run_left_of_another_listing_is_cleared_unless_it_is_being_made(idc: Folder, cache: Path) -> None:
    packs = cache / "packs"
    for name in ("dead", "alive"):
        (packs / f".{name}.tmp").mkdir(parents=True)
        (packs / f".{name}.tmp" / "images.u8").write_bytes(b"half")
    with FileLock(packs / ".alive.lock"):
        pack(idc(), cache_dir=cache)
    assert [item.name for item in packs.iterdir() if item.suffix == ".tmp"] == [".alive.tmp"]
