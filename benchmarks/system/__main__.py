"""Measures the emulator from outside, as its user meets it.

``python -m benchmarks.system [--rounds N]`` prints and writes the table. It says nothing of AWS: a
Fargate task alone takes tens of seconds to start there.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from skimage import data

from benchmarks.machine import machine, write_section

ROOT = Path(__file__).resolve().parent.parent.parent
AWS_PORT, EDGE_PORT = 14566, 18080
EDGE = f"http://localhost:{EDGE_PORT}"


def main() -> None:
    """Measure and write the section ``system``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    starts, budgets, parts = [], [], []
    for _ in range(rounds):
        with emulator() as first_budget_s:
            starts.append(first_budget_s)
    with emulator():
        calls = [
            timed(lambda: httpx.get(f"{EDGE}/api/budget").raise_for_status()) for _ in range(40)
        ]
        budgets = calls[5:]
        run_once()  # the first run warms functions and page cache
        parts = [run_once() for _ in range(rounds)]
    rows = [
        ("`nst up` to the first successful `GET /api/budget` through the edge", starts, "3 s"),
        ("`GET /api/budget`, warm", budgets, ""),
        (
            "a run's overhead: click to result, less the engine's own time",
            [p["overhead"] for p in parts],
            "4 s",
        ),
        ("... admit (`POST /api/runs`)", [p["admit"] for p in parts], ""),
        ("... two uploads", [p["upload"] for p in parts], ""),
        ("... start (`POST /api/run-nst`)", [p["start"] for p in parts], ""),
        (
            "... accepted to the engine's first moment (task start, PyTorch, pictures)",
            [p["task"] for p in parts],
            "",
        ),
        ("... engine's end to the result being readable", [p["finish"] for p in parts], ""),
        (
            "result readable to money settled (nobody waits for it)",
            [p["settle"] for p in parts],
            "",
        ),
    ]
    lines = [machine(), "", "| what | median | min | max | target |", "|---|---|---|---|---|"]
    for what, values, target in rows:
        shown = " | ".join(seconds(f(values)) for f in (statistics.median, min, max))
        lines.append(f"| {what} | {shown} | {target} |")
    table = "\n".join(lines)
    print(table)
    write_section("system", table)


def seconds(value: float) -> str:
    """Milliseconds below one second."""
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.0f} ms"


def timed(work: Any) -> float:
    """Seconds that ``work()`` takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


@contextlib.contextmanager
def emulator() -> Iterator[float]:
    """An emulator; gives the seconds from its start to the first budget answered."""
    command = [
        sys.executable, "-m", "system", "up",
        "--aws-port", str(AWS_PORT), "--edge-port", str(EDGE_PORT), "--budget", "100",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as home:
        begin = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, env={**os.environ, "XDG_STATE_HOME": home}
        )
        try:
            wait(lambda: httpx.get(f"{EDGE}/api/budget").status_code == 200, process)
            first = time.perf_counter() - begin
            wait(
                lambda: httpx.get(f"http://127.0.0.1:{AWS_PORT}/_nst/status").json()["ready"],
                process,
            )
            yield first
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def wait(ready: Any, process: subprocess.Popen[bytes]) -> None:
    """Ask until it is so, for a minute at most."""
    deadline = time.perf_counter() + 60
    while True:
        with contextlib.suppress(httpx.TransportError):
            if ready():
                return
        if process.poll() is not None or time.perf_counter() > deadline:
            raise SystemExit("the emulator did not start")
        time.sleep(0.01)


def run_once() -> dict[str, float]:
    """One tiny run, from click to result, in parts."""
    client = httpx.Client(base_url=EDGE, timeout=60)
    content, style = jpeg(data.astronaut()), jpeg(data.coffee())
    begin = time.perf_counter()
    body = {"content": {"content_type": "image/jpeg"}, "styles": [{"content_type": "image/jpeg"}]}
    admission = client.post("/api/runs", json=body).raise_for_status().json()
    admitted = time.perf_counter()
    for post, picture in (
        (admission["uploads"]["content"], content),
        (admission["uploads"]["styles"][0], style),
    ):
        httpx.post(post["url"], data=post["fields"], files={"file": picture}).raise_for_status()
    uploaded = time.perf_counter()
    params = {"algorithm": "painted", "size": 128, "quality": "draft", "seed": 1}
    start = {"run_id": admission["run_id"], "styles": [{}], "params": params}
    client.post("/api/run-nst", json=start).raise_for_status()
    accepted = time.perf_counter()
    while httpx.get(admission["links"]["result"]).status_code != 200:
        if time.perf_counter() - accepted > 60:
            raise SystemExit("the run did not end")
        time.sleep(0.01)
    readable = time.perf_counter()
    while client.get("/api/budget").json()["reserved_microusd"]:
        time.sleep(0.02)
    settled = time.perf_counter()
    log = httpx.get(admission["links"]["events"]).text.splitlines()
    engine_s, ended_ago = engine_time(log)
    overhead = (readable - begin) - engine_s
    finish = min(ended_ago, overhead)
    return {
        "overhead": overhead,
        "admit": admitted - begin,
        "upload": uploaded - admitted,
        "start": accepted - uploaded,
        "task": readable - accepted - engine_s - finish,
        "finish": finish,
        "settle": settled - readable,
    }


def engine_time(log: list[str]) -> tuple[float, float]:
    """The engine's own seconds, and those from its end to the result event."""
    import json  # noqa: PLC0415
    from datetime import datetime  # noqa: PLC0415

    events = [json.loads(line) for line in log]
    at = {e["id"]: datetime.fromisoformat(e["at"]).timestamp() for e in events}
    running = next(e for e in events if e.get("state") == "running")
    last = [e for e in events if e["type"] == "progress"][-1]
    result = next(e for e in events if e["type"] == "result")
    engine_s = last["elapsed_s"]
    return engine_s, max(0.0, at[result["id"]] - at[running["id"]] - engine_s)


def jpeg(pixels: Any) -> bytes:
    """A photograph as a JPEG file."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=90)
    return out.getvalue()


if __name__ == "__main__":
    main()
