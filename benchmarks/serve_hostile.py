"""Hostile requests to `cancernet serve`: is each answered rightly and soon, and does a good one notice anything?

    PYTHONPATH=benchmarks:tests python benchmarks/serve_hostile.py

The requests are those of `tests/hostile/requests.py`, sent some at once, in an order that is drawn, while one client
asks about a patch all the time. Prints Markdown; exit code 1 where anything was not as it should be.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from hostile.asked import SOUND, TOKEN, Hostile, form
from hostile.requests import ALL_REQUESTS
from hostile.wire import Reply, judged
from serving.running import is_ready, running

PATIENCE_S = 0.5  # of the server, where it is 10 s by default
SOON_S = 2.0  # of an answer; a field is read in a process of its own, which takes that long to start
WITHIN_S = 20.0  # that are waited for one
GOOD = Hostile("a good request", lambda: form(SOUND), (200,), '"decision":"')


def main() -> None:
    """Send all of them, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--at-once", type=int, default=4, help="hostile clients")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    cases = ALL_REQUESTS * given.rounds
    random.Random(given.seed).shuffle(cases)
    with running(token=TOKEN, patience_s=PATIENCE_S) as server:
        before = server.megabytes()
        good: list[tuple[Reply, list[str]]] = []
        over = threading.Event()

        def ask() -> None:
            while not over.is_set():
                good.append(judged(GOOD, server.port, within_s=WITHIN_S))
                over.wait(0.05)

        asking = threading.Thread(target=ask)
        asking.start()
        with ThreadPoolExecutor(given.at_once) as pool:
            found = list(pool.map(lambda case: judged(case, server.port, within_s=WITHIN_S), cases))
        over.set()
        asking.join()
        alive, after = is_ready(server.port), server.megabytes()
    wrong = [(case.name, "; ".join(why)) for case, (_, why) in zip(cases, found, strict=True) if why]
    wrong += [("a good request meanwhile", "; ".join(why)) for _, why in good if why]
    wrong += [] if alive else [("the server", "does not answer any more")]
    pairs = zip(cases, found, strict=True)
    times = [(reply.seconds, case.name) for case, (reply, _) in pairs if "as a field" not in case.name]
    times.sort(reverse=True)
    served = sorted(reply.seconds for reply, _ in good)
    print("| | |\n| --- | --- |")
    print(f"| hostile requests | {len(cases)}, of {len({case.name for case in cases})} kinds |")
    print(f"| answered as they should be | {len(cases) - sum(bool(why) for _, why in found)} |")
    print(f"| longest, a field's process left aside | {times[0][0]:.2f} s ({times[0][1]}) |")
    print(f"| over {SOON_S:g} s | {sum(seconds > SOON_S for seconds, _ in times)} |")
    print(f"| good requests meanwhile | {len(good)}, {sum(bool(why) for _, why in good)} failed |")
    print(f"| of these, median and longest | {served[len(served) // 2]:.3f} s, {served[-1]:.2f} s |")
    print(f"| resident memory before and after | {before:.0f} MB, {after:.0f} MB |")
    for name, why in wrong:
        print(f"\nNOT AS EXPECTED: {json.dumps(name)}: {why}")
    for seconds, name in times:
        if seconds > SOON_S:
            print(f"\nSLOW: {json.dumps(name)}: {seconds:.1f} s")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
