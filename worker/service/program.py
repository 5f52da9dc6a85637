"""The program ``python -m worker``: one run, and the Web API beside it.

Exit codes: 0 the run's outcome was reported, or nobody waits for one; 1 it could not be; 2 the
task is set up wrongly.
"""

# ruff: noqa: PLC0415  (what is slow to import comes after what may refuse to start)

from __future__ import annotations

import logging
import queue
import signal
import socket
import threading
from collections.abc import Mapping
from functools import partial

from system.live_events import FOLLOW_EVERY_S
from system.settings import SettingsError
from worker.service import logs, server
from worker.service.clock import RealClock
from worker.service.control import Stop
from worker.service.ports import Engine
from worker.service.settings import Settings
from worker.service.timings import Timings

log = logging.getLogger("nst.program")

TERMINATE = "terminate"
REPORTED = "reported"
UNREPORTED = "unreported"

Inbox = queue.SimpleQueue[str]
"""Messages to the main thread."""


def main(environment: Mapping[str, str], engine: Engine | None = None) -> int:
    """Live as long as the run does; returns the exit code."""
    formatter = logs.configure()
    threading.excepthook = _log_crash
    inbox: Inbox = queue.SimpleQueue()
    _listen_to_signals(inbox)
    try:
        settings = Settings.from_environment(environment)
        listener = server.bind(settings.host, settings.port)
    except (SettingsError, OSError) as error:
        log.error("the task is set up wrongly: %s", error)  # noqa: TRY400 (a sentence)
        return 2
    if settings.run_id is None:
        return _serve_logs(settings, listener, inbox)
    formatter.fields["run_id"] = formatter.fields["correlation_id"] = settings.run_id
    return _run(settings, listener, inbox, formatter, engine)


def _run(
    settings: Settings,
    listener: socket.socket,
    inbox: Inbox,
    formatter: logs.JsonFormatter,
    engine: Engine | None,
) -> int:
    began_at = RealClock().monotonic()
    from worker.service import aws
    from worker.service.callbacks import Callbacks
    from worker.service.painter import Painter
    from worker.service.parts import Parts
    from worker.service.run import Run
    from worker.service.runner import Runner
    from worker.service.storage import Storage

    s3, states = aws.clients(settings)
    storage, timings = Storage(s3, settings.bucket), Timings()
    parts = Parts(
        storage=storage,
        callbacks=Callbacks(states),
        engine=engine or Painter(),
        clock=RealClock(),
        timings=timings,
        task_arn=partial(aws.task_arn, str(settings.metadata_url)),
        picture_bytes_max=settings.picture_bytes_max,
        announce=partial(formatter.fields.__setitem__, "correlation_id"),
    )
    run = Run(str(settings.run_id), parts, began_at)
    runner = Runner(run, lambda reported: inbox.put(REPORTED if reported else UNREPORTED))
    web = server.WebServer(listener, storage, runner, timings, run.begun)
    runner.start()
    web.start()
    message = inbox.get()
    while message == TERMINATE:
        log.info("told to end")
        run.control.stop(Stop.TERMINATED)
        try:
            message = inbox.get(timeout=timings.terminate_s)
        except queue.Empty:
            log.error("the run did not end in time")  # noqa: TRY400 (no detail in it)
            return 1
    web.stop()
    return 0 if message == REPORTED else 1


def _serve_logs(settings: Settings, listener: socket.socket, inbox: Inbox) -> int:
    from worker.service import aws
    from worker.service.storage import Storage

    s3, _ = aws.clients(settings)
    now = threading.Event()
    now.set()
    # The reads of an instance that only serves logs are its own price (system/live_events.py), not
    # that of the runs, so they may be more frequent than a task's.
    timings = Timings(follow_s=float(FOLLOW_EVERY_S))
    web = server.WebServer(listener, Storage(s3, settings.bucket), None, timings, now)
    web.start()
    inbox.get()
    web.stop()
    return 0


def _listen_to_signals(inbox: Inbox) -> None:
    """Turn SIGTERM and SIGINT into messages.

    A thread takes them with sigwait, and all others block them. A Python handler would run in the
    main thread only, and one that comes just before that thread begins to wait for its message
    would run after it, so never.
    """
    numbers = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)

    def listen() -> None:
        while True:
            signal.sigwait(numbers)
            inbox.put(TERMINATE)

    threading.Thread(target=listen, name="signals", daemon=True).start()


def _log_crash(crash: threading.ExceptHookArgs) -> None:
    """A thread's end by an exception belongs in the JSON logs like everything else."""
    name = crash.thread.name if crash.thread else "unknown"
    log.error("the thread %s failed", name, exc_info=crash.exc_value)
