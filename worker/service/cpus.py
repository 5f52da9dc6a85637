"""How many processors a container may use; PyTorch only sees how many its host has."""

from __future__ import annotations

from math import ceil
from pathlib import Path

CPU_MAX = Path("/sys/fs/cgroup/cpu.max")


def allowed(cpu_max: Path = CPU_MAX) -> int | None:
    """Processors by the quota of control groups version 2, at least 1; None without a quota.

    More threads than that only wait for one another.
    https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files
    """
    try:
        quota, period = cpu_max.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        # Another operating system, or control groups version 1.
        return None
    if quota == "max":
        return None
    return max(1, ceil(int(quota) / int(period)))
