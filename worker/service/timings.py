"""All times of the service in one table; tests shrink or stretch them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Timings:
    """How long and how often, in seconds.

    The figures lean on the workflow ``run-nst``: 240 s for ``started``, then a heartbeat every
    30 s, and on the task's stop timeout of 30 s between SIGTERM and SIGKILL.
    """

    heartbeat_s: float = 10.0
    """Between heartbeats, and between looks at the cancel mark: each is a priced request."""
    log_s: float = 2.0
    """Between two writes of the event log to S3, each a priced PUT."""
    preview_s: float = 2.0
    """Between two previews that the engine is asked to draw."""
    preview_patience_s: float = 1.0
    """For a preview's upload that is under way when the painting is done."""
    progress_s: float = 0.25
    """Between two progress lines, so that a long run's log stays small (it is rewritten whole)."""
    order_patience_s: float = 20.0
    """For the start order: it is written before the task exists, so its absence is an error."""
    token_patience_s: float = 30.0
    """For a newer token when the one at hand is over: a retry of the workflow writes it."""
    watch_poll_s: float = 0.2
    """First pause between two looks for the second token; it grows to ``watch_poll_max_s``."""
    watch_poll_max_s: float = 2.0
    watch_patience_s: float = 60.0
    """For the second token, from the moment that ``started`` was accepted."""
    contact_lost_s: float = 60.0
    """Without an answer from AWS; the workflow gave the run up after 30 s without a heartbeat."""
    retry_s: float = 1.0
    """Between two tries of a call that AWS did not answer (botocore has tried three times)."""
    report_patience_s: float = 30.0
    """For a result or a report that AWS does not take."""
    last_words_s: float = 8.0
    """The same after SIGTERM, or when AWS was silent for long already."""
    finish_s: float = 6.0
    """Kept free before the deadline: encode and upload the picture, write the log, report."""
    engine_grace_s: float = 10.0
    """For the engine to come back after its deadline; it promises one second."""
    terminate_s: float = 20.0
    """From SIGTERM to the end of the process, whatever is left to do."""
    drain_s: float = 2.0
    """For open connections to take the last events before the process ends."""
    keep_alive_s: float = 15.0
    """Between two comments on a silent event stream."""
    stream_s: float = 840.0
    """An event stream ends after this long, and its reader comes again with the last id: API
    Gateway would cut it after 15 minutes, in the middle of a line."""
    follow_s: float = 2.0
    """Between two looks at the event log of another task's run, shared by all its readers."""
    follow_idle_s: float = 300.0
    """A followed log that stays silent for so long has no writer: its streams end."""
    web_after_s: float = 1.0
    """The Web API comes up when ``started`` is reported, and no later than this."""
