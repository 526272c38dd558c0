"""What all requests share: the model, the threads that may work, the counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, TypeVar

import anyio.to_thread
import cv2
from anyio import CapacityLimiter
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from cancernet.common.version import __version__
from cancernet.model.examples import Index, read_index
from cancernet.model.model import Model
from cancernet.serve.guard import Sessions
from cancernet.serve.jobs import Jobs
from cancernet.serve.reviews import Reviews
from cancernet.serve.settings import Settings
from cancernet.serve.state import State
from cancernet.serve.store import STATES

Result = TypeVar("Result")
FIELDS = 1  # mapped at once, each in a process of its own with all threads
LOOKS = 2  # at slides at once, each in a process of its own with one thread
BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120)  # s


class Metrics:
    """Counts in the format of Prometheus; none of them tells of a person or an image."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "cancernet_requests", "Requests answered", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "cancernet_request_seconds", "From head to end of answer", ["route"], buckets=BUCKETS,
            registry=self.registry,
        )  # fmt: skip
        self.patches = Counter("cancernet_patches", "Patches by decision", ["decision"], registry=self.registry)
        self.refused = Counter("cancernet_files_refused", "Files that could not be used", registry=self.registry)
        self.jobs = Gauge("cancernet_jobs", "Jobs by state", ["state"], registry=self.registry)
        self.workers = Gauge("cancernet_workers_started", "Processes started to map slides", registry=self.registry)
        self.about = Gauge("cancernet_info", "What runs", ["version", "model", "graph"], registry=self.registry)

    def text(self) -> bytes:
        """Return all of them."""
        return generate_latest(self.registry)


@dataclass
class Engine:
    """The model at work.

    Attributes:
        model: which answers.
        settings: of the server.
        sessions: of browsers.
        metrics: counts.
        ready: whether a first patch was answered.
        state: folder and database of the server, open while it runs.
        jobs: slides and jobs, likewise.
        reviews: judgements of readers, in that database.
    """

    model: Model
    settings: Settings
    sessions: Sessions = field(default_factory=Sessions)
    metrics: Metrics = field(default_factory=Metrics)
    ready: bool = False
    state: State = field(init=False)
    jobs: Jobs = field(init=False)
    reviews: Reviews = field(init=False)

    def __post_init__(self) -> None:
        self.state = State(self.settings)
        self.jobs = Jobs(self.settings, self.model, self.state)
        self.reviews = Reviews(self.state.database, self.settings.limits)
        if self.settings.slides:
            for state in STATES:
                self.metrics.jobs.labels(state=state).set_function(partial(self._jobs_in, state))
            self.metrics.workers.set_function(lambda: self.jobs.workers)

    @cached_property
    def index(self) -> Index | None:
        """The training patches that the model remembers."""
        return read_index(self.model)

    @cached_property
    def _working(self) -> CapacityLimiter:
        return CapacityLimiter(max(1, self.settings.threads))

    @cached_property
    def _looking(self) -> CapacityLimiter:
        return CapacityLimiter(LOOKS)

    @cached_property
    def _mapping(self) -> CapacityLimiter:
        return CapacityLimiter(FIELDS)

    def warm(self) -> None:
        """Open the graph, so that the first request waits for nothing.

        Raises:
            UserError: it cannot be run.
        """
        cv2.setNumThreads(1)  # requests are worked on side by side already
        _ = self.model.session, self.index
        graph = self.model.graph_sha256[:12]
        self.metrics.about.labels(version=__version__, model=self.model.name, graph=graph).set(1)
        self.ready = True

    async def work(self, function: Callable[..., Result], *given: Any) -> Result:
        """Do something in a thread, as many at once as there are threads."""
        return await anyio.to_thread.run_sync(function, *given, limiter=self._working, abandon_on_cancel=True)

    async def map(self, function: Callable[..., Result], *given: Any) -> Result:
        """Do something long in a thread, `FIELDS` at once."""
        return await anyio.to_thread.run_sync(function, *given, limiter=self._mapping, abandon_on_cancel=True)

    async def look(self, function: Callable[..., Result], *given: Any) -> Result:
        """Look at a slide in a thread, `LOOKS` at once."""
        return await anyio.to_thread.run_sync(function, *given, limiter=self._looking, abandon_on_cancel=True)

    async def ask(self, function: Callable[..., Result], *given: Any) -> Result:
        """Do something short in a thread, which waits for none that a model works in."""
        return await anyio.to_thread.run_sync(function, *given, abandon_on_cancel=True)

    def _jobs_in(self, state: str) -> int:
        return self.jobs.store.counts()[state]
