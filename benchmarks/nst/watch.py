"""Runs a command and says what it took: ``python watch.py COMMAND ...`` prints one line of JSON.

A process of its own, and a small one: Linux counts the memory that a process had before its exec,
which is its parent's, so that the child of a large program seems to be large, too.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys


def main() -> None:
    """Run it; the line has its exit code, its output, CPU-seconds and KiB of the most memory."""
    done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True, check=False)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = used.ru_utime + used.ru_stime
    found = {"code": done.returncode, "said": done.stdout, "cpu_s": spent}
    print(json.dumps(found | {"peak_kib": used.ru_maxrss}))


if __name__ == "__main__":
    main()
