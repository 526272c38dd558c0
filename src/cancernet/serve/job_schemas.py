"""Slides and jobs, as the schema of the API shows them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from cancernet.serve.schemas import Closed, Refused

State = Literal["queued", "running", "done", "failed", "canceled"]
JOB: dict[str, Any] = {  # without a null, which FastAPI leaves out of examples
    "id": "0f3c9a4be1d27788",
    "slide": "5d41402abc4b2a76",
    "name": "2024/S-117.svs",
    "state": "done",
    "created": "2026-01-31T09:30:00+00:00",
    "started": "2026-01-31T09:30:01+00:00",
    "ended": "2026-01-31T09:31:07+00:00",
    "mpp": 0.25,
    "viewer_mpp": 1.0,
    "stride": 50,
    "attempts": 1,
    "error": "",
    "model": "9f2c…",
    "summary": {"tissue_mm2": 212.4, "malignant_mm2": 18.1},
    "viewer": "/v1/jobs/0f3c9a4be1d27788/files/viewer.html",
    "progress": {"stage": "predict", "share": 1.0},
}


class ListedSlide(Closed):
    """A slide that can be mapped."""

    id: str
    name: str = Field(description="its path below the folder of slides")
    patient: str = Field(description="empty where nobody said")
    bytes: int
    job: str | None = Field(description="its last job")


class SlidePage(Closed):
    """Slides, in the order of their names."""

    slides: list[ListedSlide]
    errors: list[Refused] = Field(description="what lies there and is no slide; with every page")
    notes: list[str]
    next: str | None = Field(description="give it as `after` for the next page; null at the end")


class SlideAbout(Closed):
    """Size and scale of a slide."""

    id: str
    name: str
    patient: str
    bytes: int
    width_px: int
    height_px: int
    mpp_x: float = Field(description="um a pixel across, at full resolution")
    mpp_y: float
    mpp_source: str = Field(description="where that is stated")
    kind: str = Field(description="of its format")


class JobRequest(BaseModel):
    """How to map a slide."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    mpp: float | None = Field(default=None, gt=0, le=20, description="um a pixel, in place of what the file says")
    viewer_mpp: float | None = Field(default=None, gt=0, le=20, description="um a pixel of the viewer's finest tiles")
    stride: int | None = Field(default=None, gt=0, le=50, description="px from patch to patch: 50, 25, 10 or 5")


class Progress(Closed):
    """How far a running job is."""

    stage: str = Field(description="read, tiles or predict")
    share: float = Field(ge=0, le=1, description="of this stage")


class Job(Closed):
    """A slide being mapped, or mapped."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": JOB})
    id: str
    slide: str
    name: str
    state: State
    created: str = Field(description="ISO 8601, as the next two")
    started: str | None
    ended: str | None
    mpp: float | None
    viewer_mpp: float | None
    stride: int | None
    attempts: int = Field(description="how often it was begun: more than once where a process ended at it")
    error: str = Field(description="why it failed, or what it waits for; empty where there is nothing to say")
    model: str = Field(description="SHA-256 of the graph")
    summary: dict[str, object] | None = Field(description="areas in mm2, scale, warnings; null unless it is done")
    viewer: str | None = Field(description="address of the page with the slide under its map")
    progress: Progress | None


class JobPage(Closed):
    """Jobs, the newest first."""

    jobs: list[Job]
    next: str | None = Field(description="give it as `after` for the next page; null at the end")
