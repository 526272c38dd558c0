"""The packed array: all patches of a folder as one uint8 array on disk, beside its table.

Decoding a PNG takes some 80 us, reading it from the array 1 us, and training reads it every epoch.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import platformdirs
from filelock import FileLock, Timeout

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.common.files import read_json, to_json, write_text
from cancernet.common.mapped import sparing
from cancernet.common.text import TO_ESCAPE, escape, unescape
from cancernet.data.catalog import Catalog, catalog, open_labelled
from cancernet.data.decode import Image
from cancernet.data.layout import Labels
from cancernet.data.stream import PatchStream

FORMAT = 2  # raise it when what is written, or how patches are chosen, changes
_BLOCK = 1000  # patches moved at a time (7.5 MB)
_SHAPE = (defaults.PATCH_SIZE, defaults.PATCH_SIZE, 3)
_PATCH_BYTES = int(np.prod(_SHAPE))
_TYPES = {
    "path": "str", "patient": "str", "x": "Int64", "y": "Int64", "label": "int8", "width": "int32",
    "height": "int32", "hash": "str", "padded": "bool", "near_white": "bool",
}  # fmt: skip


@dataclass(frozen=True)
class Pack:
    """All usable patches of a folder or zip; row i of `table` belongs to `images[i]`."""

    images: np.ndarray  # uint8 RGB (N, 50, 50, 3), read-only, mapped from disk by `Mapped`
    table: pd.DataFrame  # see `Catalog`
    quarantine: pd.DataFrame  # path, reason
    layout: str
    data_hash: str  # SHA-256 over sorted (path, label, hash)
    root: Path
    synthetic: bool
    warnings: list[str]


def pack(path: Path | str, *, labels: Labels | None = None, cache_dir: Path | None = None) -> Pack:
    """Give a labelled folder or zip as one array; made once, and again only when the folder has changed.

    A change is noticed by the listing (paths, sizes, times; in a zip, checksums). A pack appears in the cache
    whole or not at all, however it ends.

    Args:
        path: folder or zip; see `cancernet.data.layout` for how it can be laid out.
        labels: what the user says of classes and patients.
        cache_dir: where packs are kept, 7.5 kB a patch; by default `default_cache_dir()`.

    Raises:
        UserError: see `catalog`; also a cache that cannot be written or a disk that is full.
    """
    stream = open_labelled(path)
    packs = (cache_dir or default_cache_dir()) / "packs"
    target = packs / _fingerprint(stream, labels)
    ready = _open(target, stream.root)
    if ready is not None:
        return ready
    try:
        packs.mkdir(parents=True, exist_ok=True)
        with FileLock(packs / f".{target.name}.lock"):  # of two at once the second waits, and finds it made
            ready = _open(target, stream.root)
            if ready is not None:
                return ready
            _clear_killed(packs, but=target)
            _make(stream, labels, target)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _disk_full(packs, len(stream)) from None
        raise UserError(f"{packs}: cannot be written ({error.strerror}); name another by CANCERNET_CACHE") from None
    made = _open(target, stream.root)
    if made is None:
        raise UserError(f"{target}: was damaged while it was written; delete it and run again")
    return made


def default_cache_dir() -> Path:
    """Return $CANCERNET_CACHE, or else the user's own cache folder."""
    return Path(os.environ.get("CANCERNET_CACHE") or platformdirs.user_cache_dir("cancernet"))


def hash_table(table: pd.DataFrame) -> str:
    """Return the SHA-256 (hex) of a table's content: sorted lines of path, label and pixel hash."""
    columns = (table[name].tolist() for name in ("path", "label", "hash"))  # plain lists: read twice as fast
    rows = sorted(zip(*columns, strict=True))
    return hashlib.sha256("".join(f"{p}\t{label}\t{h}\n" for p, label, h in rows).encode()).hexdigest()


def _fingerprint(stream: PatchStream, labels: Labels | None) -> str:
    """Return a name for this listing under these rules."""
    limits = defaults.MIN_PATCH_SIDE, defaults.WHITE_LEVEL, defaults.WHITE_SPREAD
    rules = (FORMAT, stream.synthetic, _SHAPE, *limits)
    digest = hashlib.sha256(repr(rules).encode() + (labels.digest() if labels else b""))
    for member in stream.members:
        digest.update(f"{member.path}\t{member.size}\t{member.stamp}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:32]


def _disk_full(folder: Path, n: int) -> UserError:
    need = n * _PATCH_BYTES / 1e6
    return UserError(
        f"{folder}: disk full, {need:,.0f} MB are needed; free some or set CANCERNET_CACHE to another disk"
    )


def _make(stream: PatchStream, labels: Labels | None, target: Path) -> None:
    """Build a pack in a folder beside `target`, then rename it; nobody else does so meanwhile."""
    if shutil.disk_usage(target.parent).free < len(stream) * (_PATCH_BYTES + 500):  # + its row of the table
        raise _disk_full(target.parent, len(stream))
    staging = target.with_name(f".{target.name}.tmp")
    shutil.rmtree(staging, ignore_errors=True)  # of a run that was killed
    staging.mkdir()
    try:
        # Unbuffered: Python's buffer would copy each block piece by piece, three times the cost of writing it.
        with (staging / "images.u8").open("wb", buffering=0) as file:

            def write(images: Image) -> None:
                rest = images.data.cast("B")
                while rest:  # a raw write may stop short
                    rest = rest[file.write(rest) or 0 :]

            found = catalog(stream, labels=labels, sink=write)
        _drop_copies(staging / "images.u8", found)
        _write_table(staging, found)
        shutil.rmtree(target, ignore_errors=True)  # a pack that did not open
        staging.rename(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _clear_killed(packs: Path, but: Path) -> None:
    """Remove what killed runs left half-made of other listings; `but`, whose lock is held, clears its own."""
    for staging in packs.glob(".*.tmp"):
        if staging.stem == f".{but.name}":
            continue
        with suppress(Timeout), FileLock(staging.with_suffix(".lock"), timeout=0):  # held by one that is alive
            shutil.rmtree(staging, ignore_errors=True)


def _drop_copies(file: Path, found: Catalog) -> None:
    """Close the gaps that quarantined copies left in the array, in place, a few MB at a time."""
    n = len(found.slots)
    shape = (file.stat().st_size // _PATCH_BYTES, *_SHAPE)
    for start in range(0, n, _BLOCK):
        block = found.slots[start : start + _BLOCK]
        if block[-1] == start + len(block) - 1:  # no gap so far
            continue
        images = np.memmap(file, np.uint8, "r+", shape=shape)  # anew, or all that was moved would stay in memory
        images[start : start + len(block)] = images[block]  # never ahead of what is still to be read
        del images
    os.truncate(file, n * _PATCH_BYTES)


def _write_table(staging: Path, found: Catalog) -> None:
    _texts(found.table, escape).to_csv(staging / "table.csv", index=False)
    _texts(found.quarantine, escape).to_csv(staging / "quarantine.csv", index=False)
    about = {
        "n": len(found.table),
        "layout": found.layout,
        "data_hash": hash_table(found.table),
        "synthetic": found.synthetic,
        "warnings": found.warnings,
        "source": str(found.root.absolute()),
    }
    write_text(staging / "pack.json", to_json(about))


def _texts(table: pd.DataFrame, change: Callable[[str], str]) -> pd.DataFrame:
    """Return a table with `change` made to what strangers wrote: a name may hold what ends a line of a CSV."""
    written = [
        name for name in ("path", "patient", "reason") if name in table and table[name].str.contains(TO_ESCAPE).any()
    ]
    return table.assign(**{name: table[name].map(change).astype("str") for name in written})


def _open(folder: Path, root: Path) -> Pack | None:
    """Open a finished pack, or return None where there is none or it is not whole."""
    about = read_json(folder / "pack.json", dict) or {}
    try:
        n = about["n"]
        if (folder / "images.u8").stat().st_size != n * _PATCH_BYTES:
            return None
        known = {name: about[name] for name in ("layout", "data_hash", "synthetic", "warnings")}
        blank = {"x": [""], "y": [""]}
        table = pd.read_csv(folder / "table.csv", dtype=_TYPES, keep_default_na=False, na_values=blank)
        quarantine = pd.read_csv(folder / "quarantine.csv", dtype="str", keep_default_na=False)
        table, quarantine = _texts(table, unescape), _texts(quarantine, unescape)
        images = sparing(np.memmap(folder / "images.u8", np.uint8, "r", shape=(n, *_SHAPE)))
    except (OSError, ValueError, KeyError):
        return None
    return Pack(images, table, quarantine, root=root, **known) if len(table) == n else None
