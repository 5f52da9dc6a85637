"""An in-memory AWS and a scripted engine for the tests of the service."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.response import StreamingBody

from worker.service.callbacks import Callbacks
from worker.service.clock import RealClock
from worker.service.parts import Parts
from worker.service.ports import Painting, Step
from worker.service.run import Run
from worker.service.storage import Storage
from worker.service.timings import Timings

RUN = "0123456789abcdef" * 2
OTHER = "f" * 32
BUCKET = "nst-storage"
TASK_ARN = "arn:aws:ecs:eu-west-1:123456789012:task/nst/abc"
PATIENCE_S = 20.0
"""Real seconds that a test waits for what must happen at once; only a failing test gets there."""

QUICK = Timings(
    heartbeat_s=0.02,
    log_s=0.01,
    preview_s=0.0,
    progress_s=0.0,
    order_patience_s=0.2,
    token_patience_s=0.5,
    watch_poll_s=0.005,
    watch_poll_max_s=0.01,
    watch_patience_s=5.0,
    contact_lost_s=0.3,
    retry_s=0.01,
    report_patience_s=0.5,
    last_words_s=0.3,
    finish_s=6.0,
    keep_alive_s=30.0,
    follow_s=0.01,
)


def client_error(code: str, operation: str = "Call", status: int = 400) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": code},
            "ResponseMetadata": {"HTTPStatusCode": status},
        },
        operation,
    )


def unreachable() -> EndpointConnectionError:
    return EndpointConnectionError(endpoint_url="http://127.0.0.1:1/")


class FakeS3:
    """Objects in memory. ``before(operation, key)`` is called first and may raise or wait."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.params: dict[str, dict[str, Any]] = {}
        self.puts: list[tuple[str, bytes]] = []
        self.gets: list[str] = []
        self.changed = threading.Condition()
        self.before: Callable[[str, str], None] = lambda operation, key: None

    def get_object(self, **params):
        key = params["Key"]
        self.before("get", key)
        self.gets.append(key)
        if key not in self.objects:
            raise client_error("NoSuchKey", "GetObject", 404)
        body = self.objects[key]
        etag = _etag(body)
        if params.get("IfNoneMatch") == etag:
            raise client_error("304", "GetObject", 304)
        return {"Body": StreamingBody(io.BytesIO(body), len(body)), "ETag": etag}

    def head_object(self, **params):
        self.before("head", params["Key"])
        if params["Key"] not in self.objects:
            raise client_error("404", "HeadObject", 404)
        return {"ETag": _etag(self.objects[params["Key"]])}

    def put_object(self, **params):
        key = params["Key"]
        self.before("put", key)
        with self.changed:
            self.objects[key] = params["Body"]
            self.params[key] = params
            self.puts.append((key, params["Body"]))
            self.changed.notify_all()
        return {"ETag": _etag(params["Body"])}


def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


class FakeStates:
    """Callback tokens: those in ``waiting`` are waited for; all calls are noted."""

    def __init__(self) -> None:
        self.waiting: set[str] = set()
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.changed = threading.Condition()
        self.before: Callable[[str, str], None] = lambda operation, token: None
        self.on_success: Callable[[str], None] = lambda token: None

    def send_task_success(self, **params):
        self._answer("success", params, over=True)
        self.on_success(params["taskToken"])
        return {}

    def send_task_failure(self, **params):
        self._answer("failure", params, over=True)
        return {}

    def send_task_heartbeat(self, **params):
        self._answer("heartbeat", params, over=False)
        return {}

    def of(self, operation: str) -> list[dict[str, Any]]:
        return [params for name, params in self.calls if name == operation]

    def _answer(self, operation, params, over):
        token = params["taskToken"]
        self.before(operation, token)
        with self.changed:
            self.calls.append((operation, params))
            self.changed.notify_all()
            if token not in self.waiting:
                raise client_error("TaskTimedOut", operation)
            if over:
                self.waiting.discard(token)


class ManualClock:
    """Virtual time: it moves only by ``advance``, and whoever waits is woken to look at it."""

    def __init__(self) -> None:
        self._now = 1_000.0
        self._lock = threading.Lock()
        self._conditions: set[threading.Condition] = set()

    def now(self) -> float:
        return 1_700_000_000.0 + self._now

    def monotonic(self) -> float:
        return self._now

    def wait(self, condition, timeout_s):
        with self._lock:
            self._conditions.add(condition)
        condition.wait(PATIENCE_S)

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._now += seconds
            conditions = tuple(self._conditions)
        for condition in conditions:
            with condition:
                condition.notify_all()


def poll(true: Callable[[], object], what: str = "it", each: Callable[[], None] = lambda: None):
    """Look until ``true``, moving whatever ``each`` moves; fails after ``PATIENCE_S``."""
    until = time.monotonic() + PATIENCE_S
    pause = threading.Event()
    while not true():
        assert time.monotonic() < until, f"{what} did not happen"
        each()
        pause.wait(0.002)


def step(number: int, steps: int, preview: Callable[[], bytes] = lambda: b"jpeg", **changes):
    plain = Step(number, steps, 128, 1.5, 1.0, 0.5, 0.1 * number, 1.0, "float32", preview)
    return replace(plain, **changes)


def failing(error: BaseException) -> Callable[..., None]:
    """A hook that raises ``error``."""

    def fail(*_):
        raise error

    return fail


def paint_until_stopped(world: World, first: Callable[[], None]) -> None:
    """Let the engine do ``first`` and then paint until it is asked to stop."""

    def paint(stopped):
        first()
        poll(stopped, "the engine's stop")
        raise RuntimeError("stopped")

    world.engine.on_paint = paint


@dataclass
class ScriptedEngine:
    """An engine that does what a test says; it takes ``steps`` steps when it says nothing."""

    steps: int = 3
    on_prepare: Callable[[], None] = lambda: None
    on_check: Callable[[], None] = lambda: None
    on_paint: Callable[[Callable[[], bool]], None] = lambda stopped: None
    stopped_early: bool = False
    deadlines: list[float] = field(default_factory=list)
    pictures: list[bytes] = field(default_factory=list)
    painted: threading.Event = field(default_factory=threading.Event)

    def prepare(self, run) -> None:
        self.on_prepare()

    def check(self, content, styles, masks, run):
        self.pictures = [content, *styles, *masks]
        self.on_check()
        return self.pictures

    def paint(self, pictures, run, deadline_s, on_step, stopped):
        self.deadlines.append(deadline_s)
        for number in range(1, self.steps + 1):
            on_step(step(number, self.steps))
        self.on_paint(stopped)
        self.painted.set()
        return Painting(b"png", self.steps, "float32", 0.25, self.stopped_early)


def run_input(**changes: Any) -> dict[str, Any]:
    return {
        "run_id": RUN,
        "content_key": f"runs/{RUN}/content",
        "style_keys": [f"runs/{RUN}/style-0", "gallery/waves.jpg"],
        "style_weights": [1.0, 2.0],
        "params": {
            "algorithm": "painted",
            "size": 64,
            "quality": "draft",
            "strength": 1.0,
            "colours": "style",
            "style_scale": 1.0,
            "masks": False,
            "seed": 1,
        },
        "deadline_s": 60,
        "digest": "0" * 64,
        "ceiling_microusd": 1000,
        **changes,
    }


class World:
    """A start order, a workflow that hands the second token over, and a run to execute."""

    def __init__(self, engine=None, clock=None, timings: Timings = QUICK, **run: Any) -> None:
        self.s3 = FakeS3()
        self.states = FakeStates()
        self.engine = engine or ScriptedEngine()
        self.clock = clock or RealClock()
        self.put("runs", "content", b"content")
        self.put("runs", "style-0", b"style")
        self.s3.objects["gallery/waves.jpg"] = b"waves"
        self.order("start-1", **run)
        self.states.waiting.add("start-1")
        self.states.on_success = self._hand_over
        self.reported: list[bool] = []
        self.parts = Parts(
            storage=Storage(self.s3, BUCKET),
            callbacks=Callbacks(self.states),
            engine=self.engine,
            clock=self.clock,
            timings=timings,
            task_arn=lambda: TASK_ARN,
            picture_bytes_max=1024 * 1024,
        )
        self.run = Run(RUN, self.parts, self.clock.monotonic())

    def put(self, folder: str, name: str, body: bytes) -> None:
        self.s3.objects[f"{folder}/{RUN}/{name}"] = body

    def order(self, token: str, **changes: Any) -> None:
        document = {"run_id": RUN, "task_token": token, "run": run_input(**changes), "attempts": []}
        self.put("orders", "start.json", json.dumps(document).encode())

    def watch(self, token: str) -> None:
        self.states.waiting.add(token)
        body = json.dumps({"run_id": RUN, "task_token": token}).encode()
        self.put("orders", "watch.json", body)

    def cancel(self) -> None:
        self.put("orders", "cancel", b"")

    def _hand_over(self, token: str) -> None:
        if token.startswith("start"):
            self.watch("watch-1")

    def execute(self, patience_s: float | None = None) -> bool:
        """The whole run, in a thread that a failing test can leave behind."""
        self.start()
        return self.end(patience_s)

    def start(self) -> None:
        self._thread = threading.Thread(
            target=lambda: self.reported.append(self.run.execute()), daemon=True
        )
        self._thread.start()

    def end(self, patience_s: float | None = None) -> bool:
        self._thread.join(PATIENCE_S if patience_s is None else patience_s)
        assert self.reported, "the run did not end"
        return self.reported[0]

    def stored(self) -> list[dict[str, Any]]:
        """The event log as it stands in S3."""
        text = self.s3.objects.get(f"runs/{RUN}/events.jsonl", b"").decode()
        return [json.loads(line) for line in text.splitlines()]

    def state(self) -> dict[str, Any]:
        return self.stored()[-1]
