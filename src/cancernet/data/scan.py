"""From files to decoded patches, chunk by chunk on all cores; what cannot be used gets its reason."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from cancernet.common import defaults
from cancernet.common.text import utf8
from cancernet.common.threads import available_cpus
from cancernet.data.decode import Image, decode, fit_patch
from cancernet.data.headers import HEAD, BadImage
from cancernet.data.integrity import near_white
from cancernet.data.others import unpack
from cancernet.data.source import MAX_FILE_BYTES, FileSource, FolderSource, Member
from cancernet.data.zip_source import ZipSource

Source = FolderSource | FileSource | ZipSource

CHUNK = 256  # files a task: long enough to hide a thread's overhead, 2 MB of pixels


class Patches(NamedTuple):
    """One chunk of files, the good ones decoded. All lists and the array's first axis go together."""

    members: list[Member]  # the good ones, in order
    images: Image  # uint8 (n, 50, 50, 3)
    sizes: NDArray[np.int32]  # (n, 2) width, height in the file, px
    hashes: list[str]  # blake2b-128 of the decoded pixels and their shape
    near_white: NDArray[np.bool_]  # (n,)
    checked: list[Any]  # what `check` returned for each
    bad: list[tuple[str, str]]  # path, reason
    prefix: str = ""  # what stands before the members' names in a table

    @property
    def paths(self) -> list[str]:
        """The paths of the good ones, as a table shows them."""
        return [self.prefix + member.path for member in self.members]

    def without_pixels(self) -> Patches:
        """Return the same without the pixels, to be kept where many chunks are."""
        return self._replace(images=self.images[:0].copy())


def scan(
    source: Source, members: Sequence[Member], *, check: Callable[[str], Any] | None = None, workers: int | None = None
) -> Iterator[Patches]:
    """Yield all `members` decoded, chunk after chunk, in their order.

    Threads, not processes: OpenCV, zlib and hashlib release the interpreter lock, so two threads use
    two cores, and nothing has to be copied between processes.

    Args:
        source: where they are read.
        members: what to read.
        check: called with each path that can be read, its result kept; may raise BadImage to refuse it.
        workers: threads; by default the number of usable cores.
    """
    workers = workers or available_cpus()
    if len(members) <= CHUNK and workers == 1:  # nothing to do side by side
        yield scan_chunk(source, members, check)
        return
    chunks = [members[i : i + CHUNK] for i in range(0, len(members), CHUNK)]
    threads_before = cv2.getNumThreads()
    cv2.setNumThreads(1)  # its own pool would only fight with ours over patches this small
    pending: deque[Future[Patches]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        for chunk in chunks:
            pending.append(pool.submit(scan_chunk, source, chunk, check))
            if len(pending) > 2 * workers:  # bounded, however slow the one who writes
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        cv2.setNumThreads(threads_before)


def scan_chunk(source: Source, chunk: Sequence[Member], check: Callable[[str], Any] | None = None) -> Patches:
    """Read, decode and hash one chunk of files; see `scan`."""
    size = defaults.PATCH_SIZE
    images = np.empty((len(chunk), size, size, 3), np.uint8)
    good: list[Member] = []
    sizes: list[tuple[int, int]] = []
    hashes: list[str] = []
    checked: list[Any] = []
    bad: list[tuple[str, str]] = []
    for member in chunk:
        content = b""
        try:
            content = read_member(source, member)
            known = None if check is None else check(member.path)
            image = decode(content)
            images[len(good)] = fit_patch(image)
        except BadImage as reason:
            bad.append((utf8(member.path), unpack(member.path, content[:HEAD]) or str(reason)))
            continue
        good.append(member)
        sizes.append((image.shape[1], image.shape[0]))
        hashes.append(content_hash(image))
        checked.append(known)
    images = images[: len(good)]
    sizes_array = np.array(sizes, np.int32).reshape(-1, 2)
    return Patches(good, images, sizes_array, hashes, near_white(images), checked, bad)


def read_member(source: Source, member: Member) -> bytes:
    """Read one file that a patch may be in.

    Raises:
        BadImage: with the reason why it cannot be.
    """
    if utf8(member.path) != member.path:
        raise BadImage("unreadable (its name is not valid UTF-8)")
    if member.size > MAX_FILE_BYTES:
        raise BadImage(f"too large ({member.size:,} bytes; a patch has a few thousand)")
    try:
        return source.read(member.path)
    except OSError as error:
        raise BadImage(f"unreadable ({error.strerror or error})") from None


def content_hash(image: Image) -> str:
    """Return the blake2b-128 (32 hex digits) of an image's decoded pixels and shape.

    Of the pixels, not of the file: the same patch saved again with another compression is still the same.
    """
    return hashlib.blake2b(image.data, digest_size=16, salt=b"%dx%d" % image.shape[:2]).hexdigest()
