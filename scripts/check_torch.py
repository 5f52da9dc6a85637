"""Refuses to let pip pull gigabytes of CUDA without being told to.

``python scripts/check_torch.py PYTHON [OPTION ...]`` asks pip of that interpreter what installing
the pinned torch, with these options of pip's, would bring. On Linux the default package index
brings a GPU build with several gigabytes of libraries that a CPU task never uses.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ADVICE = """\
Installing torch from your package index would also install {count} CUDA packages (gigabytes),
which this project does not use. Choose one:
  - point pip at an index or a folder with CPU builds of torch:
      export PIP_EXTRA_INDEX_URL=<PyTorch's CPU index>     (see pytorch.org, "Get started")
      export PIP_FIND_LINKS=<folder with a +cpu wheel>
  - or take the GPU build all the same:  make TORCH_ANY=1 ...
"""


def main() -> int:
    """Exit status 0: go on; 1: torch would bring CUDA."""
    python = sys.argv[1]
    if os.environ.get("TORCH_ANY") == "1":
        return 0
    pins = Path(__file__).resolve().parent.parent.joinpath("pyproject.toml").read_text("utf-8")
    found = re.search(r'"(torch==[^"]+)"', pins)
    if found is None:
        raise SystemExit("pyproject.toml does not pin torch")
    command = [
        python, "-m", "pip", "install", "--dry-run", "--quiet", "--report", "-",
        *sys.argv[2:], found[1],
    ]  # fmt: skip
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        print(done.stderr, file=sys.stderr)
        return done.returncode
    names = [item["metadata"]["name"].lower() for item in json.loads(done.stdout)["install"]]
    cuda = [name for name in names if name.startswith(("nvidia-", "cuda-")) or name == "triton"]
    if cuda:
        print(ADVICE.format(count=len(cuda)), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
