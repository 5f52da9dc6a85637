"""Our own engine as it was: painted from a checkout of an earlier commit.

That is the engine before a size taught the next one and the photograph's detail was kept
(docs/nst.md, "Half the evaluations"). The benchmark's `paint` is that of today: it asks for a
size, and the earlier one painted 512 px alone. The checkout is a work tree of git's in a temporary
folder, removed afterwards.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
COMMIT = "ee7da35005442a872cf2b976f3ffb5b48a798261"
#: What it is called there.
RECIPE = "good"
_PAINT = "benchmarks/nst/paint.py"


@contextmanager
def checkout(commit: str = COMMIT) -> Iterator[Path]:
    """Give a folder with the project at a commit; raises CalledProcessError where git has none."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "engine"
        _git("worktree", "add", "--detach", str(tree), commit)
        try:
            shutil.copyfile(ROOT / _PAINT, tree / _PAINT)
            yield tree
        finally:
            _git("worktree", "remove", "--force", str(tree))


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True)
