from __future__ import annotations

import httpx
import pytest

from system.client import errors
from system.client.follow import POLL_S, RENEW_AFTER_S, Links
from tests.unit.client.scripted import (
    EXPIRED,
    LINKS,
    NOT_YET,
    RUN,
    Script,
    answer,
    log,
    problem,
    result,
    state,
    step,
)

STARTING = [state("starting"), state("checking"), state("running", steps=3)]
STATE = f"GET /api/runs/{RUN}"
RENEW = f"POST /api/runs/{RUN}/links"


def script() -> Script:
    return Script().on(STATE, answer(run_id=RUN, state="running", cause=None))


def follow(server: Script, after: int = 0) -> list[int]:
    events = server.client().events(RUN, Links.parse(LINKS), after=after)
    return [event.id for event in events]


def test_a_log_is_followed_from_nothing_to_its_end() -> None:
    server = script().on(
        "GET /events",
        NOT_YET,
        log(*STARTING),
        log(*STARTING, step(1)),
        log(*STARTING, step(1), result(), state("succeeded")),
    )
    assert follow(server) == [1, 2, 3, 4, 5, 6]
    assert all(pause >= POLL_S for pause in server.pauses), "more than one look a second"


def test_the_log_is_asked_for_by_its_etag() -> None:
    unchanged = httpx.Response(304)
    server = script().on(
        "GET /events",
        log(*STARTING, etag='"one"'),
        unchanged,
        log(*STARTING, state("failed"), etag='"two"'),
    )
    assert follow(server) == [1, 2, 3, 4]
    tags = [request.headers.get("if-none-match") for request in server.calls("GET /events")]
    assert tags == [None, '"one"', '"one"']


def test_following_resumes_after_an_id() -> None:
    server = script().on("GET /events", log(*STARTING, step(1), state("succeeded")))
    assert follow(server, after=3) == [4, 5]


def test_a_run_that_fails_before_it_has_a_log_ends_by_its_state() -> None:
    server = Script().on("GET /events", NOT_YET)
    server.on(STATE, problem("RunNotFound"), answer(state="failed", cause=None))
    assert follow(server) == []
    assert len(server.calls(STATE)) == 2


def test_a_worker_that_falls_silent_ends_by_the_state_with_what_it_last_said() -> None:
    server = Script().on("GET /events", log(*STARTING), httpx.Response(304))
    server.on(STATE, answer(state="running", cause=None), answer(state="failed", cause=None))
    assert follow(server) == [1, 2, 3]


def test_the_last_lines_are_read_after_the_state_is_final() -> None:
    whole = log(*STARTING, step(1), state("cancelled"))
    server = Script().on("GET /events", NOT_YET, NOT_YET, whole)
    server.on(STATE, answer(state="cancelled", cause=None))
    assert follow(server) == [1, 2, 3, 4, 5]


def test_an_expired_link_is_renewed_at_once() -> None:
    fresh = {**LINKS, "events": LINKS["events"].replace("sig=1", "sig=2")}
    server = script().on(RENEW, answer(run_id=RUN, links=fresh))
    server.on("GET /events", EXPIRED, log(*STARTING, state("succeeded")))
    assert follow(server) == [1, 2, 3, 4]
    first, second = server.calls("GET /events")
    assert first.url.query == b"sig=1"
    assert second.url.query == b"sig=2"


def test_a_403_that_lasts_renews_links_now_and_then() -> None:
    server = script().on(RENEW, answer(run_id=RUN, links=LINKS))
    waits = int(2.5 * RENEW_AFTER_S / POLL_S)
    server.on("GET /events", *[NOT_YET] * waits, log(*STARTING, state("succeeded")))
    assert follow(server) == [1, 2, 3, 4]
    assert len(server.calls(RENEW)) == 2


def test_a_run_that_is_never_heard_of_ends() -> None:
    server = Script().on("GET /events", NOT_YET).on(STATE, problem("RunNotFound"))
    server.on(RENEW, answer(run_id=RUN, links=LINKS))
    with pytest.raises(errors.BadAnswerError, match="Nothing was heard"):
        follow(server)


@pytest.mark.parametrize("text", [b"not json\n", b"\xff\xfe\n", b'{"id": 2}\n'])
def test_a_broken_log_is_an_error_not_a_loop(text: bytes) -> None:
    server = script().on("GET /events", httpx.Response(200, content=text))
    with pytest.raises(errors.BadAnswerError, match="broken"):
        follow(server)


def test_a_bucket_that_fails_is_an_error() -> None:
    server = script().on("GET /events", httpx.Response(500))
    with pytest.raises(errors.BadAnswerError, match="500"):
        follow(server)
