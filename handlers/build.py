"""``python -m handlers.build --out DIR``: writes the zip of every function."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from system import artifacts


def main(arguments: list[str] | None = None) -> int:
    """Build the zips into the folder ``--out`` and print each file's name and hash."""
    parser = argparse.ArgumentParser(prog="python -m handlers.build", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the zips")
    out: Path = parser.parse_args(arguments).out
    out.mkdir(parents=True, exist_ok=True)
    for name in artifacts.FUNCTIONS:
        body = artifacts.build_zip(name)
        path = out / f"{name}.zip"
        path.write_bytes(body)
        sys.stdout.write(f"{path} {artifacts.sha256(body)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
