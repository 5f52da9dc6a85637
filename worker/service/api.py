"""The Web API of the task: start orders obeyed, progress streamed, the run stopped.

It decides nothing about money: it starts the run of its start order and no other.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import FastAPI, Header, Path, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from system import problems, runs
from worker.service import sse
from worker.service.aws import AwsErrors, error_code
from worker.service.control import Stop
from worker.service.follow import FollowedLog, Follower
from worker.service.limits import BodyLimit
from worker.service.run import Run
from worker.service.runlog import RunLog, view
from worker.service.runner import Runner
from worker.service.start import NoOrderError, read_order
from worker.service.storage import ObjectMissingError, ObjectTooLargeError, Storage
from worker.service.timings import Timings

log = logging.getLogger("nst.api")

STREAMS_MAX = 64
"""Open event streams at once, over all runs."""
STREAMS_OF_RUN_MAX = 16
"""The same for one run, so that no run's followers keep out those of all others."""
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

RunId = Annotated[str, Path(pattern=runs.RUN_ID_PATTERN)]


class StartRequest(BaseModel):
    """The body of ``POST /run-nst``."""

    model_config = ConfigDict(extra="forbid")

    run_id: str = Field(pattern=runs.RUN_ID_PATTERN)


class ProblemError(Exception):
    """An answer that is a problem document."""

    def __init__(self, error: str, detail: str | None = None, run_id: str | None = None) -> None:
        super().__init__(error)
        self.document = problems.document(error, detail, run_id=run_id)


class Api:
    """What the routes share. ``runner`` is None in an instance that serves logs only."""

    def __init__(self, storage: Storage, runner: Runner | None, timings: Timings) -> None:
        self.storage = storage
        self.runner = runner
        self.timings = timings
        self.follower = Follower(storage, timings)
        self.streams: Counter[str] = Counter()
        """Open event streams by run."""

    def own(self, run_id: str) -> Run | None:
        """The run of this task, when that is its id."""
        if self.runner is not None and self.runner.run.run_id == run_id:
            return self.runner.run
        return None

    async def log(self, run_id: str) -> RunLog | FollowedLog:
        """The event log of any run; raises ProblemError."""
        own = self.own(run_id)
        if own is not None and own.events.last_id:
            return own.events
        try:
            return await self.follower.log(run_id)
        except ObjectMissingError:
            raise ProblemError("RunNotFound", run_id=run_id) from None
        except (*AwsErrors, ObjectTooLargeError, ValueError) as error:
            log.warning("the event log cannot be read: %s", error_code(error))
            raise ProblemError("InternalError", run_id=run_id) from error

    async def start(self, run_id: str) -> dict[str, Any]:
        """Start this task's run by its start order; the same again answers the same."""
        own = self.own(run_id)
        if own is None or self.runner is None:
            raise ProblemError(
                "RunNotFound", "This task has no start order for this run.", run_id=run_id
            )
        if not own.events.last_id:
            await self._require_order(run_id)
            self.runner.start()
        return view(run_id, own.events.after(0))

    async def stop(self, run_id: str) -> dict[str, Any]:
        """Stop this task's run; harmless when it is over, whoever ran it."""
        own = self.own(run_id)
        if own is None:
            found = await self.log(run_id)
            if not found.final:
                raise ProblemError(
                    "RunConflict", "Another task paints this run; stop it there.", run_id=run_id
                )
            return view(run_id, found.after(0))
        own.control.stop(Stop.CANCELLED)
        return view(run_id, own.events.after(0))

    async def _require_order(self, run_id: str) -> None:
        try:
            order = await asyncio.to_thread(read_order, self.storage, run_id)
        except (*AwsErrors, NoOrderError) as error:
            log.warning("the start order cannot be read: %s", error)
            raise ProblemError("InternalError", run_id=run_id) from error
        if order is None:
            raise ProblemError(
                "RunNotFound", "This task has no start order for this run.", run_id=run_id
            )


def create_app(api: Api) -> FastAPI:
    """The ASGI application around ``api``."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        api.follower.close()

    app = FastAPI(title="NST service", openapi_url=None, lifespan=lifespan)
    app.add_middleware(BodyLimit)
    _routes(app, api)
    app.add_exception_handler(ProblemError, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _crash)
    return app


def _routes(app: FastAPI, api: Api) -> None:
    @app.get("/healthz")
    async def healthz() -> Response:
        return _json({"status": "ok"})

    @app.post("/run-nst")
    async def run_nst(body: StartRequest) -> Response:
        return _json(await api.start(body.run_id), 202)

    @app.get("/runs/{run_id}")
    async def get_run(run_id: RunId) -> Response:
        return _json(view(run_id, (await api.log(run_id)).after(0)))

    @app.delete("/runs/{run_id}")
    async def delete_run(run_id: RunId) -> Response:
        return _json(await api.stop(run_id), 202)

    # API Gateway puts the stage's name before a private integration's path, says
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/private-integration.html
    @app.get("/{stage}/runs/{run_id}/events")
    @app.get("/runs/{run_id}/events")
    async def get_events(
        run_id: RunId, last_event_id: Annotated[str | None, Header()] = None, stage: str = ""
    ) -> Response:
        del stage
        return await _events(api, run_id, last_event_id)


async def _events(api: Api, run_id: str, header: str | None) -> Response:
    try:
        last_id = sse.last_event_id(header)
    except ValueError as error:
        raise ProblemError("InvalidRequest", f"{error}.", run_id=run_id) from error
    source = await api.log(run_id)
    if source.final and not source.after(last_id):
        # It has seen the final event: 204 tells an EventSource to reconnect no more.
        return Response(status_code=204, headers=HEADERS)
    if api.streams.total() >= STREAMS_MAX or api.streams[run_id] >= STREAMS_OF_RUN_MAX:
        return _http_problem(503, "Too many clients follow runs here.", {"Retry-After": "5"})
    return EventStream(api, run_id, source, last_id)


class EventStream(StreamingResponse):
    """An open event stream, counted from its creation to its end."""

    def __init__(self, api: Api, run_id: str, source: RunLog | FollowedLog, last_id: int) -> None:
        self._api = api
        self._run_id = run_id
        until = asyncio.get_running_loop().time() + api.timings.stream_s
        frames = sse.stream(
            source, last_id, api.timings.keep_alive_s, until, lambda: _abandoned(source)
        )
        super().__init__(
            frames, media_type=sse.CONTENT_TYPE, headers={**HEADERS, "X-Accel-Buffering": "no"}
        )
        self._frames = frames
        api.streams[run_id] += 1

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; however that ends, its place is free again and its log unheard."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._api.streams[self._run_id] -= 1
            if not self._api.streams[self._run_id]:
                del self._api.streams[self._run_id]
            await self._frames.aclose()


def _abandoned(source: RunLog | FollowedLog) -> bool:
    return isinstance(source, FollowedLog) and source.abandoned


def _json(document: dict[str, Any], status: int = 200) -> Response:
    return JSONResponse(document, status, headers=HEADERS)


def _problem_document(document: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(
        document,
        document["status"],
        headers={**HEADERS, **(headers or {})},
        media_type=problems.CONTENT_TYPE,
    )


def _http_problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    """A problem that HTTP itself has a name for (RFC 9457, section 4.2.1)."""
    title = HTTPStatus(status).phrase
    code = title.lower().replace(" ", "-")
    return _problem_document(
        {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code},
        headers,
    )


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 (registered for it)
    return _problem_document(error.document)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 (registered for it)
    found = error.errors()[0]
    where = ".".join(str(part) for part in found["loc"])
    return _problem_document(problems.document("InvalidRequest", f"{where}: {found['msg']}."))


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (registered for it)
    return _http_problem(error.status_code, str(error.detail), dict(error.headers or {}))


async def _crash(_: Request, error: Exception) -> Response:
    log.error("a request failed", exc_info=error)
    return _problem_document(problems.document("InternalError"))
