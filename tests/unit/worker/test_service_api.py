"""The Web API: start orders, states, stops, problems."""

from __future__ import annotations

import json
import threading

import pytest

from system import problems
from tests.unit.worker.service_fakes import OTHER, PATIENCE_S, RUN, poll, unreachable
from tests.unit.worker.service_http import Service, assert_problem, log_of
from worker.service import limits


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


def test_run_nst_twice_before_the_run_has_said_anything_is_one_run():
    service, before = Service(), set(threading.enumerate())
    released = threading.Event()

    def hold(operation, key):
        if threading.current_thread().name == "run" and key.endswith("start.json"):
            released.wait(PATIENCE_S)

    service.world.s3.before = hold
    for _ in range(2):
        assert service.call("POST", "/run-nst", json={"run_id": RUN}).status_code == 202
    runs = [t for t in threading.enumerate() if t.name == "run" and t not in before]
    released.set()
    for thread in runs:
        thread.join(PATIENCE_S)
    assert len(runs) == 1
    assert service.over == [True]
    assert len(service.world.engine.deadlines) == 1


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
