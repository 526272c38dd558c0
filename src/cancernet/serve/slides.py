"""Which slides there are below a server's folder. Nobody outside learns or says a path: a slide goes by an id."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

from cancernet.common.errors import UserError
from cancernet.common.files import real
from cancernet.common.text import utf8
from cancernet.slide.gather import find_slides
from cancernet.slide.inputs import SlideInput

ID = 16  # hexadecimal digits of an id; of a million slides two have the same once in 37 million folders
KEEP_S = 2.0  # that a listing is good for, at least
KEEP_TIMES = 10  # as long as it took: a folder of many slides is not gone through again and again
AWAY = "a link that leads out of the folder of slides; put the slide itself there"
GONE = "the folder of slides is not there"


@dataclass(frozen=True)
class Slide:
    """A slide.

    Attributes:
        id: hash of its path below the folder.
        name: that path, or of a slide in several files that of its folder.
        item: itself, by absolute paths.
    """

    id: str
    name: str
    item: SlideInput

    @property
    def bytes(self) -> int:
        """Of all its files; 0 where they cannot be seen."""
        try:
            return sum(path.stat().st_size for path in self.item.files or (self.item.path,))
        except OSError:
            return 0


@dataclass(frozen=True)
class Listing:
    """What there is: slides by id in the order of their paths; path and reason of what is none; notes."""

    slides: dict[str, Slide]
    errors: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


class Slides:
    """The slides below a folder.

    Args:
        root: the folder.
        keep_s: how long a listing is good for, at least.

    Raises:
        UserError: there is no such folder.
    """

    def __init__(self, root: Path, *, keep_s: float = KEEP_S) -> None:
        self.root = root.expanduser().absolute()
        if not self.root.is_dir():
            raise UserError(f"--slides {root}: no such folder; check the name")
        self._keep_s, self._until = keep_s, 0.0
        self._lock = threading.Lock()
        self._found = Listing({})

    def list(self) -> Listing:
        """Return what there is, now or a moment ago."""
        with self._lock:
            begun = time.monotonic()
            if begun >= self._until:
                self._found = self._look()
                ended = time.monotonic()
                self._until = ended + max(self._keep_s, KEEP_TIMES * (ended - begun) if self._keep_s else 0)
            return self._found

    def find(self, key: str) -> Slide | None:
        """Return the slide of an id, if it is there."""
        found = self.list().slides.get(key)
        return found if found and self._is_within(found.item) else None

    def shown(self, text: str) -> str:
        """Return a text without the path of the folder in it."""
        for root in {str(self.root), self.root.as_posix(), str(real(self.root))}:
            text = text.replace(f"{utf8(root)}/", "").replace(utf8(root), ".")
        return text

    def _look(self) -> Listing:
        if not self.root.is_dir():  # a disk that is not mounted
            return Listing({}, ((".", GONE),))
        found = find_slides(self.root)
        errors = [(self.shown(path), self.shown(reason)) for path, reason in found.failed]
        slides: dict[str, Slide] = {}
        for item in found.slides:
            path = item.path.relative_to(self.root)
            if not self._is_within(item):
                errors.append((utf8(path.as_posix()), AWAY))
                continue
            key = hashlib.sha256(path.as_posix().encode("utf-8", "surrogateescape")).hexdigest()[:ID]
            name = (path.parent / item.name).as_posix() if len(item.files) > 1 and item.name else path.as_posix()
            slides[key] = Slide(key, utf8(name), replace(item, said_by="mpp"))
        return Listing(slides, tuple(errors), tuple(map(self.shown, found.notes)))

    def _is_within(self, item: SlideInput) -> bool:
        root = real(self.root)
        return all(real(path).is_relative_to(root) for path in item.files or (item.path,))
