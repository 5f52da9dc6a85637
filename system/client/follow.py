"""Following a run: live where that can be had, else its event log read by ETag and its state.

The log is an object in the bucket that grows; ``If-None-Match`` makes a look at it cheap. It is not
there at first (S3 says 403 for that to those who may not list), and links to it expire.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from system.client import errors
from system.client.live import LiveStream
from system.client.transport import Transport
from system.events import FINAL_STATES, LOG_BYTES_MAX, Event, EventLog, EventLogError

POLL_S = 1.0
"""Between two looks at the log; the worker rewrites it every 2 s at most."""
STATE_EVERY = 5
"""The state is asked for at every so many looks; at every other one while there is no log."""
RENEW_AFTER_S = 60.0
"""Links are renewed at most this often."""
SILENCE_MAX_S = 900.0 + 240.0 + 300.0
"""Longest run, its start and its clean-up: nothing new for this long means that it is lost."""


@dataclass(frozen=True)
class Links:
    """Presigned GETs of a run's objects; ``expires_at`` as the API wrote it.

    ``events_live``: the path of the run's event stream, None where there is none.
    """

    events: str
    preview: str
    result: str
    expires_at: str | None = None
    events_live: str | None = None

    @classmethod
    def parse(cls, document: Any) -> Links:
        """``{"events", "preview", "result", "expires_at", "events_live"?}``.

        Raises BadAnswerError.
        """
        if not isinstance(document, Mapping):
            raise errors.BadAnswerError("The answer has no links.")
        found = [document.get(name) for name in ("events", "preview", "result")]
        for url in found:
            if not isinstance(url, str) or not url.startswith(("http://", "https://")):
                raise errors.BadAnswerError("The answer has no proper links.")
        events, preview, result = map(str, found)
        expires = document.get("expires_at")
        live = document.get("events_live")
        if live is not None and not (isinstance(live, str) and live.startswith("/api/")):
            raise errors.BadAnswerError("The answer has no proper links.")
        return cls(events, preview, result, None if expires is None else str(expires), live)


class Follower:
    """Follows one run. ``state`` asks the API, ``renew`` asks it for fresh links."""

    def __init__(
        self,
        transport: Transport,
        *,
        state: Callable[[], str],
        renew: Callable[[], Links],
        links: Links,
        now: Callable[[], float],
    ) -> None:
        self._transport = transport
        self._state = state
        self._renew = renew
        self._links = links
        self._now = now
        self._renewed_at = now()
        self._etag: str | None = None

    def events(self, after: int) -> Iterator[Event]:
        """The events after that id, until the final one or a final state of the run."""
        log = EventLog(after)
        if self._links.events_live is not None:
            live = LiveStream(
                self._transport,
                self._links.events_live,
                state=self._state,
                now=self._now,
                silence_max_s=SILENCE_MAX_S,
            )
            yield from live.events(log)
            if live.over:
                return
        heard_at, looks = self._now(), 0
        while True:
            fresh = self._look(log)
            yield from fresh
            if log.finished:
                return
            if fresh:
                heard_at = self._now()
            elif self._now() - heard_at > SILENCE_MAX_S:
                raise errors.BadAnswerError(
                    f"Nothing was heard of the run for {SILENCE_MAX_S / 60:.0f} minutes."
                )
            looks += 1
            # What ends a run before it has a log, or kills its worker, is in the state alone.
            every = STATE_EVERY if log.last_id else 2
            if looks % every == 0 and self._state() in FINAL_STATES:
                yield from self._look(log)
                return
            self._transport.pause(POLL_S)

    def _look(self, log: EventLog) -> list[Event]:
        headers = {"If-None-Match": self._etag} if self._etag else {}
        answer = self._transport.send(
            "GET", self._links.events, again=True, headers=headers, bytes_max=LOG_BYTES_MAX
        )
        if answer.status == httpx.codes.NOT_MODIFIED:
            return []
        expired = b"xpired" in answer.body  # "Request has expired", "ExpiredToken"
        if answer.status in {httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND} or expired:
            # Not there yet, or the link (or the role that signed it) is too old: to those who may
            # not list the bucket S3 does not always say which.
            if expired or self._now() - self._renewed_at >= RENEW_AFTER_S:
                self._links = self._renew()
                self._renewed_at = self._now()
            return []
        if answer.status != httpx.codes.OK:
            raise errors.BadAnswerError(f"The bucket answered {answer.status} for the event log.")
        try:
            fresh = log.feed(answer.body.decode())
        except (EventLogError, UnicodeDecodeError) as error:
            raise errors.BadAnswerError(f"The event log of the run is broken: {error}.") from error
        self._etag = answer.headers.get("etag")
        return fresh
