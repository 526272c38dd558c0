"""Start the server, say where it is, and end it in good order."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import uvicorn

from cancernet.common.errors import UserError
from cancernet.model.model import Model
from cancernet.serve.app import make_app
from cancernet.serve.protocol import PatientProtocol
from cancernet.serve.settings import Settings

GRACE_S = 20  # that answers which are being made get at the end
BACKLOG = 256


def serve(settings: Settings, model: Model, *, say: Callable[[str], None]) -> None:
    """Serve until a signal comes.

    Args:
        settings: how.
        model: which answers.
        say: where lines for the user go.

    A second Ctrl+C ends it without waiting for answers that are being made.

    Raises:
        UserError: the address is taken or not this machine's, the model cannot be run, or another server writes into
            the state folder.
    """
    server, bound = prepare(settings, model)
    app: Any = server.config.app
    with app.state.engine.state:  # a second server on the same folder ends here, with a line
        say(f"CancerNet: {address(settings.host, bound)} (Ctrl+C ends it)")
        if model.synthetic:
            say("WARNING: the model was trained on SYNTHETIC patches; its answers mean nothing")
        with suppress(KeyboardInterrupt):  # which uvicorn raises again when all is answered and ended
            server.run(sockets=[bound])


def prepare(settings: Settings, model: Model) -> tuple[uvicorn.Server, socket.socket]:
    """Return a server that is ready to run, and the socket that it listens at.

    Raises:
        UserError: as `serve`.
    """
    bound = bind(settings.host, settings.port)
    settings = replace(settings, port=bound.getsockname()[1])
    for talks in ("uvicorn.error", "python_multipart"):  # of each bad request: anybody could fill the log
        logging.getLogger(talks).setLevel(logging.ERROR)
    # Requests are worked on side by side, each by one thread: with two for each graph as well, 8 clients on two cores
    # waited twice as long (`benchmarks/serve_load.py`), and one request of hundreds was no slower.
    app = make_app(settings, replace(model, threads=1))
    app.state.engine.warm()
    config = uvicorn.Config(
        app,
        http=type("Protocol", (PatientProtocol,), {"limits": settings.limits}),
        ws="none",
        lifespan="on",
        access_log=False,  # names of files tell of patients
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
        log_level="error",
    )
    return uvicorn.Server(config), bound


def address(host: str, bound: socket.socket) -> str:
    """Return where a browser on this machine finds the page."""
    bare = host.strip("[]")
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bare, bare)  # noqa: S104 - only shown
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{bound.getsockname()[1]}/"


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens there.

    Raises:
        UserError: it cannot.
    """
    host = host.strip("[]")
    kind = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(kind, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere it would let two servers share a port
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(BACKLOG)
    except OSError as error:
        made.close()
        raise UserError(
            f"cannot listen at {host} port {port}: {error.strerror}; give another --port or --host"
        ) from None
    return made
