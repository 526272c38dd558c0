"""Run many commands, each in a process of its own that begins with everything imported.

A new interpreter takes two seconds of a processor for what a command imports, and five where it trains; a fork takes
none. Still each command is a process: it ends with a code, it may be killed, and nothing of it is left in the next.

    python zygote.py [train]    with `train`, TensorFlow is imported as well

A line of JSON in (a job), a line out: `code`, as `subprocess` tells it, and `megabytes`, the greatest resident memory.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypedDict

HANGS_CPU_S = 300  # of processor time: no command of a test takes a tenth of it, on any machine
HANGS_WALL_S = 3600  # for one that waits for what never comes; a machine may be as busy as it likes
TRAIN = "train"
LATER = (  # modules that import TensorFlow
    "cancernet.training", "cancernet.networks", "cancernet.experiment.train", "cancernet.experiment.run",
)  # fmt: skip
OTHERS = (
    "matplotlib.figure", "matplotlib.backends.backend_agg", "onnxruntime", "cv2", "PIL.PngImagePlugin",
    "PIL.JpegImagePlugin", "scipy.ndimage", "scipy.optimize", "scipy.stats", "sklearn.linear_model", "sklearn.metrics",
    "sklearn.model_selection",
)  # fmt: skip


class Job(TypedDict, total=False):
    """A command to run."""

    arguments: list[str]  # after `cancernet`
    folder: str  # to run it in
    out: str  # file that takes its standard output
    err: str  # file that takes its standard error; may be the same
    before: str  # Python to run first in its process
    most_bytes: int  # of addresses


def import_all(*, train: bool) -> None:
    """Import what commands import; TensorFlow, which may be missing, only where it is asked for."""
    import cancernet
    from cancernet.common.quiet import keep_fonts, silence

    silence()
    keep_fonts()
    for name in OTHERS:
        importlib.import_module(name)
    package = Path(cancernet.__file__).parent
    names = [".".join(path.relative_to(package.parent).with_suffix("").parts) for path in sorted(package.rglob("*.py"))]
    for name in names:
        if not name.startswith(LATER):
            importlib.import_module(name)
    if not train:
        assert not {"tensorflow", "keras"} & set(sys.modules), "a command that needs no TensorFlow imports it"
        return
    kept = os.dup(2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # the notes of TensorFlow; it must not run anything before the fork
    for name in names:
        if name.startswith(LATER):
            importlib.import_module(name)
    importlib.import_module("tf2onnx")
    os.dup2(kept, 2)
    os.close(kept)


def become(job: Job) -> None:
    """Become the command; does not return."""
    from cancernet.cli import main

    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for descriptor, path in ((1, job["out"]), (2, job["err"])):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), descriptor)
    os.chdir(job["folder"])
    resource.setrlimit(resource.RLIMIT_CPU, (HANGS_CPU_S, HANGS_CPU_S))
    if "most_bytes" in job:
        resource.setrlimit(resource.RLIMIT_AS, (job["most_bytes"], job["most_bytes"]))
    sys.argv = ["cancernet", *job["arguments"]]
    code = 1
    try:
        exec(job.get("before", ""), {"__name__": "__before__"})
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:  # noqa: BLE001 - told as Python would tell it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # taking all that was imported down in order takes longer than most commands


def run(job: Job) -> dict[str, float]:
    """Fork, wait, and say how it ended."""
    pid = os.fork()
    if not pid:
        become(job)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(pid, signal.SIGKILL))
    signal.alarm(HANGS_WALL_S)
    _, status, used = os.wait4(pid, 0)
    signal.alarm(0)
    return {"code": os.waitstatus_to_exitcode(status), "megabytes": used.ru_maxrss / 1000}


def serve(*, train: bool) -> None:
    """Answer jobs till there are no more."""
    import_all(train=train)
    for line in iter(sys.stdin.readline, ""):
        print(json.dumps(run(json.loads(line))), flush=True)


class Zygote:
    """The other end: hands jobs to a process of this file, which starts with the first of them."""

    def __init__(self, environment: Mapping[str, str], *, train: bool = False) -> None:
        self.environment, self.train = dict(environment), train
        self.process: subprocess.Popen[str] | None = None

    def __call__(self, **job: Any) -> dict[str, float]:
        """Run a `Job` and return how it ended."""
        if self.process is None:
            words = [sys.executable, str(Path(__file__)), *([TRAIN] if self.train else [])]
            self.process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=self.environment
            )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return dict(json.loads(self.process.stdout.readline()))

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()  # taking TensorFlow down in order takes seconds
            self.process.communicate()


@contextmanager
def zygote(environment: Mapping[str, str], *, train: bool = False) -> Iterator[Zygote]:
    """A `Zygote` that ends with the block."""
    found = Zygote(environment, train=train)
    try:
        yield found
    finally:
        found.close()


if __name__ == "__main__":
    serve(train=sys.argv[1:] == [TRAIN])
