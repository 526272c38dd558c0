"""Slides and jobs as the routes have them: what is asked, checked; what is known, as plain data."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Self

from cancernet.common import defaults
from cancernet.common.errors import UserError
from cancernet.common.files import read_json, real
from cancernet.common.output import RECORD, Record
from cancernet.maps import viewer
from cancernet.model.model import Model
from cancernet.model.travel import ticket
from cancernet.serve.fields import TOLD
from cancernet.serve.looks import Looks, in_words_of_api
from cancernet.serve.mapper import Mapper
from cancernet.serve.problems import Problem
from cancernet.serve.settings import Settings
from cancernet.serve.slides import Slide, Slides
from cancernet.serve.state import State
from cancernet.serve.store import DONE, RUNNING, Job, Store
from cancernet.serve.worker import progress_of
from cancernet.slide.inputs import Options
from cancernet.slide.job import identify
from cancernet.slide.scale import BadSlide, check_mpp
from cancernet.slide.summary import read_summary
from cancernet.slide.unit import Unit
from cancernet.slide.viewer import check_viewer_mpp

NO_SLIDES = "this server has no slides; start it with --slides FOLDER"
LOOKED = ("width_px", "height_px", "kind", "mpp_x", "mpp_y", "mpp_source")
MISSING = "there is no such job; it may have been removed"


@dataclass(frozen=True)
class Asked:
    """What a client says of a job.

    Attributes:
        mpp: um/px at full resolution; None leaves what the file says.
        viewer_mpp: um/px of the viewer's tiles; None takes the model's.
        stride: px from patch to patch; None takes the patch's side.
    """

    mpp: float | None = None
    viewer_mpp: float | None = None
    stride: int | None = None

    def check(self, model: Model) -> None:
        """Refuse what no slide can be mapped by.

        Raises:
            Problem: says which.
        """
        if self.stride is not None and self.stride not in defaults.SLIDE_STRIDES:
            raise Problem("invalid", f"stride: give one of {', '.join(map(str, defaults.SLIDE_STRIDES))}")
        try:
            if self.mpp is not None:
                check_mpp(self.mpp)
            check_viewer_mpp(self.viewer_mpp, model.mpp)
        except UserError as error:
            raise Problem("invalid", in_words_of_api(str(error))) from None


class Jobs:
    """The slides of a server and its jobs; open while it runs: `with jobs`.

    Args:
        settings: of the server.
        model: which maps.
        state: of the server, entered before.
    """

    def __init__(self, settings: Settings, model: Model, state: State) -> None:
        self._settings, self._model, self._state = settings, model, state
        self.store = Store(state.database)
        self._slides = Slides(settings.slides) if settings.slides else None
        self._looks = Looks(state.slides(), model.mpp)
        self._mapper = Mapper(
            self.store,
            state.jobs(),
            self._unit,
            model.graph_sha256,
            scheduler=settings.scheduler,
            keep_days=settings.limits.keep_days,
        )
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Begin, where there are slides; without them the results of earlier jobs can still be had."""
        self._looks.expire(self._settings.limits.keep_days)
        if self._slides is not None:
            self._stack.enter_context(self._mapper)
        return self

    def __exit__(self, *_: object) -> None:
        """End the worker."""
        self._stack.close()

    @property
    def slides(self) -> Slides:
        """The slides.

        Raises:
            Problem: there are none.
        """
        if self._slides is None:
            raise Problem("not-found", NO_SLIDES)
        return self._slides

    @property
    def workers(self) -> int:
        """How many worker processes were started."""
        return self._mapper.workers

    def list_slides(self, limit: int, after: str) -> dict[str, Any]:
        """Return a page of the slides, in the order of their paths.

        Raises:
            Problem: no slide of that id, after which to go on.
        """
        found = self.slides.list()
        keys = list(found.slides)
        if after and after not in found.slides:
            raise Problem("invalid", "after: there is no such slide now; begin anew")
        begin = keys.index(after) + 1 if after else 0
        page = keys[begin : begin + limit]
        last = self.store.last_of(page)
        return {
            "slides": [
                {"id": key, "name": each.name, "patient": each.item.patient, "bytes": each.bytes, "job": last.get(key)}
                for key, each in ((key, found.slides[key]) for key in page)
            ],
            "errors": [{"path": path, "reason": reason} for path, reason in found.errors],
            "notes": list(found.notes),
            "next": page[-1] if begin + limit < len(keys) else None,
        }

    def slide(self, key: str) -> Slide:
        """Return a slide.

        Raises:
            Problem: there is none of that id.
        """
        found = self.slides.find(key)
        if found is None:
            raise Problem("not-found", "there is no such slide now")
        return found

    def look_known(self, slide: Slide) -> dict[str, Any] | None:
        """See `Looks.known`."""
        return self._looks.known(slide)

    def look(self, slide: Slide) -> dict[str, Any]:
        """See `Looks.find`."""
        return self._looks.find(slide)

    def about(self, slide: Slide, found: dict[str, Any]) -> dict[str, Any]:
        """Return what a look found.

        Raises:
            Problem: its scale is not known, or it cannot be mapped; says all the same what is known.
        """
        told: dict[str, Any] = {"id": slide.id, "name": slide.name, "patient": slide.item.patient, "bytes": slide.bytes}
        if "problem" in found:
            told |= {name: found[name] for name in ("width_px", "height_px") if name in found}
            raise Problem(found["problem"], self.slides.shown(found["detail"]), **told)
        return told | {name: found[name] for name in LOOKED}

    def thumbnail(self, slide: Slide, found: dict[str, Any]) -> bytes:
        """See `Looks.thumbnail`."""
        return self._looks.thumbnail(slide, found)

    def submit(self, slide: Slide, asked: Asked, key: str) -> Job:
        """Queue a job; see `Store.submit`.

        Raises:
            Problem: what is asked cannot be, or too much waits.
        """
        asked.check(self._model)
        most, graph = self._settings.limits.jobs, self._model.graph_sha256
        job = self.store.submit(slide.id, slide.name, vars(asked), graph, most=most, key=key)
        self._mapper.wake()
        return job

    def get(self, job: str) -> Job:
        """Return a job.

        Raises:
            Problem: there is none of that id.
        """
        found = self.store.get(job)
        if found is None:
            raise Problem("not-found", MISSING)
        return found

    def list_jobs(self, state: str | None, limit: int, after: str) -> dict[str, Any]:
        """Return a page of the jobs, the newest first.

        Raises:
            Problem: no job of that id, after which to go on.
        """
        found = self.store.page(state=state, limit=limit + 1, after=self.get(after) if after else None)
        page = found[:limit]
        return {"jobs": [self.told(job) for job in page], "next": page[-1].id if len(found) > limit else None}

    def told(self, job: Job) -> dict[str, Any]:
        """Return a job as the API shows it."""
        folder = self._state.jobs(job.id)
        summary = read_summary(folder) if job.state == DONE else None
        return {
            **{name: getattr(job, name) for name in ("id", "slide", "name", "state", "created", "started", "ended")},
            **job.asked,
            "attempts": job.attempts,
            "error": in_words_of_api(self._slides.shown(job.error) if self._slides else job.error),
            "model": job.model,
            "summary": {name: summary[name] for name in TOLD} if summary else None,
            "viewer": f"/v1/jobs/{job.id}/files/{viewer.PAGE}" if summary else None,
            "progress": progress_of(folder) if job.state == RUNNING else None,
        }

    def delete(self, job: str) -> None:
        """Cancel a job, or remove one that has ended.

        Raises:
            Problem: there is none of that id.
        """
        if not (self._mapper.cancel(job) or self._mapper.remove(job)):
            raise Problem("not-found", MISSING)

    def file(self, job: str, name: str) -> Path:
        """Return a file of the results of a job that is done.

        Args:
            job: id.
            name: "/" between folders.

        Raises:
            Problem: it has no results, or none of that name.
        """
        found = self.get(job)
        if found.state != DONE:
            raise Problem("conflict", f"the job is {found.state}; one that is done has results")
        folder = self._state.jobs(job)
        record = read_json(folder / RECORD, Record)
        parts = PurePosixPath(name).parts
        ours = record is not None and bool(parts) and parts[0] in record.files
        if ours and not any(part.startswith(".") or "\\" in part or "\0" in part or ":" in part for part in parts):
            place = folder.joinpath(*parts)
            if place.is_file() and real(place).is_relative_to(real(folder)):
                return place
        raise Problem("not-found", "the job has no such file")

    def _unit(self, job: Job, folder: Path) -> Unit:
        """Return a job as the worker is told of it.

        Raises:
            BadSlide: the slide is gone.
        """
        slide = self._slides.find(job.slide) if self._slides else None
        if slide is None:
            raise BadSlide("the slide is no longer there")
        asked = Asked(**job.asked)
        item = replace(slide.item, mpp=asked.mpp)
        threads = 1 if self._settings.scheduler else self._settings.threads
        options = Options(asked.stride or defaults.PATCH_SIZE, threads, asked.viewer_mpp)
        return Unit(item, folder, identify(item), ticket(self._model, threads=threads), options)
