"""The emulator's HTTP listeners."""

from __future__ import annotations

import asyncio
import socket

from starlette.responses import Response

from emulator.server import Listener, bind


def test_small_answers_do_not_wait_for_an_acknowledgement() -> None:
    """Nagle's algorithm is off: with it every answer of two writes takes 40 ms more."""

    async def measure() -> int:
        async with Listener(Response("hello"), bind("127.0.0.1", 0, "a test")) as listener:
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            writer.write(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            [connection] = listener._server.server_state.connections
            accepted = connection.transport.get_extra_info("socket")
            option = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            writer.close()
            await writer.wait_closed()
            return int(option)

    assert asyncio.run(measure()) != 0
