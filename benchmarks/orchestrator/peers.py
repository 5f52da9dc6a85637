"""The peer that is no dependency of the project, in a virtual environment of its own."""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CACHE = ROOT / ".bench"
MINISTACK = "1.5.33"
"""The version that is measured; its dependencies are not ours, so it is not in constraints.txt."""


def ministack_python() -> Path:
    """The Python of ministack's virtual environment; the first time it is set up.

    Raises SystemExit when the package index does not have it.
    """
    home = CACHE / f"ministack-{MINISTACK}"
    python = home / "bin" / "python"
    done = home / ".installed"
    if done.exists():
        return python
    shutil.rmtree(home, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    install = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    installed = subprocess.run([*install, f"ministack=={MINISTACK}"], check=False)
    if installed.returncode:
        raise SystemExit("ministack cannot be installed; leave the peers out: --without-peers")
    done.touch()
    return python


def moto_version() -> str:
    """The version of moto, which the emulator has as a library."""
    return importlib.metadata.version("moto")
