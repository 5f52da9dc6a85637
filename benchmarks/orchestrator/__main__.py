"""Measures Step Functions and Lambda of the emulator, beside ministack and moto in the same run.

``python -m benchmarks.orchestrator [--without-peers]`` prints and writes the table; it takes two
to three minutes. The first run sets up ministack's virtual environment below ``.bench/``.
"""

from __future__ import annotations

import argparse
import contextlib
import os

from benchmarks.machine import machine, write_section
from benchmarks.orchestrator import calls, peers, servers, virtual, waiting
from benchmarks.orchestrator.table import EMULATOR, Row, render

NOTES = """
Over HTTP by boto3, one caller; the client's own time is in the figures. All servers run on the
same machine and take turns, round by round. "CPU each" is what one call costs the emulator's
processes, functions' included: it moves less than the time on a busy machine. In a peer's cell
stands its median and, in brackets, how many times the emulator's that is.
"""


def main() -> None:
    """Measure and write the section ``orchestrator``."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--without-peers", action="store_true", help="measure the emulator alone; writes nothing"
    )
    alone = parser.parse_args().without_peers
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        os.environ.pop(name, None)  # the user's own account is not meant
    found = measure(alone=alone)
    versions = {} if alone else {"ministack": peers.MINISTACK, "moto": peers.moto_version()}
    text = "\n".join([machine(), "", render(found, versions), NOTES])
    print(text)
    for row in found:
        if row.missed:
            print(f"target missed: {row.what}")
    if not alone:
        write_section("orchestrator", text)


def measure(*, alone: bool) -> list[Row]:
    """All rows, in the order of the table."""
    on_virtual_time = virtual.rows()
    with contextlib.ExitStack() as running:
        started = {EMULATOR: running.enter_context(servers.emulator())}
        if not alone:
            started["ministack"] = running.enter_context(servers.ministack())
            started["moto"] = running.enter_context(servers.moto())
        over_http = calls.rows(started)
    with servers.emulator() as fresh:
        in_memory = waiting.rows(fresh)
    return [*over_http, *in_memory, *on_virtual_time]


if __name__ == "__main__":
    main()
