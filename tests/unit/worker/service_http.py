"""Calling the Web API without a socket, and reading its streams frame by frame."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx

from system import problems
from tests.unit.worker.service_fakes import PATIENCE_S, QUICK, World
from worker.service.api import Api, create_app
from worker.service.runlog import RunLog
from worker.service.runner import Runner


class Service:
    """The application around a world, called without a socket."""

    def __init__(self, world: World | None = None, *, runs: bool = True, **timings) -> None:
        self.world = world or World()
        self.over: list[bool] = []
        self.runner = Runner(self.world.run, self.over.append) if runs else None
        self.api = Api(self.world.parts.storage, self.runner, replace(QUICK, **timings))
        self.app = create_app(self.api)

    def call(self, method: str, path: str, **options) -> httpx.Response:
        async def call():
            transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://task") as client:
                return await client.request(method, path, **options)

        return asyncio.run(call())


class Stream:
    """One open event stream, frame by frame."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue = asyncio.Queue()
        self.gone = asyncio.Event()
        self.task: asyncio.Task | None = None

    async def start(self) -> dict:
        return await asyncio.wait_for(self.messages.get(), PATIENCE_S)

    async def frame(self) -> str | None:
        """The next piece of the body; None at its end."""
        message = await asyncio.wait_for(self.messages.get(), PATIENCE_S)
        return message["body"].decode() if message.get("more_body") else None

    async def ids(self, count: int) -> list[int]:
        found: list[int] = []
        while len(found) < count:
            frame = await self.frame()
            assert frame is not None
            found += [int(line[4:]) for line in frame.splitlines() if line.startswith("id: ")]
        return found


@asynccontextmanager
async def stream(app, path, headers=()):
    opened = Stream()
    asked = False

    async def receive():
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await opened.gone.wait()
        return {"type": "http.disconnect"}

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        "client": ("127.0.0.1", 1),
        "server": ("task", 80),
    }
    opened.task = asyncio.create_task(app(scope, receive, opened.messages.put))
    try:
        yield opened
    finally:
        opened.gone.set()
        await asyncio.wait_for(opened.task, PATIENCE_S)


def assert_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == problems.CONTENT_TYPE
    document = answer.json()
    assert document["status"] == status
    assert document["code"] == code
    assert document["detail"]
    assert document["title"]


def log_of(run: str, *states: str) -> bytes:
    log = RunLog(World().clock)
    for state in states:
        log.append("state", state=state)
    return log.text()[0].encode()
