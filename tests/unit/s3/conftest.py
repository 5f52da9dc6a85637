"""A real S3 server on a free port, on a clock that tests move."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import boto3
import httpx
import pytest
import uvicorn
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from starlette.requests import Request

from emulator.core.bus import Bus, Caller
from emulator.core.credentials import CredentialStore
from emulator.s3 import S3Service

T = TypeVar("T")


class MovingClock:
    """The machine's time and what a test adds to it; timers fire when the test says so."""

    def __init__(self) -> None:
        self.offset = 0.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def now(self) -> float:
        return time.time() + self.offset

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing in S3 sleeps")

    def call_later(self, seconds: float, callback: Callable[[], None]) -> MovingTimer:
        self.timers.append((self.now() + seconds, callback))
        return MovingTimer()

    def advance(self, seconds: float) -> None:
        self.offset += seconds
        due = [timer for timer in self.timers if timer[0] <= self.now()]
        self.timers = [timer for timer in self.timers if timer[0] > self.now()]
        for _, callback in due:
            callback()


class MovingTimer:
    def cancel(self) -> None:
        pass


class _Uvicorn(uvicorn.Server):
    def capture_signals(self) -> Any:
        return contextlib.nullcontext()


@dataclass
class S3Server:
    """The service under uvicorn in a thread; stop and start it again on the same directory."""

    data_dir: Path | None = None
    clock: MovingClock = field(default_factory=MovingClock)
    events: list[dict[str, Any]] = field(default_factory=list)
    authorizer: Any = None

    def start(self) -> S3Server:
        self.bus = Bus()

        async def hear(event: dict[str, Any]) -> None:
            self.events.append(event)

        self.bus.subscribe(hear)
        self.credentials = CredentialStore(self.clock)
        self.service = S3Service(
            self.clock, self.credentials, self.bus, self.data_dir, authorizer=self.authorizer
        )

        async def app(scope: Any, receive: Any, send: Any) -> None:
            response = await self.service.handle(Request(scope, receive), None)
            await response(scope, receive, send)

        # With protocol 0 asyncio would leave Nagle's algorithm on, and small answers wait 40 ms.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        self.port = listener.getsockname()[1]
        self._uvicorn = _Uvicorn(
            uvicorn.Config(
                app,
                lifespan="off",
                log_config=None,
                access_log=False,
                http="httptools",
                server_header=False,
                timeout_keep_alive=600,  # longer than a busy machine pauses a test
                timeout_graceful_shutdown=1,
            )
        )
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()

        async def serve() -> None:
            await self.service.start()
            serving = asyncio.create_task(self._uvicorn.serve([listener]))
            while not self._uvicorn.started and not serving.done():  # noqa: ASYNC110 (no event)
                await asyncio.sleep(0)
            ready.set()
            await serving
            await self.service.stop()

        def run() -> None:
            self.loop.run_until_complete(serve())
            self.loop.close()

        self._thread = threading.Thread(target=run)
        self._thread.start()
        assert ready.wait(30)
        self._clients: list[Any] = []
        return self

    def stop(self) -> None:
        for client in self._clients:
            client.close()
        self._uvicorn.should_exit = True
        self._thread.join(30)
        assert not self._thread.is_alive()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def call(self, operation: str, caller: Caller | None = None, **params: Any) -> dict[str, Any]:
        """An in-process call, as the bus makes it."""
        root = Caller("000000000000", "us-east-1", "arn:aws:iam::000000000000:root")
        return self.run(self.service.call(operation, params, caller or root))

    def send(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """A signed request that boto3 would not make."""
        request = AWSRequest(method, self.url + path, data=body, headers=headers or {})
        S3SigV4Auth(Credentials("test", "test"), "s3", "us-east-1").add_auth(request)
        return httpx.request(
            method, self.url + path, content=body, headers=dict(request.headers.items())
        )

    def client(self, **options: Any) -> Any:
        config: dict[str, Any] = {
            "signature_version": "s3v4",
            "s3": {"addressing_style": "path"},
            "retries": {"max_attempts": 0},
            **options.pop("config", {}),
        }
        options.setdefault("aws_access_key_id", "test")
        options.setdefault("aws_secret_access_key", "test")
        options.setdefault("endpoint_url", self.url)
        options.setdefault("region_name", "us-east-1")
        client = boto3.client("s3", config=Config(**config), **options)
        self._clients.append(client)
        return client


@pytest.fixture
def serve() -> Iterator[Callable[..., S3Server]]:
    """Start servers; all end with the test."""
    started: list[S3Server] = []

    def start(**options: Any) -> S3Server:
        server = S3Server(**options).start()
        started.append(server)
        return server

    yield start
    for server in started:
        if server._thread.is_alive():
            server.stop()


@pytest.fixture
def server(serve: Callable[..., S3Server]) -> S3Server:
    """A server that keeps everything in memory."""
    return serve()


@pytest.fixture
def s3(server: S3Server) -> Any:
    """A boto3 client of it, with the bucket ``pictures`` made."""
    client = server.client()
    client.create_bucket(Bucket="pictures")
    return client


@pytest.fixture
def refusal() -> Callable[..., tuple[str, int]]:
    """Call something that must be refused; gives the error's code and HTTP status."""

    def refused(call: Callable[..., Any], **params: Any) -> tuple[str, int]:
        with pytest.raises(ClientError) as caught:
            call(**params)
        response = caught.value.response
        return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]

    return refused
