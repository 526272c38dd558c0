"""Pictures of remembered training patches, from the user's own copy of the data; the bundle holds none."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cancernet.data.catalog import open_labelled
from cancernet.data.decode import decode, fit_patch
from cancernet.data.headers import BadImage
from cancernet.data.scan import content_hash, read_member
from cancernet.data.source import Member


class Pictures:
    """Looks training patches up in a folder or zip, each once. A picture is shown only if its pixels are the ones.

    Args:
        data: folder or zip.

    Raises:
        UserError: it cannot be opened or is empty.
    """

    def __init__(self, data: Path) -> None:
        stream = open_labelled(data)
        self._source, members = stream.parts[0].source, stream.members
        self._by_name: dict[str, list[Member]] = {}
        for member in members:
            self._by_name.setdefault(member.path.rpartition("/")[2], []).append(member)
        self._known: dict[str, np.ndarray | None] = {}

    def get(self, path: str, pixel_hash: str) -> np.ndarray | None:
        """Return a patch uint8 (50, 50, 3) by its path in the training data, or by its name in another folder.

        Args:
            path: as the bundle remembers it.
            pixel_hash: of its pixels; what is another patch of that name is not returned.
        """
        if pixel_hash not in self._known:
            self._known[pixel_hash] = self._find(path, pixel_hash)
        return self._known[pixel_hash]

    def _find(self, path: str, pixel_hash: str) -> np.ndarray | None:
        named = self._by_name.get(path.rpartition("/")[2], [])
        for member in sorted(named, key=lambda each: each.path != path):
            try:
                image = decode(read_member(self._source, member))
                if content_hash(image) == pixel_hash:
                    return fit_patch(image)
            except BadImage:
                continue  # then it is not that patch, which was a good one
        return None
