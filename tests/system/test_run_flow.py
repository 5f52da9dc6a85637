"""The end-to-end flow of the seed document: two pictures in, a painting out."""

from __future__ import annotations

import io
import json
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from skimage import data

from tests.system.running import Running, wait_until
from tests.system.visitor import Visitor, picture


def painted(admission: dict[str, Any]) -> Image.Image:
    answer = httpx.get(admission["links"]["result"])
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    return Image.open(io.BytesIO(answer.content))


def test_two_pictures_become_a_painting(visitor: Visitor) -> None:
    admission = visitor.begin()
    run_id = admission["run_id"]
    final = visitor.finish(run_id)
    assert final["state"] == "succeeded"
    assert final["cause"] is None
    assert set(final) == {"run_id", "state", "started_at", "stopped_at", "cause"}
    image = painted(admission)
    assert image.size == (64, 43)
    assert image.mode == "RGB"
    content = Image.open(io.BytesIO(picture(seed=1))).resize(image.size)
    difference = np.abs(np.asarray(image, float) - np.asarray(content, float)).mean()
    assert difference > 2, "the painting is the photograph"


def test_the_event_log_tells_the_whole_story(visitor: Visitor) -> None:
    admission = visitor.begin()
    visitor.finish(admission["run_id"])
    events = visitor.events(admission)
    assert [e["id"] for e in events] == list(range(1, len(events) + 1))
    states = [e["state"] for e in events if e["type"] == "state"]
    assert states == ["starting", "checking", "running", "succeeded"]
    steps = [e["step"] for e in events if e["type"] == "progress"]
    assert steps == sorted(steps)
    assert steps
    assert any(e["type"] == "preview" for e in events)
    preview = httpx.get(admission["links"]["preview"])
    assert Image.open(io.BytesIO(preview.content)).format == "JPEG"
    assert any(e["type"] == "result" for e in events)


def test_the_event_log_is_read_by_etag(visitor: Visitor) -> None:
    admission = visitor.begin()
    visitor.finish(admission["run_id"])
    first = httpx.get(admission["links"]["events"])
    again = httpx.get(
        admission["links"]["events"], headers={"If-None-Match": first.headers["etag"]}
    )
    assert again.status_code == 304


def test_the_same_seed_gives_the_same_picture(visitor: Visitor) -> None:
    runs = [visitor.begin(seed=7) for _ in range(2)]
    for run in runs:
        visitor.finish(run["run_id"])
    first, second = (httpx.get(run["links"]["result"]).content for run in runs)
    assert first == second


def test_an_instant_run_paints_by_the_other_engine(visitor: Visitor) -> None:
    runs = [visitor.begin(algorithm="instant", seed=seed) for seed in (1, 2)]
    for run in runs:
        assert visitor.finish(run["run_id"])["state"] == "succeeded"
    first, second = (httpx.get(run["links"]["result"]).content for run in runs)
    assert first == second, "the seed has no effect"
    assert max(painted(runs[0]).size) == 64
    (running,) = [e for e in visitor.events(runs[0]) if e.get("state") == "running"]
    assert (running["steps"], running["dtype"]) == (4, "float32")


def test_a_mask_confines_the_painting(visitor: Visitor) -> None:
    """The left half is painted; what is black in the mask stays as it was sent."""
    admission = visitor.admit()
    run_id = admission["run_id"]
    asked = {"run_id": run_id, "slot": "mask-0", "content_type": "image/png"}
    answer = visitor.post("/api/upload-urls", asked)
    assert answer.status_code == 200, answer.text
    mask = io.BytesIO()
    left = np.zeros((64, 64), np.uint8)
    left[:, :32] = 255
    Image.fromarray(left).save(mask, "PNG")
    sent = picture(64, 64, seed=1)
    uploads = admission["uploads"]
    for post, body in (
        (uploads["content"], sent),
        (uploads["styles"][0], picture(64, 64, seed=2)),
        (answer.json(), mask.getvalue()),
    ):
        assert visitor.upload(post, body).status_code in {200, 201, 204}
    assert visitor.start(run_id, masks=True, colours="palette").status_code == 202
    assert visitor.finish(run_id)["state"] == "succeeded"
    before = np.asarray(Image.open(io.BytesIO(sent)), float)
    away = np.abs(np.asarray(painted(admission), float) - before)
    assert away[:, 32:].max() == 0
    assert away[:, :32].mean() > 2


def test_a_mask_of_other_proportions_is_refused_with_a_reason(visitor: Visitor) -> None:
    admission = visitor.admit()
    run_id = admission["run_id"]
    asked = {"run_id": run_id, "slot": "mask-0", "content_type": "image/png"}
    mask = visitor.post("/api/upload-urls", asked).json()
    uploads = admission["uploads"]
    for post, body in (
        (uploads["content"], picture(96, 64)),
        (uploads["styles"][0], picture()),
        (mask, picture(64, 64, seed=3)),
    ):
        assert visitor.upload(post, body).status_code in {200, 201, 204}
    assert visitor.start(run_id, masks=True).status_code == 202
    final = visitor.finish(run_id)
    assert (final["state"], final["cause"]["code"]) == ("failed", "picture-refused")
    assert "mask 1" in final["cause"]["detail"]


def test_a_house_style_needs_no_upload(visitor: Visitor) -> None:
    answer = visitor.http.post(
        "/api/runs",
        json={"content": {"content_type": "image/png"}, "styles": [{"gallery": "ink-wash"}]},
    )
    assert answer.status_code == 201, answer.text
    admission = answer.json()
    assert admission["uploads"]["styles"] == [None]
    visitor.upload(admission["uploads"]["content"], picture())
    started = visitor.start(admission["run_id"], styles=[{"gallery": "ink-wash"}])
    assert started.status_code == 202, started.text
    assert visitor.finish(admission["run_id"])["state"] == "succeeded"


def test_the_same_start_again_is_the_same_run_and_another_input_is_a_conflict(
    visitor: Visitor,
) -> None:
    before = visitor.budget()
    admission = visitor.begin()
    run_id = admission["run_id"]
    again = visitor.start(run_id)
    assert again.status_code == 202
    assert again.json()["run_id"] == run_id
    other = visitor.start(run_id, seed=99)
    assert other.status_code == 409, other.text
    assert other.json()["code"] == "run-conflict"
    assert visitor.finish(run_id)["state"] == "succeeded"
    late = visitor.start(run_id)
    assert late.status_code == 202
    assert visitor.start(run_id, seed=99).status_code == 409
    after = visitor.settled(run_id)
    assert after["spent_microusd"] - before["spent_microusd"] <= admission["ceiling_microusd"]


def test_an_unknown_run_is_404_and_bad_ids_do_no_harm(visitor: Visitor) -> None:
    for bad, status in (
        ("f" * 32, {404}),
        ('x"%2C"name":"y', {400, 404}),
        ("..%2F..%2Fbudget", {400, 403, 404}),
        ("%27%3B%20drop", {400, 404}),
        ("A" * 32, {400, 404}),
    ):
        answer = visitor.http.get(f"/api/runs/{bad}")
        assert answer.status_code in status, (bad, answer.text)
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert answer.json()["status"] == answer.status_code


@pytest.mark.parametrize(
    "params",
    [
        {"size": 63},
        {"size": 100_000},
        {"size": "512"},
        {"quality": "heroic"},
        {"strength": -0.1},
        {"strength": 1e9},
        {"seed": -1},
        {"seed": 1.5},
        {"algorithm": "magic"},
        {"url": "http://127.0.0.1/"},
    ],
)
def test_parameters_out_of_range_are_refused_before_anything_is_reserved(
    visitor: Visitor, params: dict[str, Any]
) -> None:
    before = visitor.budget()["reserved_microusd"]
    answer = visitor.start("0" * 32, **params)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert visitor.budget()["reserved_microusd"] == before


def test_a_start_without_pictures_is_422(visitor: Visitor) -> None:
    admission = visitor.admit()
    answer = visitor.start(admission["run_id"])
    assert answer.status_code == 422
    assert answer.json()["code"] == "upload-missing"
    visitor.upload(admission["uploads"]["content"], picture())
    answer = visitor.start(admission["run_id"])
    assert answer.status_code == 422
    assert "style" in answer.json()["detail"].lower()


def test_fresh_links_work(visitor: Visitor) -> None:
    admission = visitor.begin()
    visitor.finish(admission["run_id"])
    answer = visitor.http.post(f"/api/runs/{admission['run_id']}/links", json={})
    assert answer.status_code == 200, answer.text
    links = answer.json()["links"]
    assert httpx.get(links["result"]).content == httpx.get(admission["links"]["result"]).content
    tampered = links["result"].replace("result.png", "events.jsonl")
    assert httpx.get(tampered).status_code == 403


def test_the_run_can_be_followed_with_boto3_alone(visitor: Visitor, stack: Running) -> None:
    admission = visitor.begin()
    run_id = admission["run_id"]
    visitor.finish(run_id)
    states = stack.client("stepfunctions")
    names = [
        e["name"]
        for page in states.get_paginator("list_executions").paginate(
            stateMachineArn=stack.machine("run-nst")
        )
        for e in page["executions"]
    ]
    assert run_id in names
    history = states.get_execution_history(executionArn=stack.execution(run_id))["events"]
    assert history[0]["type"] == "ExecutionStarted"
    assert history[-1]["type"] == "ExecutionSucceeded"
    ecs = stack.client("ecs")
    arns = ecs.list_tasks(cluster=stack.name, startedBy=run_id, desiredStatus="STOPPED")["taskArns"]
    task = ecs.describe_tasks(cluster=stack.name, tasks=arns)["tasks"][0]
    assert task["lastStatus"] == "STOPPED"
    assert task["containers"][0]["exitCode"] == 0
    logs = stack.client("logs")
    stream = f"nst/nst/{arns[0].rsplit('/', 1)[1]}"
    found = wait_until(
        "the task's log",
        lambda: logs.get_log_events(
            logGroupName=f"/ecs/{stack.named('worker')}", logStreamName=stream
        )["events"],
    )
    assert any(run_id in e["message"] for e in found)
    result = stack.client("s3").get_object(
        Bucket=stack.named("storage"), Key=f"runs/{run_id}/result.png"
    )
    assert result["ContentType"] == "image/png"


def test_functions_write_their_logs(visitor: Visitor, stack: Running) -> None:
    visitor.budget()
    logs = stack.client("logs")

    def messages() -> list[str]:
        answer = logs.filter_log_events(logGroupName=f"/aws/lambda/{stack.named('read-budget')}")
        return [e["message"] for e in answer["events"]]

    found = wait_until("REPORT lines", lambda: [m for m in messages() if m.startswith("REPORT")])
    assert "Billed Duration" in found[0]


@pytest.mark.parametrize(("name", "size"), [("astronaut", 256), ("chelsea", 224)])
def test_real_photographs_at_default_quality(visitor: Visitor, name: str, size: int) -> None:
    out = io.BytesIO()
    Image.fromarray(getattr(data, name)()).save(out, "JPEG", quality=90)
    admission = visitor.begin(content=out.getvalue(), size=size, quality="good")
    assert visitor.finish(admission["run_id"], 240)["state"] == "succeeded"
    assert max(painted(admission).size) == size
    losses = [e["loss"] for e in visitor.events(admission) if e["type"] == "progress"]
    assert all(np.isfinite(losses))


def test_the_start_order_is_private(visitor: Visitor, stack: Running) -> None:
    admission = visitor.begin()
    run_id = admission["run_id"]
    visitor.finish(run_id)
    for key in (f"orders/{run_id}/start.json", f"orders/{run_id}/watch.json"):
        assert httpx.get(stack.object_url("storage", key)).status_code == 403
    body = stack.client("s3").get_object(
        Bucket=stack.named("storage"), Key=f"orders/{run_id}/start.json"
    )
    order = json.loads(body["Body"].read())
    assert order["run_id"] == run_id
    said = (
        visitor.http.get(f"/api/runs/{run_id}").text + httpx.get(admission["links"]["events"]).text
    )
    for secret in (order["task_token"], order["run"]["digest"], order["run"]["content_key"]):
        assert secret not in said
