"""How much memory a sandbox uses.

The limit is kept by watching the resident set, not by RLIMIT_AS: a Python process with threads
reserves hundreds of megabytes of address space that it never touches, so an address-space limit
kills functions that fit on AWS. On Linux the kernel's high-water mark shows peaks between two
looks; children of the function's process do not count.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

_STATUS = re.compile(rb"^(VmHWM|VmRSS):\s+(\d+) kB", re.MULTILINE)


@dataclass(frozen=True)
class Memory:
    """Bytes in use and the most so far (where the system does not say: what is in use)."""

    now: int
    peak: int


NOTHING = Memory(0, 0)


def memory_of(pid: int) -> Memory:
    """The memory of a process; nothing when it has ended."""
    if sys.platform == "linux":
        try:
            status = Path(f"/proc/{pid}/status").read_bytes()
        except OSError:
            return NOTHING
        found = {name: int(kib) * 1024 for name, kib in _STATUS.findall(status)}
        return Memory(found.get(b"VmRSS", 0), found.get(b"VmHWM", 0))
    try:
        resident = int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return NOTHING
    return Memory(resident, resident)
