"""Bodies passed on piece by piece: time limits, and sources that are closed however it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import anyio
import httpx
import pytest

from emulator.core.clock import RealClock
from emulator.core.streams import Answered, Relayed, StreamCut, paced, passed_on, within
from emulator.server import Listener, bind
from tests.unit.apigateway.gateway_fakes import HandClock


class Source:
    """Gives its pieces, then waits; notes when it was closed, which takes it a moment."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.closed = asyncio.Event()

    async def parts(self) -> AsyncGenerator[bytes]:
        try:
            for piece in self.pieces:
                yield piece
            await asyncio.Event().wait()
        finally:
            for _ in range(5):
                await asyncio.sleep(0)
            self.closed.set()


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_pieces_are_passed_on_until_nothing_comes_for_too_long() -> None:
    async def run() -> None:
        clock, source = HandClock(), Source(b"one", b"two")
        parts = paced(source.parts(), clock, idle_s=30)
        assert [await anext(parts), await anext(parts)] == [b"one", b"two"]
        third = asyncio.ensure_future(anext(parts))
        await settle()
        clock.advance(29)
        await settle()
        assert not third.done()
        clock.advance(2)
        with pytest.raises(StreamCut):
            await third
        assert source.closed.is_set()

    asyncio.run(run())


def test_a_stream_ends_at_its_time_however_much_comes() -> None:
    async def run() -> None:
        clock, source = HandClock(), Source(b"one", b"two", b"three")
        parts = paced(source.parts(), clock, idle_s=30, until=clock.now() + 40)
        await anext(parts)
        clock.advance(25)
        await anext(parts)
        last = asyncio.ensure_future(anext(parts))
        await last
        late = asyncio.ensure_future(anext(parts))
        await settle()
        clock.advance(16)
        with pytest.raises(StreamCut):
            await late

    asyncio.run(run())


def test_who_leaves_between_two_pieces_closes_the_source() -> None:
    async def run() -> None:
        source = Source(b"one", b"two")
        parts = paced(source.parts(), HandClock(), idle_s=30)
        await anext(parts)
        await parts.aclose()
        assert source.closed.is_set()

    asyncio.run(run())


def test_who_leaves_while_waiting_lets_the_source_close_in_peace() -> None:
    """A cancel scope cancels again and again; the source's own clean-up must survive that."""

    async def run() -> None:
        source = Source(b"one")
        parts = paced(paced(source.parts(), HandClock(), idle_s=30), HandClock(), idle_s=30)
        await anext(parts)
        async with anyio.create_task_group() as group:
            group.start_soon(anext, parts)
            await settle()
            group.cancel_scope.cancel()
        assert source.closed.is_set()

    asyncio.run(run())


def test_work_has_its_time_and_no_more() -> None:
    async def quick() -> int:
        return 1

    async def failing() -> int:
        raise ValueError("no")

    async def run() -> None:
        clock = HandClock()
        assert await within(quick(), clock, 5) == 1
        with pytest.raises(ValueError, match="no"):
            await within(failing(), clock, 5)
        slow = asyncio.ensure_future(within(asyncio.sleep(1_000), clock, 5))
        await settle()
        clock.advance(6)
        with pytest.raises(TimeoutError):
            await slow

    asyncio.run(run())


def test_headers_of_one_hop_stay_there() -> None:
    given = [("Connection", "keep-alive"), ("TE", "trailers"), ("Host", "a"), ("X-One", "1")]
    assert passed_on(given, {"host": "b"}) == [("X-One", "1"), ("host", "b")]


def test_a_client_that_goes_away_closes_the_source_behind_two_hops() -> None:
    async def run() -> None:
        source = Source(b"one")

        async def serve(scope: Any, receive: Any, send: Any) -> None:
            parts = paced(source.parts(), RealClock(), idle_s=1_000)
            await Relayed(Answered(200, [], parts))(scope, receive, send)

        async with (
            Listener(serve, bind("127.0.0.1", 0, "the source")) as inner,
            httpx.AsyncClient(timeout=None) as upstream,  # noqa: S113 - it streams
        ):

            async def relay(scope: Any, receive: Any, send: Any) -> None:
                url = f"http://127.0.0.1:{inner.port}/"
                answer = await upstream.send(httpx.Request("GET", url), stream=True)

                async def body() -> AsyncGenerator[bytes]:
                    try:
                        async for part in answer.aiter_raw():
                            yield part
                    finally:
                        await answer.aclose()

                parts = paced(body(), RealClock(), idle_s=1_000)
                await Relayed(Answered(200, [], parts))(scope, receive, send)

            async with (
                Listener(relay, bind("127.0.0.1", 0, "the relay")) as outer,
                httpx.AsyncClient() as client,
            ):
                url = f"http://127.0.0.1:{outer.port}/"
                async with client.stream("GET", url) as answer:
                    assert await anext(answer.aiter_raw()) == b"one"
                async with asyncio.timeout(20):
                    await source.closed.wait()

    asyncio.run(run())


def test_a_stream_that_is_cut_breaks_the_clients_connection() -> None:
    async def run() -> None:
        async def serve(scope: Any, receive: Any, send: Any) -> None:
            parts = paced(Source(b"one").parts(), RealClock(), idle_s=0.05)
            await Relayed(Answered(200, [("X-A", "1")], parts))(scope, receive, send)

        async with (
            Listener(serve, bind("127.0.0.1", 0, "a stream")) as listener,
            httpx.AsyncClient() as client,
            client.stream("GET", f"http://127.0.0.1:{listener.port}/") as answer,
        ):
            assert answer.headers["x-a"] == "1"
            parts = answer.aiter_raw()
            assert await anext(parts) == b"one"
            with pytest.raises(httpx.TransportError):
                await anext(parts)

    asyncio.run(run())
