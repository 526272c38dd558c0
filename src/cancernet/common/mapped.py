"""Arrays on disk whose pages leave this process again: reading all of one does not make the process as large as it.

A page of a mapped file that was read counts as resident until the kernel takes it back, which it does only once memory
runs out. A pass over a packed array of 2 GB so stands at 2 GB more, and on a laptop of 8 GiB looks like the end. The
kernel is told every so often that these pages may go; it keeps them in its own cache, and mapping one again costs a
microsecond or so.
"""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np

# Bytes of rows copied between two times. Linux maps up to 2 MB about a row in its cache, so 66 random rows of 7.5 kB
# make at most 130 MB resident; a random patch then costs 3.6 us in place of 2.2 (11 on a machine under load), of a
# training step of 50 ms 0.1 to 0.6 ms.
KEPT_BYTES = 500_000


class Mapped(np.memmap):
    """A memory-mapped array, for reading, that holds hardly any of its file in memory.

    Rows that are copied out of it by an array or a list of their numbers are copied some at a time, and the pages that
    were read are given back in between. Slices are views as of any array, read as they are used; their pages go when
    rows are next copied, or by `let_go`.
    """

    def __getitem__(self, index: Any) -> Any:
        rows = np.asarray(index) if isinstance(index, list | np.ndarray) else None
        if rows is None or rows.ndim != 1 or rows.dtype.kind not in "iu" or self.ndim < 2:
            return super().__getitem__(index)
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        plain = self.view(np.ndarray)
        step = max(1, KEPT_BYTES // max(1, found[:1].nbytes))
        for start in range(0, len(rows), step):
            found[start : start + step] = plain[rows[start : start + step]]
            self._count(found[start : start + step].nbytes)
        return found

    def _count(self, read: int) -> None:
        """Note that so many bytes were read, and give pages back where it is time to."""
        self._read = getattr(self, "_read", 0) + read
        if self._read >= KEPT_BYTES:
            let_go(self)
            self._read = 0


def sparing(array: np.ndarray) -> np.ndarray:
    """Return a mapped array as one that holds hardly any of its file in memory; any other as it is."""
    return array.view(Mapped) if type(array) is np.memmap else array


def let_go(array: np.ndarray) -> None:
    """Tell the kernel that the pages of a mapped array may leave this process; nothing is lost, nothing is written.

    Args:
        array: in memory (then nothing is done), or mapped for reading.
    """
    file = getattr(array, "_mmap", None)
    advice = getattr(mmap, "MADV_DONTNEED", None)  # Windows has none, and counts such pages otherwise
    if isinstance(file, mmap.mmap) and advice is not None:
        file.madvise(advice)
