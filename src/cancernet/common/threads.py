"""How many threads to use: what this process may run on, not what the machine has."""

from __future__ import annotations

import math
import os
from pathlib import Path

_CGROUP_V2 = Path("/sys/fs/cgroup/cpu.max")
_CGROUP_V1 = (Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us"))


def _container_limit() -> float:
    """CPUs a container may use, from its control group; infinite where there is no limit."""
    try:
        if _CGROUP_V2.exists():
            quota, period = _CGROUP_V2.read_text().split()[:2]
            return math.inf if quota == "max" else int(quota) / int(period)
        quota, period = (path.read_text().strip() for path in _CGROUP_V1)
        return math.inf if int(quota) <= 0 else int(quota) / int(period)
    except (OSError, ValueError):
        return math.inf


def available_cpus() -> int:
    """Return the CPUs this process may use: its affinity mask, cut to a container's limit."""
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(own, _container_limit())))
