"""Every other way in which a run ends: stopped, killed, lost, refused; always settled."""

from __future__ import annotations

import io
import os
import signal
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.system.running import Running, wait_until
from tests.system.visitor import SLOW, Visitor, picture


def worker_pid(run_id: str) -> int | None:
    """The process of the run's task."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if f"RUN_ID={run_id}".encode() in environment.split(b"\0"):
                return int(entry.name)
    return None


def last_task(stack: Running, run_id: str) -> dict[str, Any]:
    ecs = stack.client("ecs")

    def stopped() -> Any:
        arns = ecs.list_tasks(cluster=stack.name, startedBy=run_id, desiredStatus="STOPPED")[
            "taskArns"
        ]
        tasks = ecs.describe_tasks(cluster=stack.name, tasks=arns)["tasks"] if arns else []
        return [t for t in tasks if t["lastStatus"] == "STOPPED"]

    found: dict[str, Any] = wait_until("the task to be stopped", stopped)[0]
    return found


def test_a_visitor_stops_a_run(visitor: Visitor, stack: Running) -> None:
    before = visitor.budget()
    admission = visitor.begin(**SLOW)
    run_id = admission["run_id"]
    visitor.running(admission)
    for _ in range(2):  # idempotent
        answer = visitor.http.post(f"/api/runs/{run_id}/stop", json={})
        assert answer.status_code == 202, answer.text
    final = visitor.finish(run_id, 30)
    assert final["state"] == "cancelled"
    assert final["cause"]["code"] == "run-cancelled"
    assert last_task(stack, run_id)["lastStatus"] == "STOPPED"
    assert worker_pid(run_id) is None
    after = visitor.settled(run_id)
    paid = after["spent_microusd"] - before["spent_microusd"]
    assert 0 < paid < admission["ceiling_microusd"]
    assert visitor.http.post(f"/api/runs/{run_id}/stop", json={}).status_code == 202


def test_stopping_an_unknown_run_is_404(visitor: Visitor) -> None:
    answer = visitor.http.post(f"/api/runs/{'e' * 32}/stop", json={})
    assert answer.status_code == 404
    assert answer.json()["code"] == "run-not-found"


@pytest.mark.needs("processes")
def test_a_killed_worker_ends_the_run_within_its_heartbeat(
    visitor: Visitor, stack: Running
) -> None:
    admission = visitor.begin(**SLOW)
    run_id = admission["run_id"]
    visitor.running(admission)
    pid = worker_pid(run_id)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    final = visitor.finish(run_id, 35)
    assert final["state"] == "failed"
    assert final["cause"]["code"] in {"task-stopped", "worker-lost"}
    assert len(final["cause"]["detail"]) > 20
    task = last_task(stack, run_id)
    assert task["containers"][0]["exitCode"] == 137
    visitor.settled(run_id)


@pytest.mark.needs("processes")
def test_a_worker_that_hangs_loses_its_heartbeat(visitor: Visitor, stack: Running) -> None:
    admission = visitor.begin(**SLOW)
    run_id = admission["run_id"]
    visitor.running(admission)
    pid = worker_pid(run_id)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    final = visitor.finish(run_id, 90)
    assert final["state"] == "failed"
    assert final["cause"]["code"] == "worker-lost"
    assert last_task(stack, run_id)["containers"][0]["exitCode"] == 137
    visitor.settled(run_id)


def test_a_task_stopped_from_outside_fails_the_run(visitor: Visitor, stack: Running) -> None:
    admission = visitor.begin(**SLOW)
    run_id = admission["run_id"]
    visitor.running(admission)
    ecs = stack.client("ecs")
    [arn] = ecs.list_tasks(cluster=stack.name, startedBy=run_id)["taskArns"]
    ecs.stop_task(cluster=stack.name, task=arn, reason="maintenance")
    final = visitor.finish(run_id, 35)
    assert final["state"] == "failed"
    assert final["cause"]["detail"]
    visitor.settled(run_id)


def test_an_aborted_execution_is_reconciled(visitor: Visitor, stack: Running) -> None:
    """StopExecution is what no Catch sees: only the rule and reconcile can stop the task."""
    admission = visitor.begin(**SLOW)
    run_id = admission["run_id"]
    visitor.running(admission)
    stack.client("stepfunctions").stop_execution(executionArn=stack.execution(run_id))
    assert visitor.finish(run_id)["state"] == "failed"
    assert last_task(stack, run_id)["lastStatus"] == "STOPPED"
    visitor.settled(run_id)
    assert worker_pid(run_id) is None


def test_reconcile_for_all_is_idempotent_and_harms_no_running_run(
    visitor: Visitor, stack: Running
) -> None:
    admission = visitor.begin(**SLOW)
    visitor.running(admission)
    states = stack.client("stepfunctions")
    for _ in range(2):
        done = states.start_sync_execution(stateMachineArn=stack.machine("reconcile"), input="{}")
        assert done["status"] == "SUCCEEDED", done
    now = visitor.state(admission["run_id"])
    assert now is not None
    assert now["state"] == "running"
    visitor.http.post(f"/api/runs/{admission['run_id']}/stop", json={})
    visitor.finish(admission["run_id"])
    visitor.settled(admission["run_id"])


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it is huge and has next to no data."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        crc = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 1000)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def truncated_jpeg() -> bytes:
    whole = picture(400, 300, kind="JPEG")
    return whole[: len(whole) // 2]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("text renamed to .jpg", b"This is no picture at all, whatever its name says.\n" * 20),
        ("truncated JPEG", truncated_jpeg()),
        ("30,000 x 30,000 PNG", png_header(30_000, 30_000)),
        ("HTML", b"<!doctype html><script>alert(1)</script>" + b" " * 200),
        ("SVG", b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>' * 3),
    ],
)
def test_a_picture_that_cannot_be_used_fails_with_a_reason_and_costs_little(
    visitor: Visitor, name: str, body: bytes
) -> None:
    admission = visitor.begin(content=body)
    final = visitor.finish(admission["run_id"])
    assert final["state"] == "failed", name
    assert final["cause"]["code"] == "picture-refused", final
    assert final["cause"]["status"] == 422
    assert len(final["cause"]["detail"]) > 15
    last = visitor.events(admission)[-1]
    assert last["state"] == "failed"
    assert last["problem"]["code"] == "picture-refused"
    visitor.settled(admission["run_id"])


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def photograph() -> Image.Image:
    return Image.open(io.BytesIO(picture(96, 64, seed=3))).convert("RGB")


def rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise
    return encoded(photograph(), "JPEG", exif=exif)


def sixteen_bit() -> bytes:
    ramp = np.linspace(0, 65535, 96 * 64).reshape(64, 96).astype(np.uint16)
    return encoded(Image.fromarray(ramp), "PNG")


@pytest.mark.parametrize(
    ("name", "body", "size"),
    [
        ("16 bit", sixteen_bit(), (64, 43)),
        ("CMYK", encoded(photograph().convert("CMYK"), "JPEG"), (64, 43)),
        ("palette", encoded(photograph().quantize(16), "PNG"), (64, 43)),
        ("EXIF rotated", rotated(), (43, 64)),
        ("alpha", encoded(photograph().convert("RGBA"), "WEBP"), (64, 43)),
    ],
)
def test_unusual_pictures_are_handled_right(
    visitor: Visitor, name: str, body: bytes, size: tuple[int, int]
) -> None:
    admission = visitor.begin(content=body)
    final = visitor.finish(admission["run_id"])
    assert final["state"] == "succeeded", (name, final)
    import httpx  # noqa: PLC0415

    result = Image.open(io.BytesIO(httpx.get(admission["links"]["result"]).content))
    assert result.size == size
    assert not result.getexif()
    visitor.settled(admission["run_id"])
