"""A sandbox: one process that runs one version of a function, one event at a time."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from emulator.core.clock import Clock, Timer, iso
from emulator.functions import memory, outcome
from emulator.functions.definition import Function
from emulator.functions.launcher import Child, Job, Launcher
from emulator.functions.outcome import Event, Outcome
from emulator.functions.output import Output
from emulator.functions.runtime_api import Reply, accepted, problem
from emulator.functions.settings import FunctionsSettings

TAIL_LINES_MAX = 2000

Line = tuple[float, str]


class Sandbox:
    """A process of a function; made by the pool, which gives it its events.

    ``write`` takes the lines of the log as they come. A sandbox that has been killed, or whose
    process has ended, is ``over`` and takes no more events.
    """

    def __init__(
        self,
        identity: str,
        function: Function,
        clock: Clock,
        settings: FunctionsSettings,
        write: Callable[[Line], None],
    ) -> None:
        self.id = identity
        self.function = function
        self.born_at = clock.now()
        self.idle_timer: Timer | None = None
        self.rests_since = self.born_at
        self.over = False
        self._clock = clock
        self._settings = settings
        self._write = write
        self._process: Child | None = None
        self._output: Output | None = None
        self._scratch: Path | None = None
        self._exit: asyncio.Task[None] | None = None
        self._memory_timer: Timer | None = None
        self._events: asyncio.Queue[Event] = asyncio.Queue(1)
        loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[Outcome | None] = loop.create_future()
        self._done: asyncio.Future[Outcome] | None = None
        self._event: Event | None = None
        self._request_id = ""
        self._init_s: float | None = None
        self._peak = 0
        self._out_of_memory = False
        self._tail: deque[str] = deque(maxlen=TAIL_LINES_MAX)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid if self._process else 0

    async def start(self, launcher: Launcher, job: Job, scratch: Path | None) -> None:
        """Start the process; ``ready`` tells when its init phase is over.

        ``scratch`` is a directory of its own that ends with it.
        """
        self._scratch = scratch
        self.born_at = self._clock.now()
        self._output = Output(job.output, self.print)
        self._process = await launcher.launch(job)
        self._exit = asyncio.create_task(self._watch_exit(self._process))
        self._watch_memory()

    async def ready(self, within_s: float, request_id: str) -> Outcome | None:
        """Wait for the end of the init phase: None, or how it failed.

        ``request_id`` is the event it is started for. Raises TimeoutError when it is not over
        ``within_s`` seconds from now.
        """
        self._request_id = request_id
        late = asyncio.Event()
        timer = self._clock.call_later(within_s, late.set)
        waiting = asyncio.ensure_future(late.wait())
        try:
            either: set[asyncio.Future[Any]] = {self._ready, waiting}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
            waiting.cancel()
        if not self._ready.done():
            raise TimeoutError
        return self._ready.result()

    async def run(self, event: Event, timeout_s: float) -> tuple[Outcome, str]:
        """Give the ready sandbox an event; its outcome and the tail of its log.

        The START line is written by ``begin``, END and REPORT here. After ``timeout_s`` the
        sandbox is killed and the event has timed out.
        """
        done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._done, self._event = done, event
        started = self._clock.now()
        timer = self._clock.call_later(timeout_s, lambda: self._time_out(event))
        try:
            self._events.put_nowait(event)
            self._watch_memory()
            result = await done
        finally:
            timer.cancel()
            self._done = self._event = None
        if self._output is not None:
            self._output.drain()
        self.finish(event, result, self._clock.now() - started)
        return result, self.tail()

    def begin(self, request_id: str) -> None:
        """Write the START line; the tail of the log begins here."""
        self._tail.clear()
        self._start_line(request_id)

    def _start_line(self, request_id: str) -> None:
        self._request_id = request_id
        self.print(outcome.start_line(request_id, self.function.version))

    def finish(self, event: Event, result: Outcome, duration_s: float) -> None:
        """Write how an event ended: for platform errors the error, then END and REPORT."""
        if result.error_type == "Sandbox.Timedout":
            seconds = self.function.timeout_s
            at = iso(self._clock.now())
            self.print(f"{at} {event.request_id} Task timed out after {seconds:.2f} seconds")
        elif result.error_type in outcome.PLATFORM_ERRORS:
            self.print(json.loads(result.payload)["errorMessage"])
            self.print(result.error_type or "")
        self.print(outcome.end_line(event.request_id))
        init_s, self._init_s = self._init_s, None
        line = outcome.report_line(
            event.request_id,
            duration_s=duration_s,
            memory_mb=self.function.memory_mb,
            used_bytes=self._peak,
            init_s=init_s,
            status=result.status,
        )
        self.print(line)

    def fail_init(self, request_id: str, failed: Outcome, took_s: float, phase: str) -> None:
        """Write how a start failed; in the phase ``invoke`` it is the end of the event too."""
        if self._output is not None:
            self._output.drain()
        self.print(outcome.init_report_line(took_s, phase, failed))
        if phase == "invoke":
            self._start_line(request_id)
            status = failed.status or f"error\tError Type: {failed.error_type}"
            event = Event(request_id, "", b"", 0, "")
            self.finish(event, replace(failed, status=status), took_s)

    def tail(self) -> str:
        """The log of the newest event."""
        return "".join(line + "\n" for line in self._tail)

    def print(self, line: str) -> None:
        """Write a line to the log."""
        self._tail.append(line)
        self._write((self._clock.now(), line))

    def hold_output(self, held: bool) -> None:
        """Stop reading what the process prints, or go on; a full pipe makes it wait."""
        if self._output is not None:
            self._output.hold(held)

    async def stop(self) -> None:
        """End the process and everything it started; returns when they are gone."""
        self.kill()
        if self._exit is not None:
            await self._exit
        elif self._output is not None:  # the process could not even be started
            self._output.close()

    def kill(self) -> None:
        """Kill the process's whole group; harmless when it is over."""
        self.over = True
        for timer in (self.idle_timer, self._memory_timer):
            if timer is not None:
                timer.cancel()
        if self._process is not None:
            self._process.kill()

    # What the Runtime API asks.

    async def next_event(self) -> Reply:
        """The runtime is idle and asks for work."""
        if not self._ready.done():
            self._init_s = self._clock.now() - self.born_at
            self._ready.set_result(None)
        event = await self._events.get()
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": event.request_id,
            "Lambda-Runtime-Deadline-Ms": str(event.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": event.arn,
            "Lambda-Runtime-Trace-Id": event.trace_id,
        }
        if event.client_context:
            headers["Lambda-Runtime-Client-Context"] = event.client_context
        return Reply(200, event.payload, headers)

    def take_response(self, request_id: str, body: bytes, length: int) -> Reply:
        """The result of the event."""
        if length > self._settings.response_bytes_max:
            if not self._end(request_id, outcome.too_large(self._settings.response_bytes_max)):
                return _unknown(request_id)
            self.over = True  # the runtime gives up when its response is refused
            return problem(413, "RequestEntityTooLarge", "the response is too large")
        if self._look_at_memory():
            return accepted()  # too late: it is being killed, and that is the event's outcome
        ended = self._end(request_id, outcome.succeeded(body))
        return accepted() if ended else _unknown(request_id)

    def take_error(self, request_id: str, body: bytes) -> Reply:
        """The error that the function raised."""
        ended = self._end(request_id, outcome.reported(body))
        return accepted() if ended else _unknown(request_id)

    def take_init_error(self, body: bytes) -> Reply:
        """The error that ended the start."""
        if not self._ready.done():
            self._ready.set_result(outcome.reported(body))
        return accepted()

    def _end(self, request_id: str, result: Outcome) -> bool:
        if self._event is None or self._event.request_id != request_id:
            return False
        if self._done is not None and not self._done.done():
            self._done.set_result(result)
        return True

    def _time_out(self, event: Event) -> None:
        if self._end(
            event.request_id, outcome.timed_out(event.request_id, self.function.timeout_s)
        ):
            self._look_at_memory()
            self.kill()

    async def _watch_exit(self, process: Child) -> None:
        code = await process.wait()
        self.kill()
        if self._output is not None:
            self._output.close()
        result = outcome.exited(self._request_id, code, out_of_memory=self._out_of_memory)
        if not self._ready.done():
            self._ready.set_result(result)
        if self._done is not None and not self._done.done():
            self._done.set_result(result)
        if self._scratch is not None:
            await asyncio.to_thread(shutil.rmtree, self._scratch, ignore_errors=True)

    def _watch_memory(self) -> None:
        """Look now and again as long as the process is busy."""
        if self.over or (self._event is None and self._ready.done()):
            return
        self._look_at_memory()
        self._memory_timer = self._clock.call_later(
            self._settings.memory_poll_s, self._watch_memory
        )

    def _look_at_memory(self) -> bool:
        """Whether the process has used more than its function may (it is killed then)."""
        if self._process is None or self._process.over:
            return False
        used = memory.memory_of(self._process.pid)
        self._peak = max(self._peak, used.peak)
        if self._peak > self.function.memory_mb * 2**20 and not self.over:
            self._out_of_memory = True
            self.kill()
        return self._out_of_memory


def _unknown(request_id: str) -> Reply:
    return problem(400, "InvalidRequestID", f"{request_id} is not the request of this sandbox")
