"""What is read of a mapped array does not stay in memory, and is what a plain one gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cancernet.common.mapped import KEPT_BYTES, Mapped, let_go, sparing

SHAPE = (6000, 50, 50, 3)  # 45 MB


@pytest.fixture
def plain(tmp_path: Path) -> np.memmap:
    """An array on disk in which each row holds its number."""
    made = np.memmap(tmp_path / "rows.u8", np.uint8, "w+", shape=SHAPE)
    made[:] = (np.arange(len(made)) % 251)[:, None, None, None]
    made.flush()
    let_go(made)
    return np.memmap(tmp_path / "rows.u8", np.uint8, "r", shape=SHAPE)


def resident_of_files() -> int:
    """Return how many MB of mapped files this process holds (Linux)."""
    return int(Path("/proc/self/status").read_text("ascii").split("RssFile:")[1].split()[0]) // 1024


@pytest.mark.parametrize(
    "index",
    [
        [5, 3, 3],
        np.array([4999, 0]),
        np.array([-1], np.int64),
        slice(2, 9, 3),
        7,
        (slice(0, 3), 4),
        np.arange(SHAPE[0]) == 8,
        np.empty(0, int),
        ...,
    ],
)
def test_it_gives_what_a_plain_array_gives(plain: np.memmap, index: object) -> None:
    found = sparing(plain)[index]
    np.testing.assert_array_equal(found, np.asarray(plain)[index])
    assert found.dtype == np.uint8


def test_rows_beyond_the_end_are_refused_as_by_a_plain_array(plain: np.memmap) -> None:
    with pytest.raises(IndexError):
        sparing(plain)[np.array([SHAPE[0]])]


def test_rows_that_were_copied_are_the_readers_own(plain: np.memmap) -> None:
    found = sparing(plain)[np.arange(3)]
    assert type(found) is np.ndarray
    found[:] = 9
    assert plain[0, 0, 0, 0] == 0


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the kernel of Linux tells what is resident")
def test_reading_all_of_it_in_any_order_leaves_next_to_nothing_in_memory(plain: np.memmap) -> None:
    images, before = sparing(plain), resident_of_files()
    images[np.random.default_rng(0).permutation(len(images))]
    images[np.arange(KEPT_BYTES // images[0].nbytes + 1)]  # enough to be given back once more
    assert resident_of_files() - before < plain.nbytes / 1e6 / 4
    _ = plain[np.arange(len(plain))]  # the same by a plain one stays
    assert resident_of_files() - before > plain.nbytes / 1e6 / 2


def test_only_what_is_mapped_is_changed() -> None:
    array = np.zeros((3, 2))
    assert sparing(array) is array
    let_go(array)


def test_a_mapped_array_keeps_the_name_of_its_file(plain: np.memmap) -> None:
    assert isinstance(sparing(plain), Mapped)
    assert sparing(plain).filename == plain.filename
