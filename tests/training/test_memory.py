"""A run on the synthetic sample stays small: each stage in a process of its own, its peak against a limit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

STAGE = Path(__file__).parents[1] / "fixtures" / "memory_stage.py"
LIMITS = {"packing": 500, "transfer": 2300, "fine_tuned": 2500, "evaluation": 900}  # MB


@pytest.mark.slow
@pytest.mark.train
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the kernel of Linux tells the peak")
def test_no_stage_of_a_run_takes_more_memory_than_it_should(tmp_path: Path) -> None:
    peak = {}
    for stage in LIMITS:
        ended = subprocess.run([sys.executable, STAGE, stage, tmp_path], capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr[-2000:]
        peak[stage] = int(ended.stdout.split()[-1])
    print(peak)
    assert not {stage: (peak[stage], limit) for stage, limit in LIMITS.items() if peak[stage] > limit}
