"""A first look at a slide: its size, its scale and a thumbnail. Read in a process of its own, and remembered."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from cancernet.common.apart import apart
from cancernet.common.executor import WorkerDiedError
from cancernet.common.files import read_json, to_json, write_bytes, write_text
from cancernet.serve.problems import Problem
from cancernet.serve.slides import Slide
from cancernet.slide.formats import Reader, open_slide
from cancernet.slide.inputs import SlideInput
from cancernet.slide.job import identify
from cancernet.slide.scale import BadSlide, Scale, UnknownScale, settle
from cancernet.slide.section import plan_reduction, reduced_bands

SIDE_PX = 512  # longer side of a thumbnail
QUALITY = 85  # of its JPEG
WITHIN_S = 100.0  # for a look; a slide without coarse levels is read whole
DAY_S = 86_400
ENDS = "it ends the process that reads it; it is damaged, or there is too little memory"
UNSEEN = "there is no thumbnail: "


@dataclass(frozen=True)
class Ask:
    """A slide to look at, as another process is told of it.

    Attributes:
        item: the slide.
        owner: from `job.identify`.
        model_mpp: um/px of the model, which a slide must not be coarser than.
        about: file for what is found; one beside it, `picture`, gets the thumbnail.
    """

    item: SlideInput
    owner: dict[str, Any]
    model_mpp: float
    about: Path

    @property
    def picture(self) -> Path:
        """The file of the thumbnail."""
        return self.about.with_suffix(".jpg")

    def known(self) -> dict[str, Any] | None:
        """Return what was found before, where the slide is still the same."""
        found = read_json(self.about, dict) or {}
        mark = [found.get("owner"), found.get("model_mpp")]
        return found if mark == [self.owner, self.model_mpp] and "unseen" in found else None

    def write(self, found: dict[str, Any]) -> None:
        """Remember what was found."""
        write_text(self.about, to_json(found | {"owner": self.owner, "model_mpp": self.model_mpp}))


class Looks:
    """What is known of slides.

    Args:
        folder: where it is remembered.
        model_mpp: um/px of the model.
        within_s: for a look.
    """

    def __init__(self, folder: Path, model_mpp: float, *, within_s: float = WITHIN_S) -> None:
        self._folder, self._model_mpp, self._within_s = folder, model_mpp, within_s
        self._locks: dict[str, threading.Lock] = defaultdict(threading.Lock)

    def known(self, slide: Slide) -> dict[str, Any] | None:
        """Return what was found before, without reading the slide; see `look`.

        Raises:
            Problem: the slide is gone.
        """
        return self._ask(slide).known()

    def find(self, slide: Slide) -> dict[str, Any]:
        """Return what is found, now or before; see `look`. It takes a second or more, in a process of its own.

        Raises:
            Problem: the slide is gone.
            UserError: what reads slides is not installed.
        """
        asked = self._ask(slide)
        with self._locks[slide.id]:  # of two who ask at once the second finds it
            if (found := asked.known()) is not None:
                return found
            asked.about.unlink(missing_ok=True)
            try:
                apart(look, asked, within_s=self._within_s)
            except (WorkerDiedError, MemoryError):
                self._note(asked, ENDS)
            except TimeoutError:
                self._note(asked, f"it takes longer than {self._within_s:g} s to read")
            return asked.known() or {"problem": "invalid", "detail": "it changes while it is read", "unseen": ""}

    def thumbnail(self, slide: Slide, found: dict[str, Any]) -> bytes:
        """Return a JPEG.

        Args:
            slide: the slide.
            found: from `find`.

        Raises:
            Problem: there is none.
        """
        if found["unseen"]:
            raise Problem("invalid", UNSEEN + found["unseen"])
        try:
            return self._ask(slide).picture.read_bytes()
        except OSError:
            raise Problem("invalid", UNSEEN + str(found.get("detail", "it is gone"))) from None

    def expire(self, days: float) -> None:
        """Forget what was found longer ago; it can be read again."""
        before = time.time() - days * DAY_S
        for path in self._folder.glob("*.*"):
            with suppress(OSError):
                if path.stat().st_mtime < before:
                    path.unlink()

    def _ask(self, slide: Slide) -> Ask:
        try:
            owner = identify(slide.item)
        except BadSlide as error:
            raise Problem("invalid", str(error)) from None
        return Ask(slide.item, owner, self._model_mpp, self._folder / f"{slide.id}.json")

    def _note(self, asked: Ask, reason: str) -> None:
        """Remember how a look ended; what had been found of size and scale by then is so."""
        asked.write((read_json(asked.about, dict) or {"problem": "invalid", "detail": reason}) | {"unseen": reason})


def look(asked: Ask) -> None:
    """Read size, scale and a thumbnail, and write them.

    What is written has kind, width_px, height_px and, of its scale, mpp_x, mpp_y and mpp_source, or `problem` (a kind
    of `Problem`) and `detail`; and `unseen`, why there is no thumbnail, or "".
    """
    try:
        reader = open_slide(asked.item.path, threads=1, series=asked.item.series)
    except BadSlide as error:
        asked.write({"problem": "invalid", "detail": _plain(error), "unseen": _plain(error)})
        return
    try:
        found: dict[str, Any] = {"kind": reader.kind, "width_px": reader.size[0], "height_px": reader.size[1]}
        found |= _scale(reader, asked)
        asked.write(found)  # without "unseen": size and scale of one whose pixels cannot be read
        try:
            write_bytes(asked.picture, _thumbnail(reader))
            unseen = ""
        except BadSlide as error:
            unseen = _plain(error)
        asked.write(found | {"unseen": unseen})
    finally:
        reader.close()


def _scale(reader: Reader, asked: Ask) -> dict[str, Any]:
    try:
        scale = settle(reader.found, asked=None, model_mpp=asked.model_mpp, said_by="mpp")
    except UnknownScale as error:
        return {"problem": "scale-unknown", "detail": _plain(error)}
    except BadSlide as error:
        return {"problem": "invalid", "detail": _plain(error)}
    return {"mpp_x": scale.mpp_x, "mpp_y": scale.mpp_y, "mpp_source": scale.source}


def _thumbnail(reader: Reader) -> bytes:
    by = max(1.0, max(reader.size) / SIDE_PX)
    plan = plan_reduction(reader, Scale(1.0, 1.0, ""), by)
    if not (plan.width and plan.height):
        raise BadSlide("it is a line")
    pixels = np.concatenate(list(reduced_bands(reader, plan)))
    ok, content = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    assert ok
    return content.tobytes()


def _plain(error: Exception) -> str:
    return in_words_of_api(str(error))


def in_words_of_api(text: str) -> str:
    """Return what a library says of options of the command line as one who has an API must say it."""
    return text.replace("--viewer-mpp", "viewer_mpp").replace("--mpp", "mpp")
