"""Following a run live: server-sent events where the deployment has them, resumed after a cut.

https://html.spec.whatwg.org/multipage/server-sent-events.html. Ids are those of the event log, so
that whoever reads may change over to the log at any event.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator

import httpx

from system.client import errors
from system.client.transport import Transport
from system.events import FINAL_STATES, LINE_BYTES_MAX, Event, EventLog, EventLogError

PAUSE_S = 2.0
"""Before the next try where a run has no events yet, or a stream was cut."""
CUTS_MAX = 3
"""Streams in a row that ended without anything new: then the log is followed instead."""
FRAME_BYTES_MAX = LINE_BYTES_MAX + 256
CONTENT_TYPE = "text/event-stream"


class LiveStream:
    """The stream of one run at ``url``; ``state`` asks the API where the run is."""

    def __init__(
        self,
        transport: Transport,
        url: str,
        *,
        state: Callable[[], str],
        now: Callable[[], float],
        silence_max_s: float,
    ) -> None:
        self._transport = transport
        self._url = url
        self._state = state
        self._now = now
        self._silence_max_s = silence_max_s
        self.over = False
        """Whether nothing comes any more; else the log has the rest."""

    def events(self, log: EventLog) -> Iterator[Event]:
        """The events after those that ``log`` has, until the final one.

        Ends early, with ``over`` False, where the stream cannot be had: the log says the same.
        Raises BadAnswerError when nothing is heard for too long, or the stream is broken.
        """
        heard_at, cuts = self._now(), 0
        while not self.over and cuts < CUTS_MAX:
            before = log.last_id
            status = yield from self._once(log)
            if log.finished or status == httpx.codes.NO_CONTENT:
                self.over = True
            elif status not in {None, httpx.codes.OK, httpx.codes.NOT_FOUND}:
                return
            elif log.last_id > before:
                heard_at, cuts = self._now(), 0
            elif self._state() in FINAL_STATES:
                return
            elif self._now() - heard_at > self._silence_max_s:
                raise errors.BadAnswerError(
                    f"Nothing was heard of the run for {self._silence_max_s / 60:.0f} minutes."
                )
            else:
                cuts += status != httpx.codes.NOT_FOUND
                self._transport.pause(PAUSE_S)

    def _once(self, log: EventLog) -> Generator[Event, None, int | None]:
        """One connection; returns its status, None when there was none or it broke."""
        headers = {"Accept": CONTENT_TYPE, "Cache-Control": "no-cache"}
        if log.last_id:
            headers["Last-Event-ID"] = str(log.last_id)
        status: int | None = None
        try:
            with self._transport.http.stream("GET", self._url, headers=headers) as answer:
                status = answer.status_code
                if status != httpx.codes.OK:
                    return status
                if not answer.headers.get("content-type", "").startswith(CONTENT_TYPE):
                    return int(httpx.codes.BAD_GATEWAY)
                yield from self._read(answer, log)
        except httpx.ConnectError:
            return int(httpx.codes.BAD_GATEWAY)
        except httpx.TransportError:
            return None
        return status

    def _read(self, answer: httpx.Response, log: EventLog) -> Iterator[Event]:
        for frame in _frames(answer):
            data = [line[5:].strip() for line in frame.split("\n") if line.startswith("data:")]
            if not data:
                # A comment: the line is alive. Is the run? A worker that was killed says nothing.
                if self._state() in FINAL_STATES:
                    return
                continue
            try:
                yield from log.feed("\n".join(data) + "\n")
            except EventLogError as error:
                raise errors.BadAnswerError(
                    f"The event stream of the run is broken: {error}."
                ) from error
            if log.finished:
                return


def _frames(answer: httpx.Response) -> Iterator[str]:
    """What stands between empty lines; raises BadAnswerError for one that is too large."""
    rest = b""
    for chunk in answer.iter_bytes():
        *frames, rest = (rest + chunk).split(b"\n\n")
        if len(rest) > FRAME_BYTES_MAX:
            raise errors.BadAnswerError("The event stream of the run is broken: no end of a line.")
        for frame in frames:
            yield frame.decode("utf-8", "replace")
