from __future__ import annotations

import io

import httpx
import pytest

from system.client import errors
from system.client.transport import ATTEMPTS, PAUSE_MAX_S, Transport
from tests.unit.client.scripted import Script, answer, problem
from tests.unit.contract.contract_document import contract

BUSY = httpx.Response(503, json={})


def test_an_idempotent_call_is_repeated_and_pauses_grow() -> None:
    script = Script().on("GET /x", BUSY, httpx.ConnectError("no"), answer(ok=1))
    found = script.transport().send("GET", "/x", again=True)
    assert found.document() == {"ok": 1}
    assert script.pauses == [0.25, 0.5]


def test_repeating_ends() -> None:
    script = Script().on("GET /x", BUSY)
    assert script.transport().send("GET", "/x", again=True).status == 503
    assert len(script.requests) == ATTEMPTS


@pytest.mark.parametrize("status", [400, 402, 404, 409, 422, 500])
def test_what_will_not_change_is_not_repeated(status: int) -> None:
    script = Script().on("GET /x", answer(status))
    assert script.transport().send("GET", "/x", again=True).status == status
    assert len(script.requests) == 1


def test_taken_easels_are_an_answer_not_a_reason_to_repeat() -> None:
    script = Script().on("GET /x", problem("TooManyRuns"))
    assert script.transport().send("GET", "/x", again=True).status == 429
    assert len(script.requests) == 1


@pytest.mark.parametrize(("state", "requests"), [("closed", 1), ("open", ATTEMPTS)])
def test_a_closed_api_is_not_asked_again_and_a_busy_one_is(state: str, requests: int) -> None:
    """The answer is the gateway's own, as the contract has it."""
    refusals = contract()["x-amazon-apigateway-gateway-responses"]
    body = refusals["THROTTLED"]["responseTemplates"]["application/json"]
    body = body.replace("$stageVariables.state", state)
    script = Script().on("GET /x", httpx.Response(429, text=body))
    assert script.transport().send("GET", "/x", again=True).status == 429
    assert len(script.requests) == requests


def test_a_call_that_is_not_idempotent_is_not_repeated_after_it_was_sent() -> None:
    script = Script().on("POST /x", httpx.ReadTimeout("late"), answer())
    with pytest.raises(errors.UnreachableError, match="in time"):
        script.transport().send("POST", "/x", again=False)
    assert len(script.requests) == 1


def test_a_call_that_never_left_is_always_repeated() -> None:
    script = Script().on("POST /x", httpx.ConnectError("refused"), answer())
    assert script.transport().send("POST", "/x", again=False).status == 200


def test_retry_after_is_heard_within_bounds() -> None:
    later = httpx.Response(429, json={}, headers={"Retry-After": "3"})
    never = httpx.Response(429, json={}, headers={"Retry-After": "86400"})
    script = Script().on("GET /x", later, never, answer())
    script.transport().send("GET", "/x", again=True)
    assert script.pauses == [3.25, PAUSE_MAX_S]


def test_an_error_names_the_host_and_never_a_signature() -> None:
    script = Script().on("GET /o", httpx.ConnectError("refused"))
    with pytest.raises(errors.UnreachableError) as caught:
        script.transport().send("GET", "http://bucket.test/o?X-Amz-Signature=secret", again=True)
    assert "http://bucket.test" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_body_that_never_ends_is_cut() -> None:
    script = Script().on("GET /x", httpx.Response(200, content=b"x" * 2_000))
    with pytest.raises(errors.BadAnswerError, match="1000 bytes"):
        script.transport().send("GET", "/x", again=True, bytes_max=1_000)


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b"", b"\xff"])
def test_an_answer_that_is_no_json_object_is_a_sentence(body: bytes) -> None:
    script = Script().on("GET /x", httpx.Response(200, content=body))
    with pytest.raises(errors.BadAnswerError):
        script.transport().send("GET", "/x", again=True).document()


def test_a_download_that_breaks_starts_over() -> None:
    class Broken(httpx.SyncByteStream):
        def __iter__(self):
            yield b"half"
            raise httpx.ReadError("gone")

    replies = [httpx.Response(200, stream=Broken()), httpx.Response(200, content=b"whole")]
    http = httpx.Client(transport=httpx.MockTransport(lambda _: replies.pop(0)))
    out = io.BytesIO()
    transport = Transport(http, pause=lambda _: None)
    assert transport.download("http://b.test/o", out, bytes_max=100) == 5
    assert out.getvalue() == b"whole"


def test_a_download_has_a_limit_and_says_when_nothing_is_there() -> None:
    script = Script().on("GET /o", httpx.Response(200, content=b"x" * 11))
    with pytest.raises(errors.BadAnswerError, match="10 bytes"):
        script.transport().download("/o", io.BytesIO(), bytes_max=10)
    script.on("GET /o", httpx.Response(404))
    assert script.transport().download("/o", io.BytesIO(), bytes_max=10) is None
    script.on("GET /o", httpx.Response(400))
    with pytest.raises(errors.BadAnswerError, match="400"):
        script.transport().download("/o", io.BytesIO(), bytes_max=10)


@pytest.mark.parametrize("url", ["nst-art.org", "ftp://x", "http://", ""])
def test_an_address_that_is_none_is_said_at_once(url: str) -> None:
    with pytest.raises(errors.UnreachableError, match="no address"):
        Transport.to(url)
