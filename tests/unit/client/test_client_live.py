"""Following a run by its event stream: resumed after cuts, left for the log where it fails."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from system.client import errors, live
from system.client.follow import Links
from tests.unit.client.scripted import LINKS, RUN, Script, answer, log, problem, result, state, step

STREAM = f"GET /api/runs/{RUN}/events"
LOG = "GET /events"
STATE = f"GET /api/runs/{RUN}"
STARTING = [state("starting"), state("checking"), state("running", steps=3)]
WHOLE = [*STARTING, step(1), result(), state("succeeded")]
LIVE = {**LINKS, "events_live": f"/api/runs/{RUN}/events"}


def script() -> Script:
    return Script().on(STATE, answer(run_id=RUN, state="running", cause=None))


def follow(server: Script, after: int = 0) -> list[int]:
    events = server.client().events(RUN, Links.parse(LIVE), after=after)
    return [event.id for event in events]


def stream(*events: dict[str, Any], first: int = 1, comments: int = 0) -> httpx.Response:
    frames = [
        f"id: {number}\nevent: {event['type']}\ndata: "
        + json.dumps({"id": number, "at": "2026-11-23T12:00:00.000Z", **event})
        + "\n\n"
        for number, event in enumerate(events, start=first)
    ]
    text = "".join(frames) + ": keep-alive\n\n" * comments
    return httpx.Response(200, content=text, headers={"Content-Type": "text/event-stream"})


def test_a_stream_is_followed_to_its_end_and_the_log_is_not_read() -> None:
    server = script().on(STREAM, stream(*WHOLE))
    assert follow(server) == [1, 2, 3, 4, 5, 6]
    assert server.calls(LOG) == []
    assert server.pauses == []


def test_a_stream_that_is_cut_is_resumed_after_the_last_event() -> None:
    server = script().on(STREAM, stream(*WHOLE[:3]), stream(*WHOLE[3:], first=4))
    assert follow(server) == [1, 2, 3, 4, 5, 6]
    first, second = server.calls(STREAM)
    assert "last-event-id" not in first.headers
    assert second.headers["last-event-id"] == "3"


def test_following_begins_after_an_id() -> None:
    server = script().on(STREAM, stream(*WHOLE[4:], first=5))
    assert follow(server, after=4) == [5, 6]
    assert server.calls(STREAM)[0].headers["last-event-id"] == "4"


def test_who_has_seen_the_end_is_done() -> None:
    server = script().on(STREAM, httpx.Response(204))
    assert follow(server, after=6) == []
    assert server.calls(LOG) == []


def test_a_run_without_events_yet_is_asked_for_again() -> None:
    nothing = problem("RunNotFound")
    server = script().on(STREAM, nothing, nothing, nothing, nothing, nothing, stream(*WHOLE))
    assert follow(server) == [1, 2, 3, 4, 5, 6]
    assert server.pauses == [live.PAUSE_S] * 5
    assert server.calls(LOG) == []


@pytest.mark.parametrize(
    "refused",
    [
        httpx.Response(503, content=b"<html>Service Temporarily Unavailable</html>"),
        httpx.Response(429),
        httpx.Response(
            200, content=b"<html>the page</html>", headers={"Content-Type": "text/html"}
        ),
        httpx.ConnectError("nobody there"),
    ],
)
def test_where_there_is_no_stream_the_log_is_followed(refused: httpx.Response | Exception) -> None:
    server = script().on(STREAM, refused).on(LOG, log(*WHOLE))
    assert follow(server) == [1, 2, 3, 4, 5, 6]
    assert len(server.calls(STREAM)) == 1


def test_the_log_goes_on_where_the_stream_ended_for_good() -> None:
    unavailable = httpx.Response(503)
    server = script().on(STREAM, stream(*WHOLE[:2]), unavailable).on(LOG, log(*WHOLE))
    assert follow(server) == [1, 2, 3, 4, 5, 6]


def test_streams_that_say_nothing_new_are_given_up_for_the_log() -> None:
    broken = httpx.ReadError("reset")
    server = script().on(STREAM, stream(*WHOLE[:2]), broken).on(LOG, log(*WHOLE))
    assert follow(server) == [1, 2, 3, 4, 5, 6]
    assert len(server.calls(STREAM)) == 1 + live.CUTS_MAX


def test_a_worker_that_was_killed_ends_the_stream_by_the_runs_state() -> None:
    server = Script().on(STATE, answer(run_id=RUN, state="failed", cause=None))
    server.on(STREAM, stream(*STARTING, comments=1)).on(LOG, log(*STARTING))
    assert follow(server) == [1, 2, 3]


def test_a_run_that_failed_before_it_had_events_ends_by_its_state() -> None:
    server = Script().on(STREAM, problem("RunNotFound")).on(LOG, httpx.Response(404))
    server.on(STATE, answer(state="failed", cause=None))
    assert follow(server) == []


def test_a_run_that_is_never_heard_of_ends() -> None:
    server = script().on(STREAM, problem("RunNotFound"))
    with pytest.raises(errors.BadAnswerError, match="Nothing was heard"):
        follow(server)


@pytest.mark.parametrize(
    "broken",
    [
        b"data: no json\n\n",
        stream(WHOLE[1], first=2).content,
        b"x" * (live.FRAME_BYTES_MAX + 1),
    ],
)
def test_a_broken_stream_is_an_error_not_a_loop(broken: bytes) -> None:
    kind = {"Content-Type": "text/event-stream"}
    server = script().on(STREAM, httpx.Response(200, content=broken, headers=kind))
    with pytest.raises(errors.BadAnswerError, match="broken"):
        follow(server)


@pytest.mark.parametrize("path", ["http://elsewhere.test/api/", "//elsewhere.test/api/", 3, ""])
def test_a_stream_is_on_the_apis_own_origin(path: object) -> None:
    with pytest.raises(errors.BadAnswerError, match="links"):
        Links.parse({**LINKS, "events_live": path})
