"""The Web API: start orders, states, event streams, problems."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest
from system import problems
from tests.unit.worker.service_fakes import (
    OTHER,
    PATIENCE_S,
    QUICK,
    RUN,
    World,
    poll,
    unreachable,
)
from worker.service import api as api_module
from worker.service import follow, limits
from worker.service.api import Api, create_app
from worker.service.runner import Runner
from worker.service.runlog import RunLog


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


def test_health():
    answer = Service().call("GET", "/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok"}


def test_run_nst_starts_the_run_of_the_order_once():
    service = Service()
    first = service.call("POST", "/run-nst", json={"run_id": RUN})
    second = service.call("POST", "/run-nst", json={"run_id": RUN})
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["run_id"] == RUN
    poll(lambda: service.over, "the end of the run")
    third = service.call("POST", "/run-nst", json={"run_id": RUN})
    assert (third.status_code, third.json()["state"]) == (202, "succeeded")
    assert service.over == [True]
    assert len(service.world.engine.deadlines) == 1
    assert [call["taskToken"] for call in service.world.states.of("success")] == [
        "start-1",
        "watch-1",
    ]


def test_run_nst_obeys_start_orders_only():
    service = Service()
    del service.world.s3.objects[f"orders/{RUN}/start.json"]
    assert_problem(service.call("POST", "/run-nst", json={"run_id": RUN}), 404, "run-not-found")
    service.world.s3.objects[f"orders/{OTHER}/start.json"] = b"{}"
    assert_problem(service.call("POST", "/run-nst", json={"run_id": OTHER}), 404, "run-not-found")
    assert service.world.states.calls == []
    assert service.world.engine.deadlines == []


def test_run_nst_without_a_run_of_its_own_starts_nothing():
    service = Service(runs=False)
    assert_problem(service.call("POST", "/run-nst", json={"run_id": RUN}), 404, "run-not-found")


def test_an_order_that_cannot_be_read_is_a_problem():
    service = Service()
    service.world.put("orders", "start.json", b"{")
    assert_problem(service.call("POST", "/run-nst", json={"run_id": RUN}), 500, "internal-error")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"{}", b'{"run_id": "x"}', b'{"run_id": 1}', b'{"run_id": "../../etc"}',
     json.dumps({"run_id": RUN, "budget": 1}).encode()],
)  # fmt: skip
def test_a_body_that_is_no_start_request_is_refused(body):
    service = Service()
    answer = service.call(
        "POST", "/run-nst", content=body, headers={"Content-Type": "application/json"}
    )
    assert_problem(answer, 400, "invalid-request")
    assert service.world.states.calls == []


def test_a_body_has_a_limit():
    body = b" " * (limits.BODY_BYTES_MAX + 1)
    answer = Service().call(
        "POST", "/run-nst", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413
    assert answer.headers["content-type"] == problems.CONTENT_TYPE


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/docs", 404),
        ("GET", "/openapi.json", 404),
        ("PUT", "/run-nst", 405),
        ("GET", "/runs/short", 400),
        ("GET", f"/runs/{RUN.upper()}", 400),
        ("DELETE", "/runs/short", 400),
        ("GET", "/runs/short/events", 400),
    ],
)
def test_every_error_is_a_problem_document(method, path, status):
    answer = Service().call(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == problems.CONTENT_TYPE
    assert answer.json()["status"] == status
    assert answer.headers["cache-control"] == "no-store"


def test_a_crash_is_a_problem_without_details(monkeypatch):
    service = Service()

    def crash(*_):
        raise RuntimeError("secret")

    monkeypatch.setattr(service.api, "log", crash)
    answer = service.call("GET", f"/runs/{RUN}")
    assert_problem(answer, 500, "internal-error")
    assert "secret" not in answer.text


def test_the_state_of_the_own_run_comes_from_memory():
    service = Service()
    assert service.world.execute()
    service.world.s3.objects.clear()
    document = service.call("GET", f"/runs/{RUN}").json()
    assert document["state"] == "succeeded"
    assert document["progress"]["step"] == 3
    assert document["result"]["stopped_early"] is False


def test_the_state_of_any_run_comes_from_its_log():
    service = Service(runs=False)
    assert_problem(service.call("GET", f"/runs/{OTHER}"), 404, "run-not-found")
    service.world.s3.objects[f"runs/{OTHER}/events.jsonl"] = log_of(OTHER, "starting", "checking")
    assert service.call("GET", f"/runs/{OTHER}").json() == {"run_id": OTHER, "state": "checking"}


@pytest.mark.parametrize("body", [b"{}\n", b"not json\n", b'{"id":2}\n', b"\xff\n"])
def test_a_log_that_is_none_is_a_problem(body):
    service = Service()
    service.world.s3.objects[f"runs/{OTHER}/events.jsonl"] = body
    assert_problem(service.call("GET", f"/runs/{OTHER}"), 500, "internal-error")


def test_an_unreachable_s3_is_a_problem():
    service = Service()

    def refuse(*_):
        raise unreachable()

    service.world.s3.before = refuse
    assert_problem(service.call("GET", f"/runs/{OTHER}"), 500, "internal-error")
    assert_problem(service.call("POST", "/run-nst", json={"run_id": RUN}), 500, "internal-error")


def test_delete_stops_the_run_and_is_idempotent():
    service = Service()
    painting = threading.Event()

    def paint(stopped):
        painting.set()
        poll(stopped, "the engine's stop")
        raise RuntimeError("stopped")

    service.world.engine.on_paint = paint
    service.runner.start()
    assert painting.wait(PATIENCE_S)
    assert service.call("DELETE", f"/runs/{RUN}").status_code == 202
    poll(lambda: service.over, "the end of the run")
    again = service.call("DELETE", f"/runs/{RUN}")
    assert (again.status_code, again.json()["state"]) == (202, "cancelled")
    (failure,) = service.world.states.of("failure")
    assert failure["error"] == "RunCancelled"


def test_delete_of_another_run_stops_nothing_here():
    service = Service()
    assert_problem(service.call("DELETE", f"/runs/{OTHER}"), 404, "run-not-found")
    service.world.s3.objects[f"runs/{OTHER}/events.jsonl"] = log_of(OTHER, "starting")
    assert_problem(service.call("DELETE", f"/runs/{OTHER}"), 409, "run-conflict")
    service = Service()
    service.world.s3.objects[f"runs/{OTHER}/events.jsonl"] = log_of(OTHER, "failed")
    assert service.call("DELETE", f"/runs/{OTHER}").status_code == 202
    assert service.world.run.control.reason is None


def test_a_finished_log_is_streamed_whole_and_ends():
    service = Service()
    assert service.world.execute()
    answer = service.call("GET", f"/runs/{RUN}/events")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    frames = [frame.split("\n") for frame in answer.text.split("\n\n") if frame]
    for frame, line in zip(frames, service.world.stored(), strict=True):
        assert frame[0] == f"id: {line['id']}"
        assert frame[1] == f"event: {line['type']}"
        assert json.loads(frame[2].removeprefix("data: ")) == line


def test_a_stream_resumes_after_the_last_event_id():
    service = Service()
    assert service.world.execute()
    count = len(service.world.stored())
    answer = service.call("GET", f"/runs/{RUN}/events", headers={"Last-Event-ID": str(count - 2)})
    ids = [line for line in answer.text.split("\n") if line.startswith("id: ")]
    assert ids == [f"id: {count - 1}", f"id: {count}"]


def test_after_the_final_event_there_is_nothing_to_reconnect_for():
    service = Service()
    assert service.world.execute()
    count = len(service.world.stored())
    for last in (count, count + 5):
        answer = service.call("GET", f"/runs/{RUN}/events", headers={"Last-Event-ID": str(last)})
        assert answer.status_code == 204


@pytest.mark.parametrize("last", ["-1", "x", "1.5", "9" * 40, "١"])
def test_a_last_event_id_of_nobody_is_refused(last):
    answer = Service().call("GET", f"/runs/{RUN}/events", headers={"Last-Event-ID": last.encode()})
    assert_problem(answer, 400, "invalid-request")


def test_live_events_arrive_as_they_happen_with_keep_alives_between():
    service = Service(keep_alive_s=0.01)
    log = service.world.run.events
    log.append("state", state="starting")

    async def follow_it():
        async with stream(service.app, f"/runs/{RUN}/events") as opened:
            start = await opened.start()
            assert start["status"] == 200
            assert await opened.ids(1) == [1]
            assert await opened.frame() == ": keep-alive\n\n"
            assert await opened.frame() == ": keep-alive\n\n"
            await asyncio.to_thread(log.append, "state", state="checking")
            assert await opened.ids(1) == [2]
            await asyncio.to_thread(log.append, "state", state="failed")
            assert await opened.ids(1) == [3]
            frame = await opened.frame()
            while frame is not None:
                assert frame.startswith(":")
                frame = await opened.frame()

    asyncio.run(follow_it())
    assert service.api.streams == 0


def test_a_slow_reader_misses_nothing():
    service = Service()
    log = service.world.run.events
    log.append("state", state="starting")

    async def follow_it():
        async with stream(service.app, f"/runs/{RUN}/events") as opened:
            await opened.start()
            await opened.ids(1)
            for version in range(300):
                log.append("preview", key="k", version=version)
            log.append("state", state="failed")
            assert await opened.ids(301) == list(range(2, 303))

    asyncio.run(follow_it())


def test_a_reader_that_leaves_frees_its_place_and_its_ear():
    service = Service()
    log = service.world.run.events
    log.append("state", state="starting")

    async def come_and_go():
        async with stream(service.app, f"/runs/{RUN}/events") as opened:
            await opened.ids(0)
            await opened.start()
            await opened.ids(1)
            assert service.api.streams == 1
            assert len(log._listeners) == 1

    asyncio.run(come_and_go())
    assert service.api.streams == 0
    assert not log._listeners


def test_there_is_a_limit_to_streams(monkeypatch):
    monkeypatch.setattr(api_module, "STREAMS_MAX", 2)
    service = Service()
    service.world.run.events.append("state", state="starting")
    path = f"/runs/{RUN}/events"

    async def crowd():
        async with stream(service.app, path) as first, stream(service.app, path) as second:
            assert (await first.start())["status"] == 200
            assert (await second.start())["status"] == 200
            async with stream(service.app, path) as third:
                assert (await third.start())["status"] == 503
        async with stream(service.app, path) as fourth:
            assert (await fourth.start())["status"] == 200

    asyncio.run(crowd())


def test_any_instance_follows_any_run_and_resumes_with_the_same_ids():
    service = Service(runs=False)
    key = f"runs/{OTHER}/events.jsonl"
    service.world.s3.objects[key] = log_of(OTHER, "starting", "checking")

    async def follow_it():
        headers = [("last-event-id", "1")]
        async with stream(service.app, f"/runs/{OTHER}/events", headers) as opened:
            assert (await opened.start())["status"] == 200
            assert await opened.ids(1) == [2]
            service.world.s3.objects[key] = log_of(OTHER, "starting", "checking", "failed")
            assert await opened.ids(1) == [3]
            assert await opened.frame() is None

    asyncio.run(follow_it())
    assert service.api.streams == 0


def test_many_readers_of_another_run_cost_one_read():
    service = Service(runs=False, follow_s=1000.0)
    key = f"runs/{OTHER}/events.jsonl"
    service.world.s3.objects[key] = log_of(OTHER, "starting")

    async def crowd():
        path = f"/runs/{OTHER}/events"
        async with stream(service.app, path) as first, stream(service.app, path) as second:
            assert await first.start()
            assert await second.start()
            assert await first.ids(1) == await second.ids(1) == [1]

    asyncio.run(crowd())
    assert service.world.s3.gets.count(key) == 1


def test_a_log_that_nobody_writes_any_more_ends_its_streams():
    service = Service(runs=False, follow_idle_s=0.05)
    service.world.s3.objects[f"runs/{OTHER}/events.jsonl"] = log_of(OTHER, "starting")

    async def follow_it():
        async with stream(service.app, f"/runs/{OTHER}/events") as opened:
            await opened.start()
            assert await opened.ids(1) == [1]
            assert await opened.frame() is None

    asyncio.run(follow_it())


def test_the_followed_logs_are_bounded(monkeypatch):
    monkeypatch.setattr(follow, "RUNS_MAX", 3)
    service = Service(runs=False)
    for number in range(6):
        run_id = f"{number:032x}"
        service.world.s3.objects[f"runs/{run_id}/events.jsonl"] = log_of(run_id, "starting")
        assert service.call("GET", f"/runs/{run_id}").status_code == 200
    assert len(service.api.follower._logs) == 3
