"""The listeners of the emulator's two ports."""

from __future__ import annotations

import asyncio
import socket

import pytest

from emulator.core.errors import EmulatorError
from emulator.server import bind


def test_answers_on_a_kept_connection_are_not_held_back() -> None:
    """With Nagle's algorithm on, the second part of an answer waits for a delayed ACK: 40 ms."""

    async def main() -> int:
        seen: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted = writer.get_extra_info("socket")
            seen.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listener = bind("127.0.0.1", 0, "the test")
        async with await asyncio.start_server(serve, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            without_delay = await seen
            writer.close()
            await writer.wait_closed()
        return without_delay

    assert asyncio.run(main())


def test_a_taken_port_is_refused_with_what_it_is_for() -> None:
    with bind("127.0.0.1", 0, "the first") as first:
        port = first.getsockname()[1]
        with pytest.raises(EmulatorError, match=rf"Port {port} for the web page is not free"):
            bind("127.0.0.1", port, "the web page")
