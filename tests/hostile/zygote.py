"""Run many commands, each in a process of its own that begins with everything imported.

A line of JSON in (arguments, folder, log, seconds), a line out (code, megabytes); code -1 where it had no end.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
import traceback

import cancernet.explanation.explain
import cancernet.maps.report
import cancernet.model.model
import cancernet.prediction.predict  # noqa: F401
from cancernet.cli import main

MOST_BYTES = 12_000_000_000  # of addresses: a bomb that gets through ends here and not in the machine
STEP = 0.01  # s


def child(job: dict) -> None:
    """Become the command."""
    log = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.chdir(job["folder"])
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    sys.argv = ["cancernet", *job["arguments"]]
    code = 70
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:  # noqa: BLE001 - told as Python would tell it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def run(job: dict) -> dict:
    """Fork, wait, and say how it ended."""
    pid = os.fork()
    if not pid:
        child(job)
    ends = time.monotonic() + job["seconds"]
    while True:
        done, status, used = os.wait4(pid, os.WNOHANG)
        if done:
            return {"code": os.waitstatus_to_exitcode(status), "megabytes": used.ru_maxrss / 1000}
        if time.monotonic() > ends:
            os.kill(pid, signal.SIGKILL)
            os.wait4(pid, 0)
            return {"code": -1, "megabytes": 0}
        time.sleep(STEP)


for line in sys.stdin:
    print(json.dumps(run(json.loads(line))), flush=True)
