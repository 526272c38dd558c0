"""A model on its way to another process or machine: a path and what it is known by, never its files."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from cancernet.common.errors import UserError
from cancernet.common.version import __version__
from cancernet.model.bundle import shipped
from cancernet.model.model import Model, load_model


@dataclass(frozen=True)
class Ticket:
    """What another process loads a model by, and what it has to find there.

    Attributes:
        folder: of the bundle, absolute; "" for the one that ships, wherever the package lies.
        about: `Model.describe`, the hash of the graph in it.
        threads: CPU threads that the model runs on there.
        version: of the package.
        model: itself, which stays in this process.
    """

    folder: str
    about: dict[str, Any]
    threads: int
    version: str = __version__
    model: Model | None = field(default=None, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"model": None}

    def open(self) -> Model:
        """Return the model, loaded once in each process.

        Raises:
            UserError: another version of the package runs here, or the folder holds another model.
        """
        if self.model is not None:
            return self.model
        here = socket.gethostname()
        if self.version != __version__:
            raise UserError(
                f"{here} has CancerNet {__version__}, and {self.version} asks it; install the same on all machines"
            )
        model = _load(self.folder, self.threads)
        if model.describe() != self.about:
            raise UserError(
                f"{here}: {self.folder or 'the model that ships'} is not the {self.about['name']} that was asked for "
                f"(graph {str(self.about['graph_sha256'])[:12]}); its path has to lead to the same files everywhere"
            )
        return model


def ticket(model: Model, *, threads: int | None = None) -> Ticket:
    """Return what another process loads this model by; in this one it stays what it is.

    Args:
        model: the model.
        threads: that it runs on elsewhere; here it keeps its own.
    """
    place = Path(model.folder).absolute()
    folder = "" if place == shipped().absolute() else str(place)
    return Ticket(folder, model.describe(), threads or 1, model=model)


@lru_cache(maxsize=2)
def _load(folder: str, threads: int) -> Model:
    return load_model(folder or None, threads=threads)
