"""The folder of a server: its database, the results of its jobs, and what it remembers of slides.

serve.sqlite    jobs and reviews
jobs/ID/        results of a job, as `cancernet slide` writes them
slides/         thumbnails and scales of slides, which can be read again
"""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from cancernet.common.errors import UserError
from cancernet.common.files import writable
from cancernet.common.output import Output
from cancernet.serve.database import Database
from cancernet.serve.settings import Settings

KIND = "serve"
DATABASE, JOBS, SLIDES = "serve.sqlite", "jobs", "slides"
NAMES = (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", JOBS, SLIDES)


class State:
    """The folder, open while the server runs: `with State(settings) as state`; within it, it may be entered again.

    Args:
        settings: of the server.

    Raises:
        UserError: on entering: another server writes there, or it is not ours; see `Output`.
    """

    def __init__(self, settings: Settings) -> None:
        inputs = [settings.slides] if settings.slides else []
        self._output = Output(settings.state, KIND, inputs=inputs, names=NAMES)
        self._lock, self._depth = threading.Lock(), 0
        self.folder = settings.state.expanduser().absolute()
        self.database = Database(self.folder / DATABASE)

    def __enter__(self) -> Self:
        """Take hold of the folder."""
        with self._lock:
            if not self._depth:
                try:
                    self._output.__enter__()
                except UserError as error:  # whose option is called otherwise here
                    raise UserError(str(error).replace("--out ", "--state ")) from None
                try:
                    self._begin()
                except BaseException as error:
                    self._output.__exit__(type(error), error, None)
                    raise
            self._depth += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of it."""
        with self._lock:
            self._depth -= 1
            if not self._depth:
                self.database.close()
                self._output.__exit__(kind, error, trace)

    def jobs(self, job: str = "") -> Path:
        """Return the folder of all jobs, or of one."""
        return self.folder / JOBS / job

    def slides(self) -> Path:
        """Return the folder of what is remembered of slides."""
        return self.folder / SLIDES

    def _begin(self) -> None:
        for name in NAMES:
            self._output.path(name)
        with writable(self.folder):
            self.database.check()
