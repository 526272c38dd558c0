"""Kill a server or its worker at random moments, and count what becomes of its jobs.

python benchmarks/serve_kills.py

A client sends N jobs, each under a key of its own, and sends again what was not answered. Meanwhile the server or the
worker is killed (SIGKILL), each time a random while after the server answers; one that was killed is started again on
the same state. At the end:

    lost      jobs that were acknowledged and are not there, or did not end as done
    twice     keys with more than one job, and jobs that were seen done and later otherwise
    wrong     results that are not, to the byte, those of `cancernet slide`
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyvips

from cancernet.data.synthetic import draw_section
from cancernet.slide.batch import map_slide

SLIDES = 4  # different ones
SIZE = (
    600,
    400,
)  # px of a section at 4 um/px; a job takes about half a second of two cores that have nothing else to do
COMPARED = ("patches.csv", "tiles.geojson", "regions.geojson", "viewer/tiles/0/0_0.jpg")
WAIT_S = 600  # for what has to come
LOOK_S = 0.1
ENDED = ("done", "failed", "canceled")


class Server:
    """`cancernet serve` on a state, killed and started as one likes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.start()

    def start(self) -> None:
        """Start it; it is not waited for."""
        code = "import sys; from cancernet.cli.main import main; sys.argv[0] = 'cancernet'; main()"
        options = ["--slides", str(self._folder / "slides"), "--state", str(self._folder / "state")]
        with (self._folder / "log.txt").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", code, "serve", "--port", str(self._port), *options], stdout=log, stderr=log
            )

    def ask(self, path: str, *, key: str = "") -> Any:
        """Return what a GET or, with a key, a POST is answered; None where nobody answers."""
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}{path}", method="POST" if key else "GET")
        if key:
            request.add_header("Idempotency-Key", key)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{path}: {error.read().decode()}") from error
        except OSError:  # refused, or cut off by a kill
            return None

    def wait_for(self, path: str, *, key: str = "") -> Any:
        """Return the answer, whenever it comes."""
        end = time.monotonic() + WAIT_S
        while (found := self.ask(path, key=key)) is None:
            if self._process.poll() is not None:
                raise SystemExit(f"the server ended: {(self._folder / 'log.txt').read_text()[-2000:]}")
            if time.monotonic() > end:
                raise SystemExit(f"{path}: no answer")
            time.sleep(LOOK_S)
        return found

    def worker(self) -> int | None:
        """Return the process that maps, if there is one."""
        for place in Path("/proc").glob("[0-9]*"):
            try:
                command, stat = (place / "cmdline").read_bytes(), (place / "stat").read_text()
            except OSError:
                continue
            parent = int(stat.rpartition(")")[2].split()[1])
            if parent == self._process.pid and b"cancernet.serve.worker" in command:
                return int(place.name)
        return None

    def kill(self) -> None:
        """Kill the server."""
        self._process.kill()
        self._process.wait()

    def end(self) -> int:
        """End it in good order; returns its exit code."""
        self._process.send_signal(signal.SIGINT)
        return self._process.wait()


def main() -> None:
    """Print what was lost, done twice or wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=40)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--pause", type=float, default=4.0, help="s at most from an answer of the server to a kill")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cancernet-kills-"))
    try:
        measure(folder, chosen)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(folder: Path, chosen: argparse.Namespace) -> None:
    """Do all of it in a folder."""
    (folder / "slides").mkdir()
    for number in range(SLIDES):
        write_slide(folder / "slides" / f"{number}.tif", number)
    map_slide(folder / "slides", out=folder / "whole", say=lambda _: None)
    rng = random.Random(chosen.seed)
    server = Server(folder)
    slides = server.wait_for("/v1/slides")["slides"]
    made: dict[str, str] = {}
    seen: dict[str, tuple[str, str]] = {}
    twice: set[str] = set()
    kills: Counter[str] = Counter()
    begun, due = time.monotonic(), time.monotonic() + rng.uniform(0, chosen.pause)
    while True:
        if len(made) < chosen.jobs:  # sent while the kills go on, each again until it is answered
            key = f"job {len(made)}"
            if answer := server.ask(f"/v1/slides/{slides[len(made) % SLIDES]['id']}/jobs", key=key):
                made[key] = answer["id"]
        if sum(kills.values()) < chosen.kills and time.monotonic() >= due:
            kills[which := kill(server, rng)] += 1
            states = Counter(job["state"] for job in (server.wait_for("/v1/jobs?limit=1000"))["jobs"])
            print(f"{time.monotonic() - begun:.0f} s: killed the {which}; {dict(states)}", flush=True)
            due = time.monotonic() + rng.uniform(0, chosen.pause)
        found = server.ask("/v1/jobs?limit=1000")
        for job in found["jobs"] if found else ():
            now = (job["state"], job["ended"])
            twice |= {job["id"]} if seen.get(job["id"], now) != now else set()
            if job["state"] in ENDED:
                seen[job["id"]] = now
        if sum(kills.values()) >= chosen.kills and len(seen) >= chosen.jobs == len(made):
            break
        if time.monotonic() - begun > WAIT_S:
            break
        time.sleep(LOOK_S)
    jobs = {job["id"]: job for job in server.wait_for("/v1/jobs?limit=1000")["jobs"]}
    lost = [key for key, job in made.items() if jobs.get(job, {}).get("state") != "done"]
    wrong = [job for job in jobs.values() if job["state"] == "done" and not same(folder, job)]
    more = len(jobs) - len(made)
    attempts = sum(job["attempts"] for job in jobs.values())
    print(f"jobs {len(made)}, kills of the server {kills['server']}, of the worker {kills['worker']}")
    print(f"attempts {attempts}, in {time.monotonic() - begun:.0f} s")
    print(f"lost {len(lost)}, twice {more + len(twice)}, wrong {len(wrong)}")
    left = server.worker()
    print(f"exit code {server.end()}, worker left behind: {left is not None and runs(left)}")
    for job in jobs.values():
        if job["error"]:
            print(f"  {job['name']}: {job['state']}: {job['error']}")


def kill(server: Server, rng: random.Random) -> str:
    """Kill one of both, and say which; the server where there is no worker."""
    worker = server.worker()
    if worker is not None and rng.random() < 0.5:
        os.kill(worker, signal.SIGKILL)
        return "worker"
    server.kill()
    server.start()
    return "server"


def same(folder: Path, job: dict[str, Any]) -> bool:
    """Whether the results of a job are those of the command."""
    made, whole = folder / "state" / "jobs" / job["id"], folder / "whole" / Path(job["name"]).stem
    return all((made / name).read_bytes() == (whole / name).read_bytes() for name in COMPARED)


def runs(process: int) -> bool:
    """Whether there is such a process."""
    return Path(f"/proc/{process}").exists()


def write_slide(path: Path, seed: int) -> None:
    """Write a drawn section as a tiled TIFF."""
    width, height = SIZE
    image = draw_section(np.random.default_rng(seed), height, width, malignant_share=0.4).image
    made = pyvips.Image.new_from_memory(np.ascontiguousarray(image).tobytes(), width, height, 3, "uchar")
    made.copy(interpretation="srgb", xres=250, yres=250).tiffsave(str(path), tile=True)


if __name__ == "__main__":
    main()
