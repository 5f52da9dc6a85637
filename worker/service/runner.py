"""Starting the run of this task, once, whoever asks."""

from __future__ import annotations

import threading
from collections.abc import Callable

from worker.service.run import Run


class Runner:
    """Executes ``run`` in a thread of its own and says ``over(reported)`` at its end."""

    def __init__(self, run: Run, over: Callable[[bool], None]) -> None:
        self.run = run
        self._over = over
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the run; harmless when it is started, or over."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._execute, name="run", daemon=True)
                self._thread.start()

    def _execute(self) -> None:
        self._over(self.run.execute())
