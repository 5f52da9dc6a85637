"""Streams through the edge: nothing is held back, and silence ends them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from starlette.responses import StreamingResponse

from emulator.core.streams import StreamCut
from tests.unit.edge.edge_fakes import Edge

PATH = b"/api/runs/1/events"


class Viewer:
    """One viewer's request, message by message; it stays until it leaves."""

    def __init__(self, edge: Edge) -> None:
        self.sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.gone = asyncio.Event()
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "method": "GET",
            "path": PATH.decode(),
            "raw_path": PATH,
            "query_string": b"",
            "scheme": "http",
            "headers": [(b"host", b"localhost"), (b"accept-encoding", b"gzip")],
            "client": ("203.0.113.9", 5),
            "server": ("localhost", 80),
        }
        self.task = asyncio.ensure_future(
            edge.service(scope, self._receive, self.sent.put)  # type: ignore[arg-type]
        )

    async def _receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def piece(self) -> bytes:
        return bytes((await self.sent.get())["body"])


class Source:
    def __init__(self) -> None:
        self.pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self.closed = asyncio.Event()

    async def _parts(self) -> AsyncGenerator[bytes]:
        try:
            while True:
                yield await self.pieces.get()
        finally:
            self.closed.set()

    def response(self) -> StreamingResponse:
        return StreamingResponse(self._parts(), media_type="text/event-stream")


class BodylessApi:
    """An API whose request has no body to read."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def handle(self, *_: Any) -> StreamingResponse:
        return self._source.response()


def streaming() -> tuple[Edge, Source]:
    edge, source = Edge(), Source()
    edge.service._gateway = BodylessApi(source).handle
    return edge, source


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_each_piece_goes_on_at_once_uncompressed_and_uncached() -> None:
    async def run() -> None:
        edge, source = streaming()
        viewer = Viewer(edge)
        head = await viewer.sent.get()
        headers = {name.decode().lower(): value.decode() for name, value in head["headers"]}
        assert head["status"] == 200
        assert headers["x-cache"] == "Miss from cloudfront"
        assert headers["strict-transport-security"]
        assert "content-encoding" not in headers
        for number in range(3):
            source.pieces.put_nowait(b"%d" % number * 2_000)
            assert await viewer.piece() == b"%d" % number * 2_000
        viewer.gone.set()
        await viewer.task
        assert source.closed.is_set(), "who leaves is told to the origin"

    asyncio.run(run())


@pytest.mark.fidelity(
    area="CloudFront",
    feature="the origin response timeout also counts between two pieces of an answer",
    source="https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesOrigin.html#DownloadDistValuesOriginResponseTimeout",
    verdict="works",
    note="the viewer's connection is closed",
)
def test_an_origin_that_falls_silent_for_its_read_timeout_is_given_up() -> None:
    async def run() -> None:
        edge, source = streaming()
        viewer = Viewer(edge)
        await viewer.sent.get()
        for _ in range(3):
            await settle()
            edge.clock.advance(29)  # the comment that keeps it alive comes in time
            source.pieces.put_nowait(b": keep-alive\n\n")
            assert await viewer.piece() == b": keep-alive\n\n"
        await settle()
        edge.clock.advance(31)
        with pytest.raises(StreamCut):
            await viewer.task
        assert source.closed.is_set()

    asyncio.run(run())
