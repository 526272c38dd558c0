"""Requests that Schemathesis draws from the schema of `cancernet serve`: no fault, no answer that it does not show.

    PYTHONPATH=benchmarks python benchmarks/serve_fuzz.py --examples 200

The check left out would have every form accepted that has files, whatever is in them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from serving.running import running

LEFT_OUT = "positive_data_acceptance"


def main() -> None:
    """Run it against a server of its own."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--examples", type=int, default=50, help="for each operation")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with running() as server:
        schema = f"http://127.0.0.1:{server.port}/v1/openapi.json"
        options = ["--checks", "all", "--exclude-checks", LEFT_OUT, "--max-examples", str(given.examples)]
        program = Path(sys.executable).parent / "schemathesis"
        code = subprocess.run([program, "run", schema, *options, "--seed", str(given.seed)], check=False).returncode
    sys.exit(code)


if __name__ == "__main__":
    main()
