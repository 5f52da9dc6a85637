"""``NstClient``: every call of the public API as a method."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import TracebackType
from typing import Any, Self

from system import runs
from system.client import errors, uploads
from system.client.follow import Follower, Links
from system.client.transport import JSON_BYTES_MAX, Transport
from system.client.uploads import Post
from system.events import FINAL_STATES, Event

RESULT_BYTES_MAX = 128 * 1024 * 1024
"""A PNG of 2048 x 2048 pixels with noise in it has 16 MB; this leaves room for more."""
STATE_POLL_S = 1.0
RESULT_WAIT_S = 30.0


@dataclass(frozen=True)
class Admission:
    """A run that may be uploaded: ``POST /api/runs``.

    ``styles``: in the order asked for, None where a house style was chosen;
    ``ceiling_microusd``: the most that it can cost, in micro-dollars.
    """

    run_id: str
    content: Post
    styles: tuple[Post | None, ...]
    links: Links
    max_upload_bytes: int
    ceiling_microusd: int
    budget: Mapping[str, Any]


@dataclass(frozen=True)
class RunState:
    """Where a run is: ``starting``, ``running``, ``succeeded``, ``failed`` or ``cancelled``.

    ``cause``: the problem document of a run that failed.
    """

    state: str
    cause: Mapping[str, Any] | None = None

    @property
    def final(self) -> bool:
        """Whether it stays like this."""
        return self.state in FINAL_STATES


class NstClient:
    """The public API at ``base_url`` (``https://nst-art.org``, without ``/api``).

    All methods raise ClientError (see ``system.client.errors``). Not for several threads at once.
    ``transport`` and ``now`` (seconds, monotonic) are there to be replaced in tests.
    """

    def __init__(
        self,
        base_url: str,
        *,
        transport: Transport | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport or Transport.to(base_url)
        self._now = now

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._transport.http.close()

    def budget(self) -> dict[str, Any]:
        """The budget view: amounts in micro-dollars and, under ``display``, as text."""
        return self._call("GET", "/api/budget", again=True)

    def admit(self, content_type: str, styles: Sequence[Mapping[str, str]]) -> Admission:
        """Ask for one run; raises RefusedError when there is no money or no room for it.

        ``styles``: 1 to 4 of ``{"content_type": ...}`` or ``{"gallery": ...}``.
        """
        body = {"content": {"content_type": content_type}, "styles": list(styles)}
        # Not repeated after a lost answer: it would ask for a second run.
        said = self._call("POST", "/api/runs", body=body, again=False)
        sent, run_id, most = said.get("uploads"), said.get("run_id"), said.get("max_upload_bytes")
        if not runs.is_run_id(run_id) or not isinstance(sent, dict) or not isinstance(most, int):
            raise errors.BadAnswerError("The answer to POST /api/runs is no admission.")
        posts = sent.get("styles")
        if not isinstance(posts, list) or len(posts) != len(styles):
            raise errors.BadAnswerError("The answer to POST /api/runs lacks styles.")
        return Admission(
            run_id=str(run_id),
            content=Post.parse(sent.get("content")),
            styles=tuple(None if post is None else Post.parse(post) for post in posts),
            links=Links.parse(said.get("links")),
            max_upload_bytes=most,
            ceiling_microusd=_amount(said, "ceiling_microusd"),
            budget=said.get("budget") or {},
        )

    def mask_post(self, run_id: str, place: int) -> Post:
        """Where the mask of the style at ``place`` (from 0) goes, for an admitted run."""
        slot = runs.mask_key(run_id, place).rpartition("/")[2]
        body = {"run_id": run_id, "slot": slot, "content_type": runs.MASK_TYPE}
        return Post.parse(self._call("POST", "/api/upload-urls", body=body, again=True))

    def upload(
        self, post: Post, path: Path, on_progress: Callable[[int], None] = lambda _: None
    ) -> None:
        """Send one picture; ``on_progress`` gets the bytes so far. Raises UploadFailedError."""
        uploads.upload(self._transport, post, path, on_progress)

    def start(
        self,
        run_id: str,
        styles: Sequence[Mapping[str, Any]],
        params: Mapping[str, Any] | None = None,
    ) -> int:
        """Start an uploaded run; gives its ceiling in micro-dollars.

        Starting the same run again is harmless. ``styles``: one of ``{"gallery"?, "weight"?}`` for
        each style of the admission, in its order. Raises RefusedError, InvalidInputError.
        """
        body = {"run_id": run_id, "styles": list(styles), "params": dict(params or {})}
        said = self._call("POST", "/api/run-nst", body=body, again=True)
        return _amount(said, "ceiling_microusd")

    def state(self, run_id: str) -> RunState:
        """Where the run is. A run that is not known (yet) is ``starting``."""
        try:
            said = self._call("GET", f"/api/runs/{runs.check_run_id(run_id)}", again=True)
        except errors.NotFoundError:
            return RunState("starting")
        cause = said.get("cause")
        return RunState(str(said.get("state")), cause if isinstance(cause, dict) else None)

    def links(self, run_id: str) -> Links:
        """Fresh links to the run's event log, preview and result; raises NotFoundError."""
        path = f"/api/runs/{runs.check_run_id(run_id)}/links"
        return Links.parse(self._call("POST", path, body={}, again=True).get("links"))

    def stop(self, run_id: str) -> None:
        """Stop a run; stopping it again is harmless. Raises NotFoundError."""
        self._call("POST", f"/api/runs/{runs.check_run_id(run_id)}/stop", body={}, again=True)

    def events(self, run_id: str, links: Links | None = None, *, after: int = 0) -> Iterator[Event]:
        """The run's events with ids above ``after``, as they come, until the run is over.

        Ends with the final event, or when the API says that the run is over (a run may fail before
        it has a log). Raises ClientError when a run is not heard of for too long.
        """
        follower = Follower(
            self._transport,
            state=lambda: self.state(run_id).state,
            renew=lambda: self.links(run_id),
            links=links or self.links(run_id),
            now=self._now,
        )
        return follower.events(after)

    def settled(self, run_id: str, wait_s: float) -> RunState:
        """The run's final state, or the state it has after ``wait_s`` seconds.

        The state turns final some moments after the picture is there: the machine is stopped and
        the money settled first.
        """
        until = self._now() + wait_s
        while True:
            state = self.state(run_id)
            if state.final or self._now() >= until:
                return state
            self._transport.pause(STATE_POLL_S)

    def download(self, run_id: str, path: Path, links: Links | None = None) -> int:
        """Save the painting to ``path``, whole or not at all; gives its bytes.

        Raises RunFailedError when there is none.
        """
        found = links or self.links(run_id)
        for _ in range(2):
            size = self._save(found.result, path)
            if size is not None:
                return size
            found = self.links(run_id)  # the old ones may have expired
        raise errors.RunFailedError({"detail": "The run has no painting (any more)."})

    def _save(self, url: str, path: Path) -> int | None:
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as part:
            beside = Path(part.name)
            try:
                size = self._transport.download(url, part, bytes_max=RESULT_BYTES_MAX)
                part.close()
                if size is not None:
                    beside.chmod(0o644)
                    beside.replace(path)
                return size
            finally:
                beside.unlink(missing_ok=True)

    def _call(
        self, method: str, path: str, *, again: bool, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        answer = self._transport.send(
            method, path, again=again, body=body, bytes_max=JSON_BYTES_MAX
        )
        document = answer.document()
        if 200 <= answer.status < 300:  # noqa: PLR2004 (success, as HTTP numbers it)
            return document
        raise errors.from_problem(answer.status, document)


def _amount(document: Mapping[str, Any], name: str) -> int:
    value = document.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise errors.BadAnswerError(f"The answer has no {name}.")
    return value
