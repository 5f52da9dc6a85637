"""What a figure was measured on."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path


def machine() -> str:
    """One line: date, processor, cores, memory, Python."""
    model, flags = platform.machine(), ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
            if line.startswith("flags"):
                flags = line
    extras = [f for f in ("avx512_bf16", "amx_bf16") if f in flags]
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {model}, {os.cpu_count()} cores"
        f"{' (' + ', '.join(extras) + ')' if extras else ''}, {pages / 2**30:.0f} GiB, "
        f"Python {platform.python_version()}"
    )


def write_section(name: str, text: str) -> None:
    """Replace the part of docs/performance.md between the two marks of ``name``."""
    path = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
    whole = path.read_text(encoding="utf-8")
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    if begin not in whole or end not in whole:
        raise SystemExit(f"docs/performance.md has no marks for {name!r}")
    head, _, rest = whole.partition(begin)
    _, _, tail = rest.partition(end)
    path.write_text(f"{head}{begin}\n{text.rstrip()}\n{end}{tail}", encoding="utf-8")
