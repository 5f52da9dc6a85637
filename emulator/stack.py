"""The emulator as a library: ``with Stack() as stack: ...`` in any pytest suite.

The emulator runs on an event loop in a thread of its own; the calling thread uses boto3, httpx or
a browser against ``stack.aws_url`` and ``stack.edge_url``.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, Self, TypeVar

from emulator.emulator import Emulator
from emulator.settings import Settings

T = TypeVar("T")

START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 60


class Stack:
    """An emulator in a thread; ports are free ones unless the settings name them.

    ``options`` are members of Settings: ``Stack(aws_timing=True, live_events=True)``.
    """

    def __init__(self, settings: Settings | None = None, **options: Any) -> None:
        self.settings = replace(settings or Settings(aws_port=0, edge_port=0), **options)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="nst-stack")
        self.emulator = Emulator(self.settings)

    @property
    def aws_url(self) -> str:
        """The AWS endpoint's URL."""
        return self.emulator.aws_url

    @property
    def edge_url(self) -> str:
        """The web page's URL, and the public API below ``/api``."""
        return self.emulator.edge_url

    def run(self, work: Coroutine[Any, Any, T], timeout_s: float = START_TIMEOUT_S) -> T:
        """Run a coroutine on the emulator's loop and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)

    def __enter__(self) -> Self:
        """Start; returns when the system is deployed."""
        self._thread.start()
        try:
            self.run(self.emulator.__aenter__())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, and wait until every child has ended."""
        try:
            self.run(self.emulator.__aexit__(), STOP_TIMEOUT_S)
        finally:
            self._end()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_TIMEOUT_S)
        self._loop.close()
