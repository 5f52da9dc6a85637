"""Requests to S3 that a fault delivers twice: the same again, later, behind the first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from emulator.core.bus import Caller
from emulator.core.errors import AwsError
from emulator.core.faults import Faults, Rule
from emulator.core.virtual_clock import EPOCH, VirtualClock, run
from emulator.endpoint import s3_faults
from emulator.endpoint.recordings import PIECE_BYTES

CALLER = Caller("0" * 12, "us-east-1", "arn:aws:iam::000000000000:root")
SIZES = [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 5 * PIECE_BYTES]


class Service:
    """Notes what is delivered: when, with which headers, with which body."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.delivered: list[tuple[float, str | None, bytes]] = []
        self.sent = 0
        self.reads = True

    async def __call__(self, request: Request) -> Response:
        body = await request.body() if self.reads else b""
        at = round(self.clock.now() - EPOCH, 6)
        self.delivered.append((at, request.headers.get("authorization"), body))

        async def pieces() -> Any:
            yield b"answer"
            self.sent += 1

        return StreamingResponse(pieces())


def request(body: bytes, *, gone_after: int | None = None) -> Request:
    """A PUT whose body comes in pieces; its client may be gone after so many bytes."""
    left = [body[:gone_after]] if gone_after is not None else [body[:1000], body[1000:]]

    async def receive() -> dict[str, Any]:
        if left:
            piece = left.pop(0)
            more = bool(left) or gone_after is not None
            return {"type": "http.request", "body": piece, "more_body": more}
        return {"type": "http.disconnect"}

    scope = {
        "type": "http", "method": "PUT", "path": "/bucket/key", "raw_path": b"/bucket/key",
        "query_string": b"", "scheme": "http", "server": ("localhost", 4566),
        "headers": [(b"host", b"localhost"), (b"authorization", b"AWS4-HMAC-SHA256 once")],
    }  # fmt: skip
    return Request(scope, receive)  # type: ignore[arg-type]


async def refusal(_: Request, error: AwsError) -> Response:
    return Response(error.code, error.status)


def play(scene: Callable[[Service, Faults], Awaitable[None]]) -> Service:
    async def main() -> Service:
        clock = VirtualClock()
        faults, service = Faults(clock), Service(clock)
        await scene(service, faults)
        await clock.sleep(100)
        await faults.stop()
        return service

    return run(main)


@pytest.mark.parametrize("size", SIZES)
def test_the_same_request_is_delivered_again_on_the_clock(size: int) -> None:
    body = bytes(n % 251 for n in range(size))

    async def scene(service: Service, faults: Faults) -> None:
        faults.add(Rule("duplicate", service="s3", operation="PutObject", seconds=30, times=1))
        answer = await s3_faults.answer(faults, request(body), CALLER, service, refusal)
        assert answer.status_code == 200
        assert [at for at, *_ in service.delivered] == [0.0]

    service = play(scene)
    signed = "AWS4-HMAC-SHA256 once"
    assert service.delivered == [(0.0, signed, body), (30.0, signed, body)]
    assert service.sent == 1, "the second answer is read to its end, and sent to nobody"


def test_a_duplicate_at_once_waits_for_the_first_delivery() -> None:
    async def scene(service: Service, faults: Faults) -> None:
        faults.add(Rule("duplicate", service="s3", times=1))
        order: list[str] = []

        async def slow(given: Request) -> Response:
            order.append("begins")
            await service.clock.sleep(5)
            answer = await service(given)
            order.append("ends")
            return answer

        await s3_faults.answer(faults, request(b"body"), CALLER, slow, refusal)
        await service.clock.sleep(20)
        assert order == ["begins", "ends", "begins", "ends"]

    assert [body for *_, body in play(scene).delivered] == [b"body", b"body"]


def test_the_second_delivery_comes_also_when_the_first_was_refused() -> None:
    async def scene(service: Service, faults: Faults) -> None:
        faults.add(Rule("duplicate", service="s3", seconds=1, times=1))
        refused: list[bytes] = []

        async def refuse(given: Request) -> Response:
            refused.append(await given.body())
            raise AwsError("SlowDown", "slow", 503)

        answer = await s3_faults.answer(faults, request(b"body"), CALLER, refuse, refusal)
        assert answer.status_code == 503
        await service.clock.sleep(2)
        assert refused == [b"body", b"body"]

    play(scene)


def test_a_client_that_goes_away_in_its_upload_is_gone_the_second_time_too() -> None:
    async def scene(service: Service, faults: Faults) -> None:
        faults.add(Rule("duplicate", service="s3", seconds=1, times=1))
        gone = request(b"x" * 5_000, gone_after=2_000)
        with pytest.raises(ClientDisconnect):
            await s3_faults.answer(faults, gone, CALLER, service, refusal)

    assert not play(scene).delivered


def test_nothing_is_kept_of_requests_that_no_rule_repeats() -> None:
    async def scene(service: Service, faults: Faults) -> None:
        faults.add(Rule("duplicate", service="s3", operation="GetObject"))
        given = request(b"body")
        seen: list[Request] = []

        async def serve(served: Request) -> Response:
            seen.append(served)
            return await service(served)

        await s3_faults.answer(faults, given, CALLER, serve, refusal)
        assert seen == [given]

    assert len(play(scene).delivered) == 1
