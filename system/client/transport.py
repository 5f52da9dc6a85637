"""HTTP with limits on everything: times, sizes, attempts.

A call is repeated after connection errors and 429, 502, 503 and 504 when repeating it does no harm
(the caller says so), with full jitter, see
https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any
from urllib.parse import urlsplit

import httpx

from system.client import errors

JSON_BYTES_MAX = 1024 * 1024
ATTEMPTS = 5
PAUSE_BASE_S, PAUSE_MAX_S = 0.25, 8.0
# API Gateway gives up on an integration after 29 s: a later answer will not come.
TIMEOUT = httpx.Timeout(connect=5.0, read=35.0, write=35.0, pool=5.0)
REPEATED = frozenset({429, 502, 503, 504})
_CHUNK = 65_536


@dataclass(frozen=True)
class Answer:
    """A whole answer, its body within the limit that the call set."""

    status: int
    headers: httpx.Headers
    body: bytes

    def document(self) -> dict[str, Any]:
        """The body as a JSON object; raises BadAnswerError."""
        try:
            document = json.loads(self.body)
        except ValueError as error:
            raise errors.BadAnswerError(
                f"The answer ({self.status}) is not JSON: is this the address of an NST system?"
            ) from error
        if not isinstance(document, dict):
            raise errors.BadAnswerError(f"The answer ({self.status}) is no JSON object.")
        return document


@dataclass
class Transport:
    """Sends requests; ``pause`` and ``jitter`` (0 to 1) are there to be replaced in tests."""

    http: httpx.Client
    pause: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = field(default=random.random)

    @classmethod
    def to(cls, base_url: str) -> Transport:
        """A transport for one address; raises UnreachableError when it is none."""
        parts = urlsplit(base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise errors.UnreachableError(
                f"{base_url!r} is no address such as https://nst-art.org."
            )
        # A proxy of the environment is for the world outside, not for this machine.
        local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
        return cls(httpx.Client(base_url=base_url, timeout=TIMEOUT, trust_env=not local))

    def send(
        self,
        method: str,
        url: str,
        *,
        again: bool,
        bytes_max: int = JSON_BYTES_MAX,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One call. ``url``: absolute, or a path below the base URL; ``again``: may be repeated.

        Raises UnreachableError, and BadAnswerError for a body above ``bytes_max``.
        """

        def attempt() -> Answer:
            with self.http.stream(method, url, json=body, headers=headers) as answer:
                return Answer(answer.status_code, answer.headers, read(answer, bytes_max))

        return self.repeat(attempt, url, again=again)

    def repeat(self, attempt: Callable[[], Answer], url: str, *, again: bool) -> Answer:
        """The answer of ``attempt``, made up to ``ATTEMPTS`` times; raises UnreachableError."""
        for remaining in range(ATTEMPTS - 1, -1, -1):
            tried = ATTEMPTS - 1 - remaining
            try:
                answer = attempt()
            except httpx.TransportError as error:
                # A request that never left may always be sent again.
                never_sent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
                if remaining == 0 or not (again or never_sent):
                    raise errors.UnreachableError(_unreachable(url, self.http, error)) from error
                self._wait(tried, None)
                continue
            if remaining == 0 or not again or not _worth_repeating(answer):
                return answer
            self._wait(tried, answer.headers.get("retry-after"))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def download(self, url: str, out: IO[bytes], *, bytes_max: int) -> int | None:
        """Write the object behind ``url`` to ``out``; its bytes, or None for 403 and 404.

        Raises UnreachableError when it broke off, BadAnswerError for other statuses and for more
        than ``bytes_max``.
        """
        start = out.tell()

        def attempt() -> Answer:
            out.seek(start)
            out.truncate()
            with self.http.stream("GET", url) as answer:
                if answer.status_code != httpx.codes.OK:
                    return Answer(answer.status_code, answer.headers, read(answer, _CHUNK))
                size = 0
                for chunk in answer.iter_bytes(_CHUNK):
                    size += len(chunk)
                    if size > bytes_max:
                        raise errors.BadAnswerError(f"The picture has more than {bytes_max} bytes.")
                    out.write(chunk)
                return Answer(answer.status_code, answer.headers, str(size).encode())

        answer = self.repeat(attempt, url, again=True)
        if answer.status in {403, 404}:
            return None
        if answer.status != httpx.codes.OK:
            raise errors.BadAnswerError(f"The bucket answered {answer.status} for the picture.")
        return int(answer.body)

    def _wait(self, tried: int, retry_after: str | None) -> None:
        seconds = self.jitter() * min(PAUSE_BASE_S * 2**tried, PAUSE_MAX_S)
        if retry_after and retry_after.isdecimal() and len(retry_after) < 6:  # noqa: PLR2004
            seconds = min(float(retry_after) + seconds, PAUSE_MAX_S)
        self.pause(seconds)


def _worth_repeating(answer: Answer) -> bool:
    if answer.status not in REPEATED:
        return False
    # "All easels are taken" lasts for minutes, and a closed API for hours: that is news for the
    # visitor, not for a loop.
    return not any(news in answer.body for news in (b'"too-many-runs"', b'"state": "closed"'))


def read(answer: httpx.Response, bytes_max: int) -> bytes:
    """The body of a streamed answer; raises BadAnswerError above ``bytes_max``."""
    body = bytearray()
    for chunk in answer.iter_bytes(_CHUNK):
        body += chunk
        if len(body) > bytes_max:
            raise errors.BadAnswerError(f"The answer has more than {bytes_max} bytes.")
    return bytes(body)


def _unreachable(url: str, http: httpx.Client, error: httpx.TransportError) -> str:
    # Never the whole URL: the query of a presigned one is a key.
    parts = urlsplit(str(http.base_url.join(url)))
    why = "does not answer in time" if isinstance(error, httpx.TimeoutException) else "is not there"
    return f"{parts.scheme}://{parts.netloc} {why} ({type(error).__name__})."
