"""Measures the start of the task's program: time to its first evaluation, and memory before it.

``python -m benchmarks.start [--rounds N]`` prints and writes the table. The tasks are those of an
emulator, started as it always does; the program's start is the one that the kernel has noted.
Linux only.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
from skimage import data

from benchmarks.machine import machine, write_section
from benchmarks.system.__main__ import EDGE, emulator, jpeg

ROOT = Path(__file__).resolve().parent.parent.parent
ALGORITHMS = ("painted", "instant")
LIBRARIES = ("libtorch", "onnxruntime")
"""What computes: a task that has mapped one of them prepares its run."""
START_TARGET_S, MEMORY_TARGET_MB = 3, 250
PATIENCE_S = 60
_PROGRAM = ["-m", "worker"]


@dataclass(frozen=True, slots=True)
class Start:
    """Of one task.

    Seconds from the program's start to the end of its first evaluation, and the memory (MB,
    resident) that was in use when it began to load what computes.
    """

    first_evaluation_s: float
    before_mb: float


def main() -> None:
    """Measure and write the section ``start``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.start")
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    made: dict[str, list[Start]] = {}
    with emulator():
        for algorithm in ALGORITHMS:
            task_start(algorithm)  # reads the files once
            made[algorithm] = [task_start(algorithm) for _ in range(rounds)]
    text = report(made, [log_server_mb() for _ in range(rounds)])
    print(text)
    write_section("start", text)


def report(made: dict[str, list[Start]], log_server: Sequence[float]) -> str:
    """Give the section of docs/performance.md."""
    lines = [machine(), "", "| what | median | min | max | target |", "|---|---|---|---|---|"]
    for algorithm, starts in made.items():
        values = [each.first_evaluation_s for each in starts]
        what = f"the program's start to its first evaluation, {algorithm}"
        lines.append(row(what, values, "{:.2f} s", f"{START_TARGET_S} s"))
    memory = f"{MEMORY_TARGET_MB} MB"
    before = [each.before_mb for starts in made.values() for each in starts]
    lines.append(row("memory of a task before its engine is loaded", before, "{:.0f} MB", memory))
    what = "memory of the instance that serves live events, idle"
    lines.append(row(what, log_server, "{:.0f} MB", memory))
    return "\n".join(lines)


def row(what: str, values: Sequence[float], form: str, target: str) -> str:
    """One line of the table."""
    shown = " | ".join(form.format(f(values)) for f in (statistics.median, min, max))
    return f"| {what} | {shown} | {target} |"


def task_start(algorithm: str) -> Start:
    """Run a small painting through the public API and watch its task's process."""
    client = httpx.Client(base_url=EDGE, timeout=PATIENCE_S)
    body = {"content": {"content_type": "image/jpeg"}, "styles": [{"content_type": "image/jpeg"}]}
    admission = client.post("/api/runs", json=body).raise_for_status().json()
    posts = (admission["uploads"]["content"], *admission["uploads"]["styles"])
    for post, picture in zip(posts, (data.astronaut(), data.coffee()), strict=True):
        file = {"file": jpeg(picture)}
        httpx.post(post["url"], data=post["fields"], files=file).raise_for_status()
    params = {"algorithm": algorithm, "size": 512, "quality": "draft", "seed": 1}
    order = {"run_id": admission["run_id"], "styles": [{}], "params": params}
    client.post("/api/run-nst", json=order).raise_for_status()
    process = waited(task)
    began_at, used = started_at(process), [0.0]

    def loads() -> bool:
        if loading(process):
            return True
        used[0] = process.memory_info().rss / 1e6
        return False

    with contextlib.suppress(psutil.NoSuchProcess):  # it may be over before it is looked at again
        waited(loads)
    events = waited(lambda: finished(admission["links"]["events"]))
    waited(lambda: task() is None)
    waited(lambda: client.get("/api/budget").json()["reserved_microusd"] == 0)
    first = next(event for event in events if event["type"] == "progress")
    return Start(datetime.fromisoformat(first["at"]).timestamp() - began_at, used[0])


def waited(look: Any) -> Any:
    """Look until there is something, for a minute at most; often: memory grows fast."""
    deadline = time.perf_counter() + PATIENCE_S
    while not (found := look()):
        if time.perf_counter() > deadline:
            raise SystemExit("the task did not do what was waited for")
        time.sleep(0.005)
    return found


def task() -> psutil.Process | None:
    """The process of the task that runs now, below this one."""
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if process.cmdline()[1:] == _PROGRAM:
                return process
    return None


def started_at(process: psutil.Process) -> float:
    """When a process began (seconds of the epoch), to a hundredth; psutil knows whole seconds."""
    fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2]
    up_s = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
    age_s = up_s - int(fields.split()[19]) / os.sysconf("SC_CLK_TCK")
    return time.time() - age_s


def loading(process: psutil.Process) -> bool:
    """Whether it has begun to load what computes."""
    maps = Path(f"/proc/{process.pid}/maps")
    try:
        mapped = maps.read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError) as error:
        raise psutil.NoSuchProcess(process.pid) from error
    return any(library in mapped for library in LIBRARIES)


def finished(link: str) -> list[dict[str, Any]] | None:
    """The events of a run that has succeeded; raises SystemExit for one that has not."""
    answer = httpx.get(link)
    events: list[dict[str, Any]] = [json.loads(line) for line in lines_of(answer)]
    states = [event["state"] for event in events if event["type"] == "state"]
    if "failed" in states:
        raise SystemExit("the run failed")
    return events if "succeeded" in states else None


def lines_of(answer: httpx.Response) -> list[str]:
    """The lines of an event log, which may not be there yet."""
    return answer.text.splitlines() if answer.status_code == httpx.codes.OK else []


def log_server_mb() -> float:
    """Memory of the program as an instance that only serves event logs, when it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with log_server(port) as process:
        waited(lambda: healthy(port))
        return psutil.Process(process.pid).memory_info().rss / 1e6


@contextlib.contextmanager
def log_server(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The program without a run; it asks AWS for nothing until somebody reads."""
    environment = {
        **os.environ,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "STORAGE_BUCKET": "nst-storage",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
    }
    command = [sys.executable, *_PROGRAM]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def healthy(port: int) -> bool:
    """Whether the program's Web API answers."""
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/healthz").is_success
    return False


if __name__ == "__main__":
    main()
