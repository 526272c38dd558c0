"""A server of its own for a benchmark: started, waited for, measured, ended in good order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

START = """
import sys
from cancernet.model.model import load_model
from cancernet.serve.server import serve
from cancernet.serve.settings import Limits, Settings
port, token, patience = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
settings = Settings(port=port, token=token, limits=Limits(patience_s=patience))
try:
    serve(settings, load_model(), say=lambda line: print(line, flush=True))
except KeyboardInterrupt:
    pass
"""
READY_S = 60.0  # on a busy machine
MEGABYTE = 1e6


class Running(NamedTuple):
    """A server that runs."""

    port: int
    process: subprocess.Popen[str]
    seconds: float  # from its start to its first answer

    def megabytes(self) -> float:
        """Return its resident memory; Linux."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


@contextmanager
def running(*, token: str = "", patience_s: float = 10.0) -> Iterator[Running]:
    """Run a server at a free port, with the model that ships."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", START, "0", token, str(patience_s)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        port = int(line.rpartition("/ (")[0].rpartition(":")[2])
        while not is_ready(port):
            if time.perf_counter() - begun > READY_S:
                raise TimeoutError(f"no server after {READY_S:g} s")
            time.sleep(0.05)
        yield Running(port, process, time.perf_counter() - begun)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def is_ready(port: int) -> bool:
    """Whether a server at a port says that it can answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False
