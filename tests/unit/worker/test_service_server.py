"""The socket of the Web API."""

from __future__ import annotations

import asyncio
import socket

from worker.service.server import bind


def test_events_of_a_stream_are_not_held_back():
    """With Nagle's algorithm on, an event waits for the reader's delayed ACK: 40 ms."""

    async def main() -> int:
        seen: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted = writer.get_extra_info("socket")
            seen.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listener = bind("127.0.0.1", 0)
        async with await asyncio.start_server(serve, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            without_delay = await seen
            writer.close()
            await writer.wait_closed()
        return without_delay

    assert asyncio.run(main())
