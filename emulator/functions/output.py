"""What a sandbox's process prints: one named pipe for both streams, so that their order is kept.

The pipe is read by hand and not through a stream reader: at the end of an event everything that was
printed before must come before the END line, so the pipe is emptied right then.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

CHUNK = 64 * 1024
LINE_BYTES_MAX = 256 * 1024
DRAIN_CHUNKS_MAX = 64
"""A pipe holds less; more only comes from a process that goes on to print while we read."""


class Output:
    """The reading end of a pipe made at ``path``; ``take`` gets each line without its end."""

    def __init__(self, path: Path, take: Callable[[str], None]) -> None:
        self._take = take
        self._rest = b""
        self._path = path
        os.mkfifo(path, 0o600)
        # For writing too: so it can be opened before there is a writer, and never seems to end.
        self._reader = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._loop = asyncio.get_running_loop()
        self._held = True
        self.hold(held=False)

    def hold(self, held: bool) -> None:
        """Leave what is printed in the pipe, or take it again."""
        if self._reader < 0 or held == self._held:
            return
        self._held = held
        if held:
            self._loop.remove_reader(self._reader)
        else:
            self._loop.add_reader(self._reader, self._readable)

    def drain(self) -> None:
        """Take everything that was printed so far, the unfinished last line included."""
        self._read(DRAIN_CHUNKS_MAX)
        if self._rest:
            rest, self._rest = self._rest, b""
            self._line(rest)

    def close(self) -> None:
        """Take what is left and close the pipe."""
        if self._reader >= 0:
            self.drain()
            self._shut()

    def _readable(self) -> None:
        # One chunk at a time: a function that floods its output must not hold up the loop.
        self._read(1)

    def _read(self, chunks: int) -> None:
        for _ in range(chunks):
            if self._reader < 0:
                return
            try:
                data = os.read(self._reader, CHUNK)
            except BlockingIOError:
                return
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                self._line(line)
            if len(self._rest) > LINE_BYTES_MAX:
                rest, self._rest = self._rest, b""
                self._line(rest)

    def _shut(self) -> None:
        self._loop.remove_reader(self._reader)
        os.close(self._reader)
        self._reader = -1
        self._path.unlink(missing_ok=True)

    def _line(self, line: bytes) -> None:
        # awslambdaric parts the lines of one message with carriage returns; one event holds them.
        self._take(line.decode("utf-8", "replace").rstrip("\r").replace("\r", "\n"))
