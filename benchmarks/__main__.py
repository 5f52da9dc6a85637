"""``python -m benchmarks [NAME ...]``: run those named (see NAMES), by default all."""

from __future__ import annotations

import runpy
import sys

NAMES = ("system", "storage", "orchestrator", "simulation", "deploy", "web", "start", "nst")


def main() -> None:
    """Run each benchmark in turn."""
    names = sys.argv[1:] or list(NAMES)
    for name in names:
        if name not in NAMES:
            raise SystemExit(f"there is no benchmark {name!r}; choose from {', '.join(NAMES)}")
        sys.argv = [f"benchmarks.{name}"]
        runpy.run_module(f"benchmarks.{name}", run_name="__main__")


if __name__ == "__main__":
    main()
