"""Event streams: live, resumed, followed, bounded."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.unit.worker.service_fakes import OTHER, RUN
from tests.unit.worker.service_http import Service, assert_problem, log_of, stream
from worker.service import api as api_module
from worker.service import follow
from worker.service.timings import Timings


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


@pytest.mark.parametrize("last", ["-1", "x", "1.5", "9" * 40, "\u0661"])
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
    assert not service.api.streams


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
            assert service.api.streams == {RUN: 1}
            assert len(log._listeners) == 1

    asyncio.run(come_and_go())
    assert not service.api.streams
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


def test_one_runs_followers_do_not_keep_out_those_of_another(monkeypatch):
    monkeypatch.setattr(api_module, "STREAMS_OF_RUN_MAX", 1)
    service = Service()
    service.world.run.events.append("state", state="starting")
    service.world.s3.objects[f"runs/{OTHER}/events.jsonl"] = log_of(OTHER, "starting")

    async def crowd():
        async with stream(service.app, f"/runs/{RUN}/events") as first:
            assert (await first.start())["status"] == 200
            async with stream(service.app, f"/runs/{RUN}/events") as second:
                assert (await second.start())["status"] == 503
            async with stream(service.app, f"/runs/{OTHER}/events") as third:
                assert (await third.start())["status"] == 200

    asyncio.run(crowd())


def test_a_stream_ends_before_the_gateway_would_cut_it_and_is_resumed():
    service = Service(stream_s=0.05, keep_alive_s=10.0)
    log = service.world.run.events
    log.append("state", state="starting")

    async def follow_it():
        async with stream(service.app, f"/runs/{RUN}/events") as opened:
            await opened.start()
            assert await opened.ids(1) == [1]
            assert await opened.frame() == ": keep-alive\n\n"
            assert await opened.frame() is None
        log.append("state", state="failed")
        headers = [("last-event-id", "1")]
        async with stream(service.app, f"/runs/{RUN}/events", headers) as again:
            await again.start()
            assert await again.ids(1) == [2]
            assert await again.frame() is None

    asyncio.run(follow_it())


def test_the_streams_of_a_real_instance_end_before_api_gateways_limit():
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode.html:
    a response may be streamed for 15 minutes, CloudFront waits 30 s for the next piece."""
    assert Timings().stream_s + Timings().keep_alive_s < 15 * 60
    assert Timings().keep_alive_s * 1.5 < 30


def test_a_path_with_the_stage_before_it_is_the_same_stream():
    service = Service()
    assert service.world.execute()
    plain = service.call("GET", f"/runs/{RUN}/events")
    staged = service.call("GET", f"/prod/runs/{RUN}/events")
    assert staged.status_code == 200
    assert staged.text == plain.text
    assert service.call("GET", f"/prod/api/runs/{RUN}/events").status_code == 404


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
    assert not service.api.streams


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
